// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nsrun/nsrun/internal/wire"
)

const (
	tailLines  = 20      // how many last lines are kept for errors
	lineLength = 4 << 10 // how much of one line is kept
	logBudget  = 1 << 20 // how many bytes a second go into the log
)

// output takes what a plugin prints: it always reads on, so that the plugin
// never blocks in a write, logs it, and remembers the last lines.
type output struct {
	log     *slog.Logger
	readers sync.WaitGroup // of the process's own output

	mu      sync.Mutex
	why     string    // the line that says why a Go program died
	tail    []string  // the last lines, as they came
	second  time.Time // when the current budget began
	spent   int
	dropped int
}

// drain reads lines from r until its end, in the background. The caller has
// added it to o.readers.
func (o *output) drain(r *bufio.Reader) {
	go func() {
		defer o.readers.Done()
		for {
			line, more, err := r.ReadLine()
			if err != nil {
				return
			}
			o.line(string(line))
			for more && err == nil {
				_, more, err = r.ReadLine()
			}
		}
	}()
}

// Write takes what the plugin prints through go-plugin's stream, in pieces that
// may hold any part of a line. It never fails.
func (o *output) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		o.line(strings.TrimRight(line, "\n"))
	}
	return len(p), nil
}

// line takes one line. A flood must cost little, so only what is kept is read.
func (o *output) line(text string) {
	text = cut(text, lineLength)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == "" && fatal(text) {
		o.why = text
	}
	o.tail = append(o.tail, text)
	if len(o.tail) > tailLines {
		o.tail = slices.Delete(o.tail, 0, 1)
	}
	if o.afford(len(text)) {
		level, message, attrs := parseLog(text)
		o.log.Log(context.Background(), level, message, attrs...)
	}
}

func fatal(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// afford reports whether the log takes n more bytes now. What it didn't take is
// reported once it takes some again.
func (o *output) afford(n int) bool {
	if now := time.Now(); now.Sub(o.second) > time.Second {
		if o.dropped > 0 {
			o.log.Warn("plugin prints too much", "lines dropped", o.dropped)
		}
		o.second, o.spent, o.dropped = now, 0, 0
	}
	if o.spent += n; o.spent > logBudget {
		o.dropped++
		return false
	}
	return true
}

// last returns what the plugin said last, in one line: why it died if it said
// so, else its last three lines.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why != "" {
		return cut(wire.Printable(o.why), 512)
	}
	var lines []string
	for _, line := range o.tail[max(0, len(o.tail)-3):] {
		_, message, _ := parseLog(line)
		lines = append(lines, cut(message, 512))
	}
	return strings.Join(lines, " / ")
}

// finish waits until everything that was printed has been read, but no longer
// than d: a grandchild may hold the other end open.
func (o *output) finish(d time.Duration) {
	done := make(chan struct{})
	go func() { o.readers.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(d):
	}
}

// parseLog returns what to log for a line: a line of JSON in the form that SPEC.md
// names under "Logs" says its level, any other is logged for debugging.
func parseLog(line string) (slog.Level, string, []any) {
	var fields map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil {
		return slog.LevelDebug, wire.Printable(line), nil
	}
	message, ok := fields["@message"].(string)
	if !ok {
		return slog.LevelDebug, wire.Printable(line), nil
	}
	level := slog.LevelDebug
	if text, ok := fields["@level"].(string); ok {
		_ = level.UnmarshalText([]byte(text)) // an unknown level leaves it as it is
	}
	var attrs []any
	for key, value := range fields {
		if !strings.HasPrefix(key, "@") {
			attrs = append(attrs, slog.Any(key, value))
		}
	}
	slices.SortFunc(attrs, func(a, b any) int { return strings.Compare(a.(slog.Attr).Key, b.(slog.Attr).Key) })
	return level, wire.Printable(message), attrs
}

// cut returns s, or its beginning if it is longer than n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " ..."
}

// errTooLong says that a line is longer than the reader's buffer.
var errTooLong = errors.New("line too long")

// firstLine reads one line, no longer than r's buffer, without its end.
func firstLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return string(line), errTooLong
	case err != nil && !(errors.Is(err, io.EOF) && len(line) > 0):
		return string(line), err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}
