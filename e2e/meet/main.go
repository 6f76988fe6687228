// SPDX-License-Identifier: Apache-2.0

// Command meet is what the sandboxes of a test run to find out whether they reach each
// other:
//
//	meet serve NAME          says where it is, answers NAME on port 80, and asks
//	                         whomever its standard input names, until that ends
//	meet ask ADDR=NAME ...   asks each address, and fails if another name answers
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// patience is how long an answer may take on a busy machine.
const patience = 30 * time.Second

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	case len(os.Args) > 2 && os.Args[1] == "ask":
		err = ask(os.Args[2:])
	default:
		err = errors.New("usage: meet serve NAME | meet ask ADDR=NAME [ADDR=NAME]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "meet:", err)
		os.Exit(1)
	}
}

// serve prints the address of eth0, and then a line for each line of standard input,
// which names whom to ask: "ok", or what went wrong.
func serve(name string) error {
	l, err := net.Listen("tcp4", ":80")
	if err != nil {
		return err
	}
	go answer(l, name)
	link, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	addresses, err := link.Addrs()
	if err != nil || len(addresses) == 0 {
		return fmt.Errorf("addresses of eth0: %v, %w", addresses, err)
	}
	fmt.Println(strings.Split(addresses[0].String(), "/")[0])
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if err := ask(strings.Fields(in.Text())); err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", "; "))
		} else {
			fmt.Println("ok")
		}
	}
	return in.Err()
}

// answer answers name to everybody, and waits until they have hung up.
func answer(l net.Listener, name string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			fmt.Fprintln(conn, name)
			_, _ = conn.Read(make([]byte, 1))
			forget(conn.RemoteAddr())
		}()
	}
}

// ask asks each ADDR=NAME for its name.
func ask(all []string) error {
	var errs []error
	for _, one := range all {
		address, want, _ := strings.Cut(one, "=")
		if got, err := hear(address); err != nil || got != want {
			errs = append(errs, fmt.Errorf("%s answered %q, %w", one, got, err))
		}
	}
	return errors.Join(errs...)
}

// hear returns what is said at address. It hangs up by a reset, after which no packet
// follows.
func hear(address string) (string, error) {
	conn, err := net.DialTimeout("tcp4", address, patience)
	if err != nil {
		return "", err
	}
	defer forget(conn.RemoteAddr())
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), err
}

// forget removes the other end from the neighbour table. The kernel has one for all
// network namespaces, with room for a thousand; arp(7), gc_thresh3. Without it two
// hundred sandboxes can't all talk to each other in a short while.
func forget(a net.Addr) {
	links, err := netlink.LinkList()
	if err != nil {
		return
	}
	for _, link := range links {
		_ = netlink.NeighDel(&netlink.Neigh{LinkIndex: link.Attrs().Index, IP: a.(*net.TCPAddr).IP})
	}
}
