// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// handshakes are what is printed instead of a handshake line. Afterwards the
// process sleeps.
var handshakes = map[string]func(){
	"silent":  func() {},
	"closed":  func() { os.Stdout.Close() },
	"partial": func() { fmt.Print("1|1|un") },
	"slow": func() {
		for {
			fmt.Print("1")
			time.Sleep(200 * time.Millisecond)
		}
	},
	"endless": func() {
		for {
			fmt.Print(strings.Repeat("1|", 50<<10))
		}
	},
	"core9":   func() { line("9|1|unix|%s|grpc|", listen()) },
	"api9":    func() { line("1|9|unix|%s|grpc|", listen()) },
	"api0":    func() { line("1|0|unix|%s|grpc|", listen()) },
	"netrpc":  func() { line("1|1|unix|%s|netrpc|", listen()) },
	"oldform": func() { line("1|1|unix|%s", listen()) },
	"cert":    func() { line("1|1|unix|%s|grpc|%s", listen(), strings.Repeat("QUJD", 100)) },
	"fields":  func() { line("1|1|unix|%s|grpc||true|more", listen()) },
	"tcp": func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		line("1|1|tcp|%s|grpc|", l.Addr())
	},
	"foreign":  func() { line("1|1|unix|%s|grpc|", "/run/foreign.sock") },
	"abstract": func() { line("1|1|unix|%s|grpc|", "@nsrun-foreign") },
	"dotdot":   func() { line("1|1|unix|%s|grpc|", socketDir()+"/x/../../sock") },
	"missing":  func() { line("1|1|unix|%s|grpc|", filepath.Join(socketDir(), "gone")) },
	"file": func() {
		path := filepath.Join(socketDir(), "file")
		must(os.WriteFile(path, nil, 0o600))
		line("1|1|unix|%s|grpc|", path)
	},
	"symlink": func() {
		path := filepath.Join(socketDir(), "link")
		must(os.Symlink(listen(), path))
		line("1|1|unix|%s|grpc|", path)
	},
	// listen never accepts: the kernel takes the connection, nobody answers.
	"noaccept": func() { line("1|1|unix|%s|grpc|", listen()) },
	"garbage": func() {
		path := filepath.Join(socketDir(), "sock")
		l, err := net.Listen("unix", path)
		must(err)
		line("1|1|unix|%s|grpc|", path)
		for {
			conn, err := l.Accept()
			must(err)
			_, _ = conn.Write([]byte("\x16\x03\x01\x02\x00not what you expected\r\n"))
		}
	},
	// another process than the plugin's own listens.
	"peer": func() {
		path := filepath.Join(socketDir(), "sock")
		cmd := exec.Command("/proc/self/exe")
		cmd.Args = []string{"nsrun-plugin-bad-helper"}
		cmd.Env = []string{"SOCK=" + path}
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		must(cmd.Start())
		for {
			// The file is there before anybody listens.
			if conn, err := net.Dial("unix", path); err == nil {
				conn.Close()
				break
			}
			time.Sleep(time.Millisecond)
		}
		line("1|1|unix|%s|grpc|", path)
	},
	// sleeper and listen are what a plugin leaves running. They end by themselves.
	"sleeper": func() {
		time.Sleep(30 * time.Second)
		os.Exit(0)
	},
	"listen": func() {
		_, err := net.Listen("unix", os.Getenv("SOCK"))
		must(err)
		time.Sleep(10 * time.Second)
		os.Exit(0)
	},
	"helper": func() {
		_, err := net.Listen("unix", os.Getenv("SOCK"))
		must(err)
	},
}

func line(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func socketDir() string { return os.Getenv("PLUGIN_UNIX_SOCKET_DIR") }

// listen listens on a socket, and accepts nothing.
func listen() string {
	path := filepath.Join(socketDir(), "sock")
	_, err := net.Listen("unix", path)
	must(err)
	return path
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
