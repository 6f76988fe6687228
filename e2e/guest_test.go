// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// guest is a sandbox in which the program meet serves, until it is told to leave.
type guest struct {
	name, address string
	cmd           *exec.Cmd
	in            io.WriteCloser
	out           *bufio.Reader
	stderr        bytes.Buffer
}

// admit starts a sandbox on the network of a plugin and waits until it says where it is.
func (a *alone) admit(name, plugin, flags string) (*guest, error) {
	g := &guest{name: name}
	g.cmd = a.command(fmt.Sprintf("exec nsrun --plugins pid,%s,mount --name %s %s meet serve %[2]s", plugin, name, flags))
	g.cmd.Stderr = &g.stderr
	var err error
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.out = bufio.NewReader(out)
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	g.address, err = g.says()
	return g, err
}

// says returns the next line that the sandbox prints.
func (g *guest) says() (string, error) {
	line, err := g.out.ReadString('\n')
	if err != nil {
		_ = g.cmd.Wait()
		return "", fmt.Errorf("%s: %w: %s", g.name, err, g.stderr.String())
	}
	return strings.TrimSpace(line), nil
}

// meet has the sandbox ask all others for their names.
func (g *guest) meet(others []*guest) error {
	whom := make([]string, len(others))
	for i, o := range others {
		whom[i] = o.address + ":80=" + o.name
	}
	fmt.Fprintln(g.in, strings.Join(whom, " "))
	said, err := g.says()
	if err == nil && said != "ok" {
		err = fmt.Errorf("%s, %s: %s", g.name, g.address, said)
	}
	return err
}

// leave ends the sandbox.
func (g *guest) leave() error {
	g.in.Close()
	if err := g.cmd.Wait(); err != nil || g.stderr.Len() > 0 {
		return fmt.Errorf("%s: %w: %s", g.name, err, g.stderr.String())
	}
	return nil
}
