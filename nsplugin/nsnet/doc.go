// SPDX-License-Identifier: Apache-2.0

// Package nsnet is the part of the SDK for authors of network backends: plugins
// that own the kind net.
//
// It holds the options that mean the same on every backend, so that a command
// line stays as it is when the backend is swapped. A backend embeds those that it
// supports in its struct, and says so in its descriptor:
//
//	type backend struct {
//		nsnet.PublishOption
//		nsnet.NameOptions
//	}
//
//	func (b *backend) Describe() nsplugin.Info {
//		return nsplugin.Info{Name: "mine", Kinds: []ns.Kind{ns.Net}, Features: nsnet.Features(b)}
//	}
//
// nsrun refuses the others, and names the installed backends that have them. Each
// group of options has a method that reads it, and reports all that is wrong at
// once: [PublishOption.Ports], [AddressOptions.Addresses], [NameOptions.Names].
//
// Beside the options, the package has what every backend needs for them: whether a
// host port is free ([CheckFree]), who has published one ([Reservations]), and the
// files resolv.conf and hosts of the sandbox ([Names]).
package nsnet
