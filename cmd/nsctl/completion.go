// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed" // for the shells' functions
	"fmt"
	"io"

	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

// The functions that complete nsrun in each shell. They ask the command below.
var (
	//go:embed completion/nsrun.bash
	bashNsrun string
	//go:embed completion/nsrun.zsh
	zshNsrun string
	//go:embed completion/nsrun.fish
	fishNsrun string
)

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "Print what completes nsrun and nsctl in a shell",
		Long: `Print what completes nsrun and nsctl in a shell:

  bash: . <(nsctl completion bash), in ~/.bashrc
  zsh:  . <(nsctl completion zsh), in ~/.zshrc behind compinit
  fish: nsctl completion fish >~/.config/fish/completions/nsrun.fish

nsrun's flags are those of the plugins that the line has chosen so far.`,
		Args: cobra.ExactArgs(1), ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			return printCompletion(cmd.OutOrStdout(), cmd.Root(), args[0])
		},
	}
}

func printCompletion(w io.Writer, root *cobra.Command, shell string) (err error) {
	nsrun := ""
	switch shell {
	case "bash":
		nsrun, err = bashNsrun, root.GenBashCompletionV2(w, true)
	case "zsh":
		nsrun, err = zshNsrun, root.GenZshCompletion(w)
	case "fish":
		nsrun, err = fishNsrun, root.GenFishCompletion(w, true)
	default:
		return &ns.Diagnostic{Summary: fmt.Sprintf("%q is no shell that can be completed", shell), Hint: "nsctl completion bash, zsh or fish"}
	}
	if err == nil {
		_, err = io.WriteString(w, nsrun)
	}
	return err
}

// newCompleteNsrun is what the shells' functions ask: the words behind nsrun, the last
// of which is being typed. It prints one candidate on each line, with its help behind a
// tab, and lines that begin with a colon: ":files" if a file's name fits, and ":command N"
// if the command begins behind N words.
func newCompleteNsrun() *cobra.Command {
	return &cobra.Command{
		Use: "__nsrun -- WORD...", Hidden: true, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(nil, func(s *session) error {
				last := len(args) - 1
				c := s.Complete(cmd.Context(), args[:last], args[last])
				for _, candidate := range c.Candidates {
					fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", candidate.Word, candidate.Help)
				}
				if c.Files {
					fmt.Fprintln(cmd.OutOrStdout(), ":files")
				}
				if c.Command >= 0 {
					fmt.Fprintf(cmd.OutOrStdout(), ":command %d\n", c.Command)
				}
				return nil
			})
		},
	}
}
