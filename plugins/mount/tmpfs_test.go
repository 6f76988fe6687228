// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestParseTmpfs(t *testing.T) {
	tests := []struct{ arg, path, data string }{
		{"/tmp", "/tmp", "mode=0755"},
		{"/tmp:", "/tmp", "mode=0755"},
		{"/tmp:mode=700", "/tmp", "mode=700"},
		{"/tmp:size=1G", "/tmp", "mode=0755,size=1G"},
		{"/tmp:size=50%,mode=1777", "/tmp", "mode=1777,size=50%"},
		{"/tmp:size=4096", "/tmp", "mode=0755,size=4096"},
		{"/a:b/c", "/a:b/c", "mode=0755"},
		{"/a:b:", "/a:b", "mode=0755"},
	}
	for _, tt := range tests {
		path, data, err := parseTmpfs(tt.arg)
		if path != tt.path || data != tt.data || err != nil {
			t.Errorf("parseTmpfs(%q) = %q, %q, %v, want %q, %q", tt.arg, path, data, err, tt.path, tt.data)
		}
	}
}

func TestParseTmpfsRefuses(t *testing.T) {
	for _, arg := range []string{
		"", ":size=1m", "/tmp:ro", "/tmp:size", "/tmp:size=", "/tmp:size=0", "/tmp:size=-1", "/tmp:size=1x", "/tmp:size=1mm",
		"/tmp:size=m", "/tmp:size=99999999999999999999", "/tmp:mode=", "/tmp:mode=8", "/tmp:mode=2777", "/tmp:mode=4755", "/tmp:mode=0x1",
		"/tmp:size=1m,", "/tmp:uid=0", "/tmp:size=1m,huge=always",
	} {
		if path, data, err := parseTmpfs(arg); err == nil {
			t.Errorf("parseTmpfs(%q) = %q, %q, want an error", arg, path, data)
		}
	}
}
