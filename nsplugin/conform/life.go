// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// served are the checks of the services that a plugin has beside its own.
func (r *runner) served() []row {
	return []row{
		{Check{ID: "V-4", Name: "a method from the future is answered UNIMPLEMENTED"}, r.futureMethod},
		{Check{ID: "H-8", Name: "it serves grpc.health.v1.Health", Should: true}, r.health},
		{Check{ID: "H-8", Name: "it keeps plugin.GRPCStdio/StreamStdio open", Should: true}, r.stdio},
	}
}

func (r *runner) invoke(method string, in, out any) error {
	ctx, cancel := bounded(r.ctx, r.Limits.Call)
	defer cancel()
	return r.plugin.conn.Invoke(ctx, method, in, out)
}

func (r *runner) futureMethod() Verdict {
	err := r.invoke("/nsrun.plugin.v1.Plugin/FromALaterVersion", &emptypb.Empty{}, &emptypb.Empty{})
	if code := status.Code(err); code != codes.Unimplemented {
		return fault("gRPC status " + code.String())
	}
	return Verdict{}
}

// health asks for the service "plugin". The request's only field is a string
// with the number 1, as in wrapperspb.StringValue.
func (r *runner) health() Verdict {
	err := r.invoke("/grpc.health.v1.Health/Check", wrapperspb.String("plugin"), &emptypb.Empty{})
	return failure(err)
}

// stdio opens the stream and makes sure that it doesn't end at once.
func (r *runner) stdio() Verdict {
	// Not a deadline, which the plugin would know of.
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	defer time.AfterFunc(grace, cancel).Stop()
	stream, err := r.plugin.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/plugin.GRPCStdio/StreamStdio")
	if err == nil {
		err = errors.Join(stream.SendMsg(&emptypb.Empty{}), stream.CloseSend())
	}
	if err == nil {
		err = stream.RecvMsg(&emptypb.Empty{})
	}
	if err == nil || status.Code(err) == codes.Canceled {
		return Verdict{}
	}
	if errors.Is(err, io.EOF) {
		return fault("the stream ended")
	}
	return failure(err)
}

// lifeAndDeath are the checks for which a process is started and ended.
func (r *runner) lifeAndDeath() []row {
	return []row{
		{Check{ID: "P-1", Name: "another process makes the same offer"}, r.fresh("debug", r.sameOffer)},
		{Check{ID: "P-2", Name: "standard input is left alone"}, r.fresh("debug", r.leavesStdin)},
		{Check{ID: "P-1", Name: "calls leave no file descriptor open"}, r.fresh("debug", r.closesFiles)},
		{Check{ID: "P-7", Name: "no terminal is opened"}, r.fresh("debug", r.opensNoTerminal)},
		{Check{ID: "N-2", Name: "asking leaves nothing on the host"}, r.leavesNothing(r.converse)},
		{Check{ID: "C-2", Name: "checking leaves nothing on the host"}, r.leavesNothing(r.checks)},
		{Check{ID: "R-3", Name: "a call that is given up leaves it able to answer"}, r.fresh("debug", r.givesUp)},
		{Check{ID: "R-5", Name: "a request beyond the limits is refused"}, r.fresh("debug", r.refusesTooMuch)},
		{Check{ID: "L-1", Name: "log lines parse"}, r.fresh("debug", r.logsParse)},
		{Check{ID: "L-2", Name: "it logs no less severe than it is asked to", Should: true}, r.fresh("error", r.logsLittle)},
		{Check{ID: "L-4", Name: "values of sensitive options aren't logged"}, r.fresh("debug", r.keepsSecrets)},
		{Check{ID: "P-6", Name: "an interrupt doesn't end it", Should: true}, r.fresh("debug", r.minds(syscall.SIGINT))},
		{Check{ID: "P-5", Name: "it ends when it is told to, with all that it started"}, r.fresh("debug", r.shutsDown)},
		{Check{ID: "P-4", Name: "it ends when nsrun is gone, with all that it started"}, r.fresh("debug", r.diesWithHost)},
	}
}

// request is the plainest request.
func (r *runner) request() *ns.Request {
	c := Case{}
	if len(r.Cases) > 0 {
		c = r.Cases[0]
	}
	return c.Request(r.descriptor)
}

// converse calls all that changes nothing.
func (r *runner) converse(plugin *Plugin) error {
	_, err := plugin.Describe(r.ctx)
	_, err2 := plugin.Negotiate(r.ctx, r.request())
	_, err3 := plugin.Check(r.ctx, hostFacts())
	return errors.Join(err, err2, err3)
}

func (r *runner) sameOffer(_ *process, plugin *Plugin) Verdict {
	if err := r.alive(); err != nil {
		return failure(err)
	}
	first, err := r.plugin.Negotiate(r.ctx, r.request())
	if err != nil {
		return failure(err)
	}
	second, err := plugin.Negotiate(r.ctx, r.request())
	if err == nil && !reflect.DeepEqual(first, second) {
		return fault("the offers differ: " + difference(first, second))
	}
	return failure(err)
}

func (r *runner) leavesStdin(p *process, plugin *Plugin) Verdict {
	if err := r.converse(plugin); err != nil {
		return failure(err)
	}
	offset, err := p.stdin.Seek(0, io.SeekCurrent)
	if err == nil && offset > 0 {
		return fault(fmt.Sprintf("it read %d bytes of standard input", offset))
	}
	return failure(err)
}

// checks calls Check alone.
func (r *runner) checks(plugin *Plugin) error {
	_, err := plugin.Check(r.ctx, hostFacts())
	return err
}

// leavesNothing returns the check that call adds nothing to the host.
func (r *runner) leavesNothing(call func(*Plugin) error) func() Verdict {
	return func() Verdict {
		var v Verdict
		added := changes(func() {
			v = r.fresh("debug", func(p *process, plugin *Plugin) Verdict {
				if err := call(plugin); err != nil {
					return failure(err)
				}
				return Verdict{Faults: p.litter()}
			})()
		})
		v.Faults = append(v.Faults, added...)
		return v
	}
}

// rounds is how often calls are made to see whether descriptors add up. What a
// runtime opens once doesn't.
const rounds = 8

func (r *runner) closesFiles(p *process, plugin *Plugin) Verdict {
	if err := r.converse(plugin); err != nil {
		return failure(err)
	}
	before := len(p.files())
	for range rounds {
		if err := r.converse(plugin); err != nil {
			return failure(err)
		}
	}
	if after := p.files(); len(after) >= before+rounds {
		slices.Sort(after)
		return fault(fmt.Sprintf("%d calls left %d open, among %s", 3*rounds, len(after)-before, strings.Join(slices.Compact(after), ", ")))
	}
	return Verdict{}
}

func (r *runner) opensNoTerminal(p *process, plugin *Plugin) Verdict {
	if err := r.converse(plugin); err != nil {
		return failure(err)
	}
	var v Verdict
	for _, path := range p.files() {
		if path == "/dev/tty" || path == "/dev/console" || path == "/dev/ptmx" || strings.HasPrefix(path, "/dev/pts/") {
			v.Faults = append(v.Faults, "it opened "+path)
		}
	}
	return v
}

// givesUp makes calls and gives them up while they are under way.
func (r *runner) givesUp(_ *process, plugin *Plugin) Verdict {
	if _, err := plugin.Describe(r.ctx); err != nil {
		return failure(err)
	}
	for _, patience := range []time.Duration{time.Millisecond, 5 * time.Millisecond} {
		ctx, cancel := context.WithCancel(r.ctx)
		stop := time.AfterFunc(patience, cancel)
		_, _ = plugin.client.Negotiate(ctx, r.request())
		stop.Stop()
		cancel()
	}
	_, err := plugin.Describe(r.ctx)
	return failure(err)
}

// refusesTooMuch sends a message that is larger than the limit. Whether it is
// refused by an error or by the end of the connection, the plugin lives on.
func (r *runner) refusesTooMuch(_ *process, plugin *Plugin) Verdict {
	req := r.request()
	req.Settings = []ns.Setting{{Option: "no-such-option", Args: []string{strings.Repeat("x", wire.MaxMessage+1)}}}
	offer, err := plugin.Negotiate(r.ctx, req)
	if err == nil && !ns.HasErrors(offer.Diagnostics) {
		return fault(fmt.Sprintf("a message of more than %d bytes was accepted", wire.MaxMessage))
	}
	_, err = plugin.Describe(r.ctx)
	return failure(err)
}

func (r *runner) shutsDown(p *process, plugin *Plugin) Verdict {
	if err := r.converse(plugin); err != nil {
		return failure(err)
	}
	ctx, cancel := bounded(r.ctx, r.Limits.End)
	defer cancel()
	// The plugin may be gone before the answer is.
	err := plugin.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	if status.Code(err) == codes.Unimplemented {
		return fault("plugin.GRPCController/Shutdown is not served")
	}
	return r.gone(p)
}

func (r *runner) diesWithHost(p *process, plugin *Plugin) Verdict {
	if err := r.converse(plugin); err != nil {
		return failure(err)
	}
	p.lifeline.Close()
	return r.gone(p)
}

// gone waits for the end of the process and of all that it started.
func (r *runner) gone(p *process) Verdict {
	if !p.ends() {
		return fault(fmt.Sprintf("it still runs after %s", r.Limits.End))
	}
	return Verdict{Faults: p.abandoned()}
}

// minds returns the check that a signal doesn't end the plugin.
func (r *runner) minds(sig syscall.Signal) func(*process, *Plugin) Verdict {
	return func(p *process, plugin *Plugin) Verdict {
		_, err := plugin.Describe(r.ctx)
		if err := errors.Join(err, p.cmd.Process.Signal(sig)); err != nil {
			return failure(err)
		}
		// The signal takes effect when the kernel runs the thread that it chose, which
		// may be after an answer.
		for end := time.Now().Add(effect); err == nil && time.Now().Before(end); time.Sleep(effect / 20) {
			_, err = plugin.Describe(r.ctx)
		}
		return failure(err)
	}
}

// effect is how long a signal may take to end a process that it ends.
const effect = 300 * time.Millisecond

// logLine is a line of the log as nsrun reads it: [L-1].
type logLine struct {
	Message   *string `json:"@message"`
	Level     *string `json:"@level"`
	Timestamp *string `json:"@timestamp"`
}

// logged returns the lines that are meant for nsrun's log, and what is wrong
// with them.
func (p *process) logged() (lines []logLine, faults []string) {
	for text := range strings.Lines(p.said()) {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "{") || !strings.Contains(text, `"@message"`) {
			continue
		}
		var line logLine
		err := json.Unmarshal([]byte(text), &line)
		if err != nil || line.Message == nil || line.Level == nil || line.Timestamp == nil {
			faults = append(faults, "not a log line: "+quote(text))
			continue
		}
		if _, known := severity[*line.Level]; !known {
			faults = append(faults, "unknown level: "+quote(text))
		}
		if _, err := time.Parse(time.RFC3339, *line.Timestamp); err != nil {
			faults = append(faults, "not a timestamp: "+quote(text))
		}
		lines = append(lines, line)
	}
	return lines, faults
}

// severity ranks the levels of log lines.
var severity = map[string]int{"trace": 0, "debug": 1, "info": 2, "warn": 3, "error": 4}

func (r *runner) logsParse(p *process, plugin *Plugin) Verdict {
	err := r.converse(plugin)
	p.kill()
	p.settled()
	_, faults := p.logged()
	if err != nil {
		faults = append(faults, err.Error())
	}
	return Verdict{Faults: faults}
}

func (r *runner) logsLittle(p *process, plugin *Plugin) Verdict {
	err := r.converse(plugin)
	p.kill()
	p.settled()
	lines, _ := p.logged()
	for _, line := range lines {
		if severity[*line.Level] < severity["error"] {
			return fault("with NSRUN_LOG_LEVEL=error it logged " + quote(*line.Level+": "+*line.Message))
		}
	}
	return failure(err)
}

// secret is a value that no plugin has of its own.
const secret = "conform-5f0c3a-secret"

func (r *runner) keepsSecrets(p *process, plugin *Plugin) Verdict {
	c := Case{}
	for _, o := range r.descriptor.Options {
		if o.Sensitive && (o.Type == ns.String || o.Type == ns.Path) {
			c.Settings = append(c.Settings, ns.Setting{Option: o.Name, Args: []string{"/" + secret}})
		}
	}
	if len(c.Settings) == 0 {
		return skip("no option is sensitive")
	}
	_, err := plugin.Negotiate(r.ctx, c.Request(r.descriptor))
	p.kill()
	p.settled()
	if strings.Contains(p.said(), secret) {
		return fault("the value of a sensitive option is in the log")
	}
	return failure(err)
}
