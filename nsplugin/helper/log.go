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

// tail returns the end of a log, but nothing before the byte from; "" if there is no
// log.
func tail(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(from, end-maxTail), io.SeekStart)
	}
	text, _ := io.ReadAll(io.LimitReader(f, maxTail))
	return string(bytes.ToValidUTF8(text, []byte("?")))
}

// lastLines returns the last lines of text that say something, as one line.
func lastLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		// Without a system logger pasta complains after each of its lines.
		if line = strings.TrimSpace(line); line != "" && !strings.HasSuffix(line, "bytes to syslog") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-maxLines):], "; ")
}
