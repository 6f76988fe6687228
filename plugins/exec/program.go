// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// message is what the program reads on standard input.
type message struct {
	// Call is negotiate, pre-exec, post-exec, check-run, update, review or check.
	Call string `json:"call"`
	// Options are the values of all options, by name.
	Options map[string]any `json:"options,omitempty"`
	// Request is what a negotiation is about.
	Request *ns.Request `json:"request,omitempty"`
	// Run is what a hook is about.
	Run *ns.HookRequest `json:"run,omitempty"`
	// Review is the whole of a run, and Plan its plan.
	Review *ns.ReviewRequest `json:"review,omitempty"`
	Plan   json.RawMessage   `json:"plan,omitempty"`
	// State is what pre-exec or the last update answered, for the calls after it.
	State json.RawMessage `json:"state,omitempty"`
	// Facts are those of the host, for check.
	Facts *ns.Facts `json:"facts,omitempty"`
}

// reply is what a hook, or check, prints.
type reply struct {
	Steps       []ns.Step         `json:"steps"`
	Env         []ns.EnvVar       `json:"env"`
	Results     map[string]string `json:"results"`
	State       json.RawMessage   `json:"state"`
	Settings    []ns.Setting      `json:"settings"`
	Helpers     []ns.Helper       `json:"helpers"`
	Diagnostics []ns.Diagnostic   `json:"diagnostics"`
}

// maxAnswer is more than nsrun takes: 4 MiB.
const maxAnswer = 4 << 20

// call runs the program for one call and decodes what it prints into answer.
func (def *definition) call(ctx context.Context, m *message, answer any) error {
	input, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the call: %w", err)
	}
	stdout, stderr, err := def.run(ctx, m, input)
	logLines(stderr)
	if err != nil {
		return def.failed(ctx, m, stdout, stderr, err)
	}
	if len(bytes.TrimSpace(stdout)) == 0 {
		return nil // nothing to say
	}
	if err := decode(stdout, answer); err != nil {
		return nsplugin.Errorf("%s: read the answer of %s: %w", m.Call, def.what(), err).
			WithDetail("it printed " + fmt.Sprintf("%.200q", stdout)).
			WithHint("report this to the plugin's author")
	}
	return nil
}

// decode reads one JSON value that has no other keys than those of v.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// run starts the program. What it prints is returned also when it fails.
func (def *definition) run(ctx context.Context, m *message, input []byte) (stdout, stderr []byte, err error) {
	// The script of a file is part of what nsrun has checked.
	path, args := "/bin/sh", []string{"sh", "-euc", def.Script, def.path}
	var files []*os.File
	if def.program != "" {
		program, err := pin(def.program)
		if err != nil {
			return nil, nil, err
		}
		defer program.Close()
		path, args, files = "/proc/self/fd/3", append([]string{def.program}, def.Command[1:]...), []*os.File{program}
	}
	out, errs := &capped{limit: maxAnswer}, &capped{limit: 64 << 10}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Dir, cmd.Env, cmd.ExtraFiles = args, "/", def.environ(m), files
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), out, errs
	cmd.WaitDelay = time.Second // what it started may hold its output open
	err = cmd.Run()
	if err == nil && out.more {
		err = fmt.Errorf("its answer is larger than %d bytes", maxAnswer)
	}
	return out.Bytes(), errs.Bytes(), err
}

// capped keeps the beginning of what is written to it.
type capped struct {
	bytes.Buffer
	limit int
	more  bool
}

// Write never fails, so that a program isn't ended by SIGPIPE.
func (c *capped) Write(p []byte) (int, error) {
	n := min(len(p), c.limit-c.Len())
	c.more = c.more || n < len(p)
	c.Buffer.Write(p[:n])
	return len(p), nil
}

// failed returns the error of a program that failed: the diagnostics that it
// printed, or how it ended with the last that it said.
func (def *definition) failed(ctx context.Context, m *message, stdout, stderr []byte, err error) error {
	if d := (*ns.Diagnostic)(nil); errors.As(err, &d) {
		return err // it was never run
	}
	var r struct {
		Diagnostics []ns.Diagnostic `json:"diagnostics"`
	}
	if decode(stdout, &r) == nil && ns.HasErrors(r.Diagnostics) {
		return ns.Errors(r.Diagnostics)
	}
	if ctx.Err() != nil {
		err = errors.New("it took too long")
	}
	d := nsplugin.Errorf("%s: run %s: %w", m.Call, def.what(), err).WithHint("nsrun --debug shows all that it said")
	if lines := strings.Split(strings.TrimSpace(string(stderr)), "\n"); lines[0] != "" {
		d.Detail = "it said: " + strings.Join(lines[max(0, len(lines)-3):], " / ")
	}
	return d
}

// what names the program in messages.
func (def *definition) what() string {
	if def.program != "" {
		return def.program
	}
	return "the script of " + def.path
}

// logLines logs what the program said.
func logLines(stderr []byte) {
	for line := range strings.Lines(string(stderr)) {
		slog.Info(strings.TrimSpace(line))
	}
}

// values returns the value of each option: the last that was given, or the
// default; all that were given if it is repeated. With several arguments it is
// their list.
func (def *definition) values(settings []ns.Setting) map[string]any {
	values := map[string]any{}
	for _, o := range def.Options {
		values[o.Name] = o.Default
		if o.Repeated {
			values[o.Name] = []any{}
		}
	}
	for _, s := range settings {
		var value any = s.Args[0]
		if len(s.Args) > 1 {
			value = s.Args
		}
		if list, ok := values[s.Option].([]any); ok {
			value = append(list, value)
		}
		values[s.Option] = value
	}
	return values
}

// environ is the program's environment: the plugin's own without what is nsrun's,
// and for shells what they would have to find in JSON.
func (def *definition) environ(m *message) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "NSRUN_") || strings.HasPrefix(kv, "PLUGIN_")
	})
	env = append(env, "NSRUN_CALL="+m.Call, "NSRUN_PLUGIN_DIR="+filepath.Dir(def.path))
	for _, o := range def.Options {
		if value, ok := m.Options[o.Name].(string); ok && !o.Sensitive {
			env = append(env, "NSRUN_OPTION_"+strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))+"="+value)
		}
	}
	if m.Run != nil {
		env = append(env, "NSRUN_RUN_ID="+m.Run.RunID, fmt.Sprintf("NSRUN_PID=%d", m.Run.PID), "NSRUN_STATE_DIR="+m.Run.StateDir,
			"NSRUN_RUN_LIFELINE="+m.Run.Lifeline)
		for kind, path := range m.Run.Paths {
			env = append(env, "NSRUN_NS_"+strings.ToUpper(string(kind))+"="+path)
		}
	}
	return env
}
