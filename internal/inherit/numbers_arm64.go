// SPDX-License-Identifier: Apache-2.0

package inherit

const sysPrlimit64 = 261
