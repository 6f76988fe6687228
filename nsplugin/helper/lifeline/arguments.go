// SPDX-License-Identifier: Apache-2.0

package lifeline

import "syscall"

// arguments returns this process's arguments, for which package os isn't there yet;
// proc_pid_cmdline(5).
func arguments() []string {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	var argv []string
	var word []byte
	buf := make([]byte, 4096)
	for {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return argv
		}
		for _, c := range buf[:n] {
			if c != 0 {
				word = append(word, c)
				continue
			}
			argv, word = append(argv, string(word)), nil
		}
	}
}
