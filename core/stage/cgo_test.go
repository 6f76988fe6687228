// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package stage

// Where there is a C compiler, these tests are of a program with a C library, as
// "go install" makes one of nsctl.
import _ "os/user"
