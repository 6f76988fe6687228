// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/nsrun/nsrun/ns"
)

// CoreOptions are nsrun's own flags; all others come from plugins.
var CoreOptions = []ns.Option{
	{Name: "plugins", Type: ns.String, Args: []string{"LIST"}, Help: "the plugins of this run: KIND, KIND=NAME or NAME, with commas", Default: "uts,ipc,pid,mount"},
	{Name: "plugin-dir", Type: ns.Path, Args: []string{"DIR"}, Repeated: true, Help: "look for plugins here first"},
	{Name: "profile", Type: ns.String, Args: []string{"NAME"}, Help: "take the flags of a profile: sandbox, one of /etc/nsrun/profiles or ~/.config/nsrun/profiles, or a file"},
	{Name: "locked", Type: ns.Bool, Enum: []string{"true", "FILE"}, Help: "refuse plugins that aren't those of the lock file, nsrun.lock or FILE: nsctl plugin lock"},
	{Name: "name", Type: ns.String, Args: []string{"NAME"}, Help: "call the run NAME", Default: "its id"},
	{Name: "env", Short: "e", Type: ns.String, Args: []string{"KEY[=VALUE]"}, Repeated: true, Help: "set a variable, or pass on the caller's"},
	{Name: "clearenv", Type: ns.Bool, Help: "start with an empty environment"},
	{Name: "chdir", Short: "w", Type: ns.String, Args: []string{"DIR"}, Help: "working directory of the command", Default: "the caller's, if it exists inside"},
	{Name: "user", Type: ns.String, Args: []string{"UID[:GID]"}, Help: "run the command as these ids"},
	{Name: "tty", Short: "t", Type: ns.Bool, Enum: []string{"always", "auto", "never"}, Help: "give the command a terminal of its own; auto: where standard input is a terminal"},
	{Name: "no-new-privs", Type: ns.Bool, Help: "keep the command from gaining privilege by execve(2)", Default: "true"},
	{Name: "dry-run", Type: ns.Bool, Enum: []string{"text", "json", "syscalls"}, Help: "print the plan and start nothing"},
	{Name: "status-fd", Type: ns.Int, Args: []string{"FD"}, Help: "write JSON lines on the run's progress to FD"},
	{Name: "keep-warm", Type: ns.Duration, Env: "NSRUN_KEEP_WARM", Help: "keep plugins running for this long, for the next runs"},
	{Name: "no-cache", Type: ns.Bool, Help: "ask every plugin anew"},
	{Name: "timings", Type: ns.Bool, Enum: []string{"text", "json", "svg FILE"}, Help: "show where the time went, as a waterfall"},
	{Name: "debug", Type: ns.Bool, Help: "show a line for each step and hook"},
	{Name: "version", Type: ns.Bool, Help: "print the version"},
	{Name: "help", Short: "h", Type: ns.Bool, Help: "print the flags of nsrun and of the chosen plugins"},
}
