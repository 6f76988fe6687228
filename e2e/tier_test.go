// SPDX-License-Identifier: Apache-2.0

package e2e

import "os"

// long reports whether tests take the numbers that show more and take minutes: make
// test-long.
func long() bool { return os.Getenv("NSRUN_TEST_LONG") == "1" }
