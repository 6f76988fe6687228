// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

func (c *compiler) hostname(s ns.Step) {
	c.b.Call(unix.SYS_SETHOSTNAME, c.b.String(s.Data), program.Int(len(s.Data)))
}

func (c *compiler) domainname(s ns.Step) {
	c.b.Call(unix.SYS_SETDOMAINNAME, c.b.String(s.Data), program.Int(len(s.Data)))
}

// linkUp sets IFF_UP and keeps the interface's other flags; netdevice(7).
func (c *compiler) linkUp(s ns.Step) {
	ifreq := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{}
	copy(ifreq.name[:], s.Target)
	req := program.Struct(&c.b, &ifreq)
	socket := c.b.Result(unix.SYS_SOCKET, program.Int(unix.AF_INET), program.Int(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), program.Int(0))
	c.b.Call(unix.SYS_IOCTL, socket.Arg(), program.Int(unix.SIOCGIFFLAGS), req)
	if s.IfExists {
		c.b.Else(c.skip, unix.ENODEV)
	}
	c.b.Or16(req.Plus(int(unsafe.Offsetof(ifreq.flags))), unix.IFF_UP)
	c.b.Call(unix.SYS_IOCTL, socket.Arg(), program.Int(unix.SIOCSIFFLAGS), req)
	c.close(socket)
}

// sysctl writes to the host's /proc, before the root is switched: what a key
// means depends on the namespaces of the writer and not on the mount, and a
// /proc in a root directory could be anything.
func (c *compiler) sysctl(s ns.Step) {
	fd := c.b.Reg()
	c.openat2(fd, cwd, "/proc/sys/"+strings.ReplaceAll(s.Target, ".", "/"), unix.OpenHow{
		Flags: unix.O_WRONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if s.IfExists {
		c.b.Else(c.skip, unix.ENOENT)
	}
	c.b.Call(unix.SYS_WRITE, fd.Arg(), c.b.Bytes([]byte(s.Data)), program.Int(len(s.Data)))
	c.close(fd)
}
