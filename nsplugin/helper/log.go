// SPDX-License-Identifier: Apache-2.0

package helper

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// maxTail is how much of a log's end is read.
const maxTail = 4096

// maxLines is how many of its lines are shown.
const maxLines = 3

// tail returns the end of a log, or "" if there is none.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-maxTail), io.SeekStart)
	}
	text, _ := io.ReadAll(io.LimitReader(f, maxTail))
	return string(bytes.ToValidUTF8(text, []byte("?")))
}

// lastLines returns the last lines of a log that say something, as one line.
func lastLines(path string) string {
	var lines []string
	for line := range strings.Lines(tail(path)) {
		// Without a system logger pasta complains after each of its lines.
		if line = strings.TrimSpace(line); line != "" && !strings.HasSuffix(line, "bytes to syslog") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-maxLines):], "; ")
}
