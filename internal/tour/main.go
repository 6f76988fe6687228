// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "compare what comes out to what the page says")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: tour [-check] PAGE")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *check); err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

func run(name string, check bool) error {
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	sh, err := startShell()
	if err != nil {
		return err
	}
	wrong := 0
	for _, part := range parse(string(page)) {
		if part.Command == "" {
			fmt.Print(part.Prose)
			continue
		}
		fmt.Println("$ " + part.Command)
		got, err := sh.run(part.Command)
		if err != nil {
			return fmt.Errorf("%s: %w", part.Command, err)
		}
		fmt.Print(got)
		if check && !matches(part.Want, got) {
			wrong++
			fmt.Printf("--- the page says:\n%s---\n", part.Want)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d outputs differ from the page %s", wrong, name)
	}
	return sh.close()
}

// shell is one bash that runs all commands, so that they share variables and jobs.
type shell struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startShell() (*shell, error) {
	s := &shell{cmd: exec.Command("bash")}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	s.out = bufio.NewReader(out)
	return s, s.cmd.Start()
}

// endMark ends the output of a command.
const endMark = "--end-of-output--"

// run runs a command and returns what it printed, on both outputs.
func (s *shell) run(command string) (string, error) {
	if _, err := fmt.Fprintf(s.in, "%s\necho; echo %s\n", command, endMark); err != nil {
		return "", err
	}
	var b strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return b.String(), errors.Join(err, errors.New("the shell has ended"))
		}
		if strings.TrimSpace(line) == endMark {
			// The line break before the mark is ours, unless the output lacked one.
			return strings.TrimSuffix(b.String(), "\n"), nil
		}
		b.WriteString(line)
	}
}

func (s *shell) close() error { return errors.Join(s.in.Close(), s.cmd.Wait()) }
