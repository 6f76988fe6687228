// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/core/stage/machine"
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Program is what a child carries out: system calls, in order. Its String is
// what --dry-run=syscalls prints.
type Program struct {
	code  *program.Program
	steps []ns.PlannedStep
	argv0 string
	first bool // the command is the first process of its PID namespace
	// unshared are the namespaces that the child makes before it has the program.
	unshared uintptr
}

// String returns the calls, one on a line, below the step that they belong to.
func (p *Program) String() string {
	if p.unshared == 0 {
		return p.code.String()
	}
	return fmt.Sprintf("# make the namespaces, while nsrun goes on\n     unshare(%s)\n%s", program.CloneFlags(p.unshared), p.code)
}

// Compile turns a configuration into a program. It asks the host for nothing but
// the types of files, and changes nothing. The error joins a *ns.Diagnostic for
// each thing that is wrong.
func Compile(cfg Config) (*Program, error) {
	c := &compiler{cfg: cfg, host: cfg.Host, source: map[int]program.Reg{}}
	if c.host == nil {
		c.host = realHost{}
	}
	c.b.Clock(cfg.Clock)
	c.check()
	if c.problems != nil {
		return nil, errors.Join(c.problems...)
	}
	if cfg.Join != 0 {
		c.join()
	} else {
		c.prepare()
	}
	c.steps(c.order())
	c.command()
	if c.problems != nil {
		return nil, errors.Join(c.problems...)
	}
	prog := &Program{code: c.b.Program(), steps: cfg.Steps, argv0: cfg.Command.Argv[0]}
	if cfg.Join == 0 {
		prog.first = c.has(ns.PID) && c.find(ns.OpInit) < 0
		prog.unshared = machine.Unshared(ns.CloneFlags(cfg.Kinds))
	}
	return prog, nil
}

// compiler is the state of one Compile.
type compiler struct {
	cfg      Config
	host     Host
	b        program.Builder
	problems []error

	plugin string              // who asked for the step at hand
	index  int                 // of the step at hand
	skip   program.Label       // the end of the step at hand
	source map[int]program.Reg // what each bind mounts, and the root's directory, by the index of the step
	root   program.Reg         // the root of OpRootfs, until the pivot
	tree   tree                // what is mounted where
	masks  program.Reg         // the file system that masks are taken from, once there is one
	times  bool                // there is a time namespace for the command
	umask  program.Reg         // the caller's umask, if it was cleared
}

func (c *compiler) has(kind ns.Kind) bool { return slices.Contains(c.cfg.Kinds, kind) }

func (c *compiler) isMask(i int) bool { return c.cfg.Steps[i].Op == ns.OpMask }

func (c *compiler) find(op ns.Op) int {
	return slices.IndexFunc(c.cfg.Steps, func(s ns.PlannedStep) bool { return s.Op == op })
}

// problem notes what is wrong with the step at hand, or with the configuration.
func (c *compiler) problem(d *ns.Diagnostic) {
	d.Plugin = c.plugin
	c.problems = append(c.problems, d)
}

// The places of steps in the order in which they are carried out.
const (
	placePropagation = iota
	placeRootfs
	placeSetup
	placePivot
	placeInside
)

// order returns the indexes of the steps in the order in which to carry them
// out, but for those that restrict the process, which have their places around
// the execution of the command. A plan has them in order but for those that
// hooks added at its end.
func (c *compiler) order() []int {
	var order []int
	for i, s := range c.cfg.Steps {
		if !s.Op.Confines() {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return placeOf(c.cfg.Steps[a].Step) - placeOf(c.cfg.Steps[b].Step)
	})
	return order
}

func placeOf(s ns.Step) int {
	switch {
	case s.Op == ns.OpPropagation:
		return placePropagation
	case s.Op == ns.OpRootfs:
		return placeRootfs
	case s.Op == ns.OpPivot:
		return placePivot
	case s.Phase == ns.Inside && s.Op != ns.OpSysctl:
		return placeInside
	}
	// Also sysctls: the host's /proc is trusted, one in a root directory isn't.
	return placeSetup
}

// steps adds the steps, in the order given. What they take from the host's tree is taken
// before any of them changes it, but for the propagation, which clones have from their
// originals.
func (c *compiler) steps(order []int) {
	first := slices.IndexFunc(order, func(i int) bool { return placeOf(c.cfg.Steps[i].Step) > placePropagation })
	for k, i := range order {
		if k == first {
			c.takeSources(order[k:])
		}
		c.step(i)
		if c.masks != 0 && !slices.ContainsFunc(order[k+1:], c.isMask) {
			c.dropMasks()
		}
	}
	if first < 0 && c.cfg.Join == 0 {
		c.takeSetupIDs()
	}
}

// prepare adds what comes before the first step.
func (c *compiler) prepare() {
	if c.has(ns.Mount) && c.find(ns.OpPropagation) < 0 {
		// Fail safe: without it, mounts in a copy of a shared tree show on the host.
		c.b.Begin(-1, "keep mounts away from the host")
		c.propagation("/", unix.MS_PRIVATE)
	}
	if slices.ContainsFunc(c.cfg.Steps, creates) {
		c.b.Begin(-1, "create files with the permissions asked for")
		c.umask = c.b.Result(unix.SYS_UMASK, program.Int(0))
	}
}

// creates reports whether, from s on, files may be created, whose permissions
// depend on the umask.
func creates(s ns.PlannedStep) bool {
	switch s.Op {
	case ns.OpRootfs, ns.OpFile, ns.OpMkdir, ns.OpMask, ns.OpOverlay:
		return true
	}
	return s.Op == ns.OpMount && empty[s.FSType]
}

// step adds the instructions of step i.
func (c *compiler) step(i int) {
	s := c.cfg.Steps[i]
	c.plugin, c.index = s.Plugin, i
	defer func() { c.plugin = "" }()
	if c.leftOut(s.Step) {
		return
	}
	c.b.Begin(i, titleOf(s))
	c.skip = c.b.Label()
	emit[s.Op](c, s.Step)
	c.b.Place(c.skip)
}

// takeSources takes what the steps are to mount: a source is a path of the host, also
// when the plan mounts something over it. The child looks paths up as the caller, who may
// be let into directories that the ids of the run aren't. The others come after it has
// these ids, since only they can make the files of an overlay.
func (c *compiler) takeSources(steps []int) {
	c.take(steps, ns.OpBind, c.cloneSource)
	c.take(steps, ns.OpRootfs, c.openRootfs)
	c.takeSetupIDs()
	c.take(steps, ns.OpOverlay, c.newOverlay)
}

// take has each step of setup that does op take its source.
func (c *compiler) take(steps []int, op ns.Op, source func(ns.Step) program.Reg) {
	for _, i := range steps {
		s := c.cfg.Steps[i]
		if s.Op != op || s.Phase != ns.Setup || c.leftOut(s.Step) {
			continue
		}
		c.plugin = s.Plugin
		c.b.Begin(i, titleOf(s)+": take the source")
		c.source[i] = source(s.Step)
	}
	c.plugin = ""
}

func titleOf(s ns.PlannedStep) string {
	if s.Plugin == "" {
		return Words(s.Step)
	}
	return s.Plugin + ": " + Words(s.Step)
}

// emit holds what adds the instructions of each op.
var emit = map[ns.Op]func(*compiler, ns.Step){
	ns.OpPropagation: (*compiler).setPropagation, ns.OpRootfs: (*compiler).enterRootfs,
	ns.OpPivot: (*compiler).pivot, ns.OpBind: (*compiler).bind, ns.OpMount: (*compiler).mount,
	ns.OpTimeOffset: (*compiler).timeOffset, ns.OpOverlay: (*compiler).overlay, ns.OpMask: (*compiler).mask, ns.OpRemount: (*compiler).remount,
	ns.OpFile: (*compiler).file, ns.OpMkdir: (*compiler).mkdir, ns.OpSymlink: (*compiler).symlink,
	ns.OpHostname: (*compiler).hostname, ns.OpDomainname: (*compiler).domainname,
	ns.OpLinkUp: (*compiler).linkUp, ns.OpSysctl: (*compiler).sysctl,
	ns.OpInit: func(*compiler, ns.Step) {}, // the init splits off when all steps are done
}
