// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Stay serves one client after the other until none has come for o.KeepWarm, or ctx
// is over: who comes then is sent away, and starts a plugin host of his own.
// Between two of them the process keeps no file of a client's open.
func Stay(ctx context.Context, o Options, first io.ReadWriteCloser, host Host) error {
	if err := Serve(first, host); err != nil || !o.Stays() {
		return err
	}
	first.Close()
	path := filepath.Join(warmDir(o.Dir), o.Key+"-"+strconv.Itoa(os.Getpid()))
	for {
		if err := silence(); err != nil {
			return err
		}
		conn, err := nextClient(ctx, path, o.KeepWarm)
		if err != nil || conn == nil {
			return err
		}
		// What went wrong with a client concerns nobody else.
		_ = Serve(conn, host)
		conn.Close()
	}
}

// silence gives back the last client's standard error.
func silence() error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return speakTo(int(null.Fd()))
}

// speakTo makes fd the standard output and the standard error.
func speakTo(fd int) error { return errors.Join(unix.Dup3(fd, 1, 0), unix.Dup3(fd, 2, 0)) }

// nextClient waits for a client at path, for as long as patience. It returns nil
// if none has come, ctx is over, or enough others wait already.
func nextClient(ctx context.Context, path string, patience time.Duration) (*os.File, error) {
	listener, err := listen(path)
	if listener < 0 {
		return nil, err
	}
	defer os.Remove(path)
	defer unix.Close(listener)
	for end := time.Now().Add(patience); ; {
		if ready, err := readable(listener, time.Until(end)); !ready {
			return nil, err
		}
		conn, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err != nil {
			continue // the client has gone, or the next wait will tell
		}
		if ctx.Err() == nil && welcome(conn) == nil {
			return os.NewFile(uintptr(conn), "nsrun"), nil
		}
		unix.Close(conn)
		if ctx.Err() != nil {
			return nil, nil
		}
	}
}

// listen listens at path, which appears when a connection is possible. It
// returns -1 if enough others do the same.
func listen(path string) (int, error) {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return -1, err
	}
	if waiting(dir) >= maxWarm {
		return -1, nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	early := path + early
	if err = unix.Bind(fd, &unix.SockaddrUnix{Name: early}); err == nil {
		err = unix.Listen(fd, 8)
	}
	if err == nil {
		err = os.Rename(early, path)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen for the next run at %s: %w", path, err)
	}
	return fd, nil
}

// waiting returns how many plugin hosts have a socket in dir, and removes those
// of the killed.
func waiting(dir string) (n int) {
	names, _ := os.ReadDir(dir)
	for _, name := range names {
		_, digits, _ := strings.Cut(strings.TrimSuffix(name.Name(), early), "-")
		pid, err := strconv.Atoi(digits)
		if err == nil && unix.Kill(pid, 0) == unix.ESRCH {
			os.Remove(filepath.Join(dir, name.Name()))
			continue
		}
		n++
	}
	return n
}

// readable waits until fd can be read, no longer than patience.
func readable(fd int, patience time.Duration) (bool, error) {
	for end := time.Now().Add(patience); ; {
		timeout := unix.NsecToTimespec(max(0, time.Until(end)).Nanoseconds())
		n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &timeout, nil)
		if err != unix.EINTR {
			return n > 0, os.NewSyscallError("ppoll", err)
		}
	}
}

// welcome takes the client's standard error and greets it.
func welcome(conn int) error {
	if err := setTimeout(conn); err != nil {
		return err
	}
	stderr, err := takeFile(conn)
	if err != nil {
		return err
	}
	defer unix.Close(stderr)
	if err := speakTo(stderr); err != nil {
		return err
	}
	if _, err = unix.Write(conn, []byte(greeting)); err != nil {
		return err
	}
	return unix.SetNonblock(conn, true) // for Go's poller
}
