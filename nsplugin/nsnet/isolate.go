// SPDX-License-Identifier: Apache-2.0

package nsnet

// IsolateOption is the option --isolate: the sandbox and those on its network
// exchange no packets with those on other networks of the host.
type IsolateOption struct {
	Isolate bool `option:"isolate" help:"keep the sandbox from the host's other bridges, and them from it"`
}
