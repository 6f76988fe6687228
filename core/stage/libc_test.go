// SPDX-License-Identifier: Apache-2.0

//go:build cgo && libc

package stage

// With the tag libc these tests are of a program with a C library, as "go install" makes
// one of nsctl where there is a C compiler.
import _ "os/user"
