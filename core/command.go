// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// defaultPath is where a command is looked for when the environment has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// command returns what the child executes in the end.
func (r *run) command() stage.Command {
	env := r.environment()
	path, ok := lookup(env, "PATH")
	if !ok {
		path = defaultPath
	}
	return stage.Command{Argv: r.inv.Command, Env: env, Path: path, Dir: r.inv.Dir, User: r.credential(),
		NoNewPrivs: r.inv.NoNewPrivs, Console: r.inv.wantsConsole()}
}

// credential returns the ids that --user asks for. Supplementary groups go,
// except where the kernel forbids it; user_namespaces(7), "setgroups".
func (r *run) credential() *stage.Credential {
	if r.inv.UID == nil {
		return nil
	}
	m := r.plan.IDMap
	return &stage.Credential{UID: *r.inv.UID, GID: *r.inv.GID, KeepGroups: m != nil && m.DenySetgroups}
}

// config returns what the child is to do.
func (r *run) config() stage.Config {
	return stage.Config{Kinds: r.plan.KindList(), Steps: r.steps(), IDMap: r.plan.IDMap, Inputs: r.inputs, Command: r.command(), Cwd: r.Facts.Dir, Clock: r.debugs()}
}

// Program returns the system calls that the child would make for a plan, as
// text. Steps that PreExec hooks would add are not among them.
func (s *Session) Program(inv *Invocation, p *ns.Plan) (string, error) {
	program, err := stage.Compile(newRun(s, inv, p).config())
	if err != nil {
		return "", err
	}
	return program.String(), nil
}

// environment returns the command's environment: the caller's, byte for byte,
// less what only concerns nsrun and what the command gets as a file; then what
// plugins set; then what the user asked for.
func (r *run) environment() []string {
	var env []string
	if !r.inv.ClearEnv {
		files := r.variablesAsFiles()
		env = slices.DeleteFunc(slices.Clone(r.Environ), func(e string) bool {
			name, _, _ := strings.Cut(e, "=")
			return strings.HasPrefix(e, "NSRUN_") || slices.Contains(files, name)
		})
	}
	for _, e := range r.plan.Env {
		env = setEnv(env, e.Name, e.Value)
	}
	for _, e := range r.inv.Env {
		name, value, given := strings.Cut(e, "=")
		if !given {
			if value, given = lookup(r.Environ, name); !given {
				continue
			}
		}
		env = setEnv(env, name, value)
	}
	return env
}

// variablesAsFiles returns the names of the variables that the command gets as
// files: one that asks for that doesn't want it to be in the environment, which
// all that the command starts would inherit.
func (r *run) variablesAsFiles() (names []string) {
	for _, s := range r.plan.Steps {
		if s.Op != ns.OpFile || s.Source == "" {
			continue
		}
		if source, err := ns.ParseSource(s.Source); err == nil && source.Env != "" {
			names = append(names, source.Env)
		}
	}
	return names
}

// lookup returns the value of name in environ, as getenv(3) finds it.
func lookup(environ []string, name string) (string, bool) {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// setEnv returns env with name set to value, in its old place if it had one.
func setEnv(env []string, name, value string) []string {
	i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	if i < 0 {
		return append(env, name+"="+value)
	}
	env[i] = name + "=" + value
	return env
}
