// SPDX-License-Identifier: Apache-2.0

package inherit

const (
	sysPrctl            = 157
	sysSchedSetaffinity = 203
	sysPrlimit64        = 302
)
