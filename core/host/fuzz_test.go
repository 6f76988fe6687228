// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// FuzzHandshake prints what no plugin should. The only socket that a line can name
// is one in the plugin's own directory, and what is told can be shown on a terminal.
func FuzzHandshake(f *testing.F) {
	dir := f.TempDir()
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	if err := os.Symlink(socket, filepath.Join(dir, "link")); err != nil {
		f.Fatal(err)
	}
	for _, line := range []string{
		"1|1|unix|DIR/s|grpc", "1|1|unix|DIR/s|grpc\n", "1|1|unix|DIR/s|grpc||true", "1|1|unix|DIR/link|grpc", "1|1|unix|DIR/../s|grpc", "1|2|unix|DIR/s|grpc",
		"2|1|unix|DIR/s|grpc", "1|1|tcp|127.0.0.1:1|grpc", "1|1|unix|DIR/s|netrpc", "1|1|unix|DIR/s|grpc|CERT", "1|1|unix", "", "|", "\x1b[2J|1", "1|1|unix|DIR/s\x00|grpc",
		"1|1|unix|DIR/s|grpc||||||", "01|1|unix|DIR/s|grpc", "1|-1|unix|DIR/s|grpc", "1|99999999999999999999|unix|DIR/s|grpc",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, bad := parseHandshake(strings.ReplaceAll(line, "DIR", dir), dir)
		if bad == nil && got != socket {
			t.Errorf("%q names %q", line, got)
		}
		if bad == nil {
			return
		}
		for _, c := range bad.Error() + bad.Detail + bad.Hint {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%q is told with %q in it", line, c)
			}
		}
	})
}
