// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketFD is where the network's process is to listen, in it and in the keeper. Both
// write to standard output once they work, as the uplink does.
const socketFD = 3

// keep is the role of the keeper: it starts the network's process and its uplink, and
// ends one of them when the other has ended. If it is killed, the kernel kills both.
func keep(dir string) error {
	// The parent-death signal comes when the thread ends that started the process;
	// PR_SET_PDEATHSIG(2const).
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	h := home(dir)
	if err := h.markAlive(); err != nil {
		return fmt.Errorf("lock %s: %w", h.file("alive"), err)
	}
	up, err := findUplink()
	if err != nil {
		return err
	}
	network, err := startNetwork(h, up)
	if err != nil {
		return err
	}
	uplink, err := up.start(h, network.Process.Pid)
	if err != nil {
		_ = network.Process.Kill()
		return err
	}
	sayReady()
	return watch(network, uplink)
}

// watch waits until one of the processes has ended, and ends the other.
func watch(network, uplink *exec.Cmd) error {
	ended := make(chan error)
	go func() { ended <- explainEnd("network", network.Wait()) }()
	go func() { ended <- explainEnd("uplink", uplink.Wait()) }()
	first := <-ended
	_ = network.Process.Kill()
	_ = uplink.Process.Kill()
	<-ended
	if network.ProcessState.Success() {
		return nil
	}
	return first
}

func explainEnd(name string, err error) error {
	if err != nil {
		return fmt.Errorf("the %s's process ended: %w", name, err)
	}
	return nil
}

// startNetwork starts the network's process in namespaces of its own and waits until
// it listens. As the first process of its PID namespace it takes all with it.
func startNetwork(h home, up uplink) (*exec.Cmd, error) {
	argument, err := json.Marshal(up.Servers)
	if err != nil {
		return nil, fmt.Errorf("encode name servers: %w", err)
	}
	cmd := command("/proc/self/exe", h.title(networkRole), networkRole, string(argument))
	asRoot(cmd, unix.CLONE_NEWNET|unix.CLONE_NEWNS|unix.CLONE_NEWPID|unix.CLONE_NEWIPC|unix.CLONE_NEWUTS)
	// Only the network is to have it: nobody may be kept waiting by a keeper that has
	// the socket open and never accepts.
	socket := os.NewFile(socketFD, "socket")
	defer socket.Close()
	cmd.ExtraFiles = []*os.File{socket}
	return cmd, startReady(cmd, "the network's process")
}

// command returns a process that dies with the keeper.
func command(path, title string, args ...string) *exec.Cmd {
	cmd := exec.Command(path)
	cmd.Args = append([]string{title}, args...)
	cmd.Env, cmd.Dir, cmd.Stderr = []string{}, "/", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// asRoot has cmd run in namespaces of its own, of the kinds of flags, of which this user
// is root.
func asRoot(cmd *exec.Cmd, flags uintptr) {
	cmd.SysProcAttr.Cloneflags = flags | unix.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// sayReady says to whoever started this process that it works. He may be gone; then
// his run is collected, and the network ends with it.
func sayReady() {
	_, _ = os.Stdout.WriteString("ready\n")
	os.Stdout.Close()
}

// startReady starts cmd and waits until it has written something to its standard
// output.
func startReady(cmd *exec.Cmd, what string) error {
	ready, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", what, err)
	}
	defer ready.Close()
	cmd.Stdout = theirs
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return fmt.Errorf("start %s: %w", what, err)
	}
	if n, _ := ready.Read(make([]byte, 64)); n == 0 {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("start %s: it ended", what)
	}
	return nil
}
