// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-plugin"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// maxLine is the longest handshake line in bytes.
const maxLine = 4 << 10

// The handshake line, which a plugin prints once it listens:
//
//	1|1|unix|/run/.../plugin123|grpc|
//	| |  |         |             |   └ certificate: none
//	| |  |         |             └ RPC protocol
//	| |  |         └ address, in the directory that the plugin was given
//	| |  └ network
//	| └ version of nsrun's protocol
//	└ version of go-plugin's protocol
//
// go-plugin would connect wherever the line says, and dereferences nil at a
// certificate that it didn't ask for. It is therefore given none but lines that
// were checked here.

// parseHandshake returns the address that the line names, which must be in dir.
func parseHandshake(line, dir string) (string, *ns.Diagnostic) {
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 4 || !number(fields[0]) || !number(fields[1]) {
		return "", printedFirst(line)
	}
	field := func(i int) string { return strings.Join(fields[min(i, len(fields)):min(i+1, len(fields))], "") }
	core, version, network, address, protocol, certificate := field(0), field(1), field(2), field(3), field(4), field(5)
	switch {
	case core != strconv.Itoa(plugin.CoreProtocolVersion):
		return "", otherVersion("go-plugin handshake ", core, plugin.CoreProtocolVersion)
	case version != strconv.Itoa(wire.ProtocolVersion):
		return "", otherVersion("protocol ", version, wire.ProtocolVersion)
	case protocol != string(plugin.ProtocolGRPC):
		return "", otherRPC(protocol)
	case certificate != "":
		return "", badHandshake("names a TLS certificate, which nsrun didn't ask for")
	case len(fields) > 7:
		return "", badHandshake("has %d fields, 7 at most are known", len(fields))
	case network != "unix":
		return "", badHandshake("names a %s address, %s", quote(network), quote(address))
	}
	return address, checkSocket(address, dir)
}

// checkSocket makes sure that address is a socket in dir, not a link to one.
func checkSocket(address, dir string) *ns.Diagnostic {
	if filepath.Dir(address) != dir || filepath.Clean(address) != address {
		return badHandshake("names a socket outside of its directory: %s", quote(address))
	}
	info, err := os.Lstat(address)
	switch {
	case err != nil:
		return badHandshake("names a socket that isn't there: %s", quote(address))
	case info.Mode().Type() != os.ModeSocket:
		return badHandshake("names what is no socket: %s", quote(address))
	}
	return nil
}

func number(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func printedFirst(line string) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: "start plugin: printed " + quote(line) + " before the handshake",
		Detail:  "standard output carries the handshake, so nothing else may be printed there before it",
		Hint:    "if it is an nsrun plugin, make it print to standard error",
	}
}

// otherVersion refuses a version that isn't ours, and says which side is the older one.
func otherVersion(what, theirs string, ours int) *ns.Diagnostic {
	d := &ns.Diagnostic{Summary: fmt.Sprintf("start plugin: speaks %s%s, and this nsrun %d", what, theirs, ours), Hint: ns.UpgradeNsrun}
	if n, _ := strconv.Atoi(theirs); n < ours {
		d.Hint = upgradePlugin
	}
	return d
}

func otherRPC(theirs string) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("start plugin: speaks RPC protocol %s, and this nsrun %s", quote(theirs), plugin.ProtocolGRPC),
		Hint:    "use a plugin that was built for nsrun: nsctl plugin install FILE",
	}
}

// upgradePlugin is what to do about a plugin that lacks what this nsrun needs.
const upgradePlugin = "upgrade the plugin, which is too old for this nsrun: nsctl plugin install FILE"

func badHandshake(format string, args ...any) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: "start plugin: the handshake " + fmt.Sprintf(format, args...),
		Detail:  "nsrun connects to a unix socket in the directory that it gave the plugin, and nowhere else",
		Hint:    reportHint,
	}
}

func quote(s string) string { return strconv.Quote(cut(s, 120)) }
