// SPDX-License-Identifier: Apache-2.0

// Package version holds the version of nsrun.
package version

// Version is set by the linker from the git tag; see the Makefile.
var Version = "dev"
