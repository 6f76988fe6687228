// SPDX-License-Identifier: Apache-2.0

// Package ns is the vocabulary of nsrun: the nouns that the core, the plugins
// and the wire share, and nothing that acts.
//
// A plugin describes itself with a [Descriptor]. For one run it is sent a
// [Request] and answers with an [Offer]; all offers merged are a [Plan].
// Work inside the child travels as [Step] values, which the child carries out;
// work on the host is done by hooks, called with a [HookRequest].
//
// The package imports the standard library only, so that everything else,
// plugins of third parties included, can import it at no cost.
package ns
