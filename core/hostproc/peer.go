// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// checkPeer makes sure that the other end of the unix socket fd is the same
// user's; unix(7), SO_PEERCRED.
func checkPeer(fd int) error {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return fmt.Errorf("read peer credentials: %w", err)
	}
	if int(cred.Uid) != os.Geteuid() {
		return fmt.Errorf("the other end belongs to uid %d", cred.Uid)
	}
	return nil
}

// takeFile receives the descriptor that a client of our own user sends; unix(7),
// SCM_RIGHTS.
func takeFile(fd int) (int, error) {
	if err := checkPeer(fd); err != nil {
		return -1, err
	}
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(fd, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return -1, errors.New("the client sent no descriptor")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.New("the client sent no descriptor")
	}
	return fds[0], nil
}
