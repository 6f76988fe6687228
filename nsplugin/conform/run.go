// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"context"
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// Subject is a plugin binary to check.
type Subject struct {
	// Path of the file, absolute. Required.
	Path string
	// Cases are requests to make beside [Defaults].
	Cases []Case
	// Limits are how long the plugin may take. Required; usually [SpecLimits].
	Limits Limits
	// NewChild makes a child for hooks, in namespaces of these kinds of which those in
	// pin outlive it. Nil means that no PreExec is called, since it changes the host.
	NewChild func(kinds, pin []ns.Kind) (*Child, error)
	// Only are the ids of the demands to check. Empty means all.
	Only []string
}

// Run makes every check and returns what was found, in the order of a plugin's
// life. A plugin that doesn't start, or can't describe itself, leaves most of
// them out. It ends early with ctx.
func Run(ctx context.Context, s Subject) []Result {
	r := &runner{Subject: s, ctx: ctx}
	defer r.stop()
	r.table(r.beforeStart())
	if r.connect() && r.describe() {
		r.table(r.served())
		r.answers()
		r.table(r.lifeAndDeath())
		r.table(r.hooks())
	}
	return r.results
}

// runner makes the checks of one plugin.
type runner struct {
	Subject
	ctx        context.Context
	results    []Result
	process    *process // that serves
	plugin     *Plugin  // connected to it
	descriptor *ns.Descriptor
	temp       string // TMPDIR of the processes of one run
	serves     string // id of that run, whose programs outlive them
}

// row is a check with what makes it.
type row struct {
	Check
	run func() Verdict
}

// table makes the checks of rows, as long as there is time.
func (r *runner) table(rows []row) {
	for _, row := range rows {
		switch {
		case !r.wanted(row.Check):
		case r.ctx.Err() != nil:
			r.add(row.Check, "", skip("stopped"))
		default:
			r.add(row.Check, "", row.run())
		}
	}
}

func (r *runner) wanted(c Check) bool { return len(r.Only) == 0 || slices.Contains(r.Only, c.ID) }

// add adds a result. What keeps the plugin from being checked at all is always
// wanted.
func (r *runner) add(c Check, name string, v Verdict) {
	if !r.wanted(c) && (r.descriptor != nil || len(v.Faults) == 0) {
		return
	}
	result := v.result(c)
	result.Case = name
	r.results = append(r.results, result)
}

// launch starts the plugin as nsrun does.
func (r *runner) launch(level string) (*process, error) {
	return launch(start{path: r.Path, cookie: wire.CookieValue, versions: "1", level: level, temp: r.temp, serves: r.serves, limits: r.Limits})
}

// serving returns a process of the plugin that serves, with a connection.
func (r *runner) serving(level string) (*process, *Plugin, error) {
	p, err := r.launch(level)
	if err != nil {
		return nil, nil, err
	}
	socket, faults := p.socket()
	if len(faults) > 0 {
		p.stop()
		return nil, nil, fmt.Errorf("start plugin: %s", faults[0])
	}
	plugin, err := Dial(socket, r.Limits)
	if err != nil {
		p.stop()
		return nil, nil, err
	}
	return p, plugin, nil
}

// fresh makes f's check with a process of its own.
func (r *runner) fresh(level string, f func(p *process, plugin *Plugin) Verdict) func() Verdict {
	return func() Verdict {
		p, plugin, err := r.serving(level)
		if err != nil {
			return failure(err)
		}
		defer p.stop()
		defer plugin.Close()
		return f(p, plugin)
	}
}

// stop ends the process that serves.
func (r *runner) stop() {
	if r.plugin != nil {
		r.plugin.Close()
	}
	if r.process != nil {
		r.process.stop()
	}
	r.plugin, r.process = nil, nil
}

// alive makes sure that a process serves: what a check broke is started anew.
func (r *runner) alive() error {
	if r.process != nil {
		select {
		case <-r.process.exited:
			r.stop()
		default:
			return nil
		}
	}
	var err error
	r.process, r.plugin, err = r.serving("debug")
	return err
}

// describe gets the descriptor.
func (r *runner) describe() bool {
	d, err := r.plugin.Describe(r.ctx)
	r.add(Check{ID: "H-8", Name: "it serves nsrun.plugin.v1.Plugin"}, "", failure(err))
	if err != nil {
		return false
	}
	r.descriptor = d
	r.table([]row{{Check{ID: "D-1", Name: "the file is named nsrun-plugin-NAME"}, r.fileName}})
	return true
}

// answers makes the checks of what the plugin answers, all with one process.
func (r *runner) answers() {
	for _, a := range Answers {
		r.ask(&a, nil)
	}
	cases := Defaults(r.descriptor)
	for i := range cases {
		cases[i].MayRefuse = true // this host may not be what the plugin needs
	}
	for _, c := range slices.Concat(cases, r.Cases) {
		for _, a := range CaseAnswers {
			r.ask(&a, &c)
		}
	}
}

func (r *runner) ask(a *AnswerCheck, c *Case) {
	if !r.wanted(a.Check) {
		return
	}
	name := ""
	if c != nil {
		name = c.Name
	}
	if err := r.alive(); err != nil {
		r.add(a.Check, name, failure(err))
		return
	}
	v := a.Run(r.ctx, r.plugin, r.descriptor, c)
	if len(v.Faults) > 0 {
		r.stop() // it may hang in the call
	}
	r.add(a.Check, name, v)
}

// Open starts the plugin and returns a connection to it, and what ends both.
func Open(s Subject) (*Plugin, func(), error) {
	r := &runner{Subject: s}
	p, plugin, err := r.serving("warn")
	if err != nil {
		return nil, nil, err
	}
	return plugin, func() { plugin.Close(); p.stop() }, nil
}

// Describe starts the plugin, returns what it says of itself, and ends it.
func Describe(ctx context.Context, s Subject) (*ns.Descriptor, error) {
	plugin, end, err := Open(s)
	if err != nil {
		return nil, err
	}
	defer end()
	return plugin.Describe(ctx)
}
