// SPDX-License-Identifier: Apache-2.0

package manpage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/internal/report"
	"github.com/nsrun/nsrun/ns"
)

// Plugin returns the page of a plugin, nsrun-plugin-NAME(7).
func Plugin(d *ns.Descriptor) *Page {
	p := New(ns.BinaryPrefix+d.Name, 7, d.Summary)
	p.Heading("SYNOPSIS")
	p.Code("nsrun --plugins " + d.Selector() + " [flags] command [arguments]")
	p.Heading("DESCRIPTION")
	if len(d.Kinds) > 0 {
		p.Text("A plugin of nsrun, version " + d.Version + ", that sets up namespaces: " + ns.JoinKinds(d.Kinds, ", ") + ".")
	} else {
		p.Text("A plugin of nsrun, version " + d.Version + ". It sets up no namespace.")
	}
	if len(d.Hooks) > 0 {
		p.Text("It works on the host when a run begins or ends.")
	}
	if len(d.Options) > 0 {
		p.Heading("OPTIONS")
		p.options(d.Options)
		p.Text("Each is also called --" + d.Scope() + ".OPTION, and stands in a configuration file below [options." + d.Scope() + "].")
	}
	p.Heading("SEE ALSO")
	p.Text("nsrun(1), nsctl(1)")
	return p
}

func (p *Page) options(options []ns.Option) {
	for i := range options {
		p.Item(strings.TrimSpace(report.FlagText(&options[i])), report.HelpText(&options[i]))
	}
}

// Nsrun returns the page of nsrun, with the plugins that are installed.
func Nsrun(plugins []*ns.Descriptor) *Page {
	p := New("nsrun", 1, "run a command in Linux namespaces, each set up by a plugin")
	p.Heading("SYNOPSIS")
	p.Code("nsrun [flags] [--] command [arguments]")
	p.Heading("DESCRIPTION")
	p.Text("nsrun asks the chosen plugins what they want, settles it into one plan, starts the command under that plan, and undoes everything when it has ended. " +
		"The first word that is no flag starts the command. All of nsrun's own output goes to standard error.")
	p.Heading("OPTIONS")
	p.options(core.CoreOptions)
	p.Text("All other flags are those of the chosen plugins: nsrun --plugins LIST --help.")
	p.Heading("PLUGINS")
	for _, d := range plugins {
		p.Item(d.Selector(), d.Summary+". "+ns.BinaryPrefix+d.Name+"(7)")
	}
	p.nsrunRest()
	return p
}

// nsrunRest adds what doesn't depend on the plugins.
func (p *Page) nsrunRest() {
	p.Heading("EXIT STATUS")
	p.Text("That of the command, 128 and the number of a signal that ended it, or:")
	p.Item("125", "nsrun or a plugin failed before the command started, or the command line is wrong")
	p.Item("126", "the command was found but can't be executed")
	p.Item("127", "the command was not found")
	p.Heading("ENVIRONMENT")
	p.Item("NSRUN_PLUGIN_PATH", "directories in which plugins are looked for, with colons between; not as root")
	p.Item("NSRUN_KEEP_WARM", "as --keep-warm")
	p.Item("XDG_CONFIG_HOME", "where the user's configuration is, instead of ~/.config")
	p.Heading("FILES")
	p.Item("/etc/nsrun/config.toml, ~/.config/nsrun/config.toml", "default plugins and options, plugins that are required and forbidden")
	p.Item("/etc/nsrun/profiles, ~/.config/nsrun/profiles", "profiles: files of flags, for --profile")
	p.Item("/etc/nsrun/policy.toml", "what the plugin policy allows")
	p.Item("/run/nsrun, $XDG_RUNTIME_DIR/nsrun", "what runs there are, and what is remembered between them")
	p.Heading("EXAMPLES")
	p.Code("nsrun --plugins pid,mount ps -ef", "nsrun --profile sandbox --bind . . make test", "nsrun --plugins net,mount -p 8080:80 --dry-run httpd")
	p.Heading("SEE ALSO")
	p.Text("nsctl(1), namespaces(7), unshare(1)")
}

// Nsctl returns the page of nsctl, whose commands are those below root.
func Nsctl(root *cobra.Command) *Page {
	p := New("nsctl", 1, "manage the runs and plugins of nsrun")
	p.Heading("SYNOPSIS")
	p.Code("nsctl COMMAND [flags] [arguments]")
	p.Heading("COMMANDS")
	p.commands(root)
	p.Heading("SEE ALSO")
	p.Text("nsrun(1)")
	return p
}

// commands adds each command below c that does something.
func (p *Page) commands(c *cobra.Command) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "help" {
			continue
		}
		if sub.Runnable() {
			p.Subheading(strings.TrimSuffix(sub.UseLine(), " [flags]"))
			p.paragraphs(sub)
			p.flags(sub.NonInheritedFlags())
			p.flags(sub.InheritedFlags())
		}
		p.commands(sub)
	}
}

// paragraphs adds what a command's help says.
func (p *Page) paragraphs(c *cobra.Command) {
	if c.Long == "" {
		p.Text(c.Short + ".")
		return
	}
	for part := range strings.SplitSeq(c.Long, "\n\n") {
		if lines := strings.Split(part, "\n"); strings.HasPrefix(part, "  ") {
			p.Code(lines...)
			continue
		}
		p.Text(part)
	}
}

func (p *Page) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		text := f.Usage
		if f.Value.Type() != "bool" {
			term += " " + strings.ToUpper(strings.TrimSuffix(strings.TrimSuffix(f.Value.Type(), "Array"), "Slice"))
		}
		if !slices.Contains([]string{"", "false", "[]", "0", "0s"}, f.DefValue) {
			text += fmt.Sprintf(" (default: %s)", f.DefValue)
		}
		p.Item(term, text)
	})
}
