// SPDX-License-Identifier: Apache-2.0

package host

import (
	"slices"
	"strings"
)

// setEnv returns env with key set to value, in place of any value it had.
func setEnv(env []string, key, value string) []string {
	env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, key+"=") })
	return append(env, key+"="+value)
}
