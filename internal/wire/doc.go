// SPDX-License-Identifier: Apache-2.0

// Package wire is the protocol of SPEC.md in the types of [ns]: both ends of
// the gRPC service, the conversion between the two vocabularies, and what
// go-plugin needs to know on either side.
//
// Values of closed sets pass through as they are, known or not. Whether an
// answer is acceptable is decided by ns.CheckDescriptor and its like, not here.
package wire
