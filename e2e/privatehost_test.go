// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The tests run in a host of their own: network, mount and pid namespaces with
// empty /run and /var/lib/cni and copies of the files in /etc that are changed,
// so that they leave the machine as it was, however they end.
const (
	insideEnv  = "E2E_INSIDE"        // no NSRUN_ name, which nsrun would drop
	privateDir = "/mnt"              // a tmpfs in the private host
	binDir     = privateDir + "/bin" // what was built, where an ordinary user can reach it
	toolDir    = privateDir + "/tools"
	testUser   = "nsrun-test"
	testUID    = 61000
)

// reExecInPrivateHost runs this test binary again inside the private host and
// returns its exit status.
func reExecInPrivateHost() int {
	bin, err := builtBinaries()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	if os.Getuid() == 0 {
		script := "set -e\n" + privateHostScript + `exec "$@"`
		args := append([]string{"-n", "-m", "-p", "-i", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c", script, bin, os.Args[0]}, os.Args[1:]...)
		cmd = exec.Command("unshare", args...)
	}
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "start the private host:", err)
		return 1
	}
	return 0
}

// privateHostScript sets up the private host; $0 is the directory of the binaries.
var privateHostScript = fmt.Sprintf(`
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /var/lib/cni
mount -t tmpfs -o mode=755 tmpfs /var/lib/cni
mount -t tmpfs -o mode=755 tmpfs %[1]s
mkdir %[1]s/bin %[1]s/etc
mount --bind "$0" %[1]s/bin
for f in passwd group subuid subgid; do
  touch /etc/$f
  cp /etc/$f %[1]s/etc/$f
done
echo '%[2]s:x:%[3]d:%[3]d::%[1]s/home:/bin/sh' >>%[1]s/etc/passwd
echo '%[2]s:x:%[3]d:' >>%[1]s/etc/group
echo '%[2]s:700000:65536' >>%[1]s/etc/subuid
echo '%[2]s:700000:65536' >>%[1]s/etc/subgid
for f in passwd group subuid subgid; do mount --bind %[1]s/etc/$f /etc/$f; done
mkdir -p %[1]s/home %[1]s/xdg
chown %[3]d:%[3]d %[1]s/home %[1]s/xdg
chmod 700 %[1]s/xdg
mkdir -p %[1]s/work %[1]s/tools
cat >%[1]s/tools/alone <<'END'
#!/bin/sh
# Run a command in a private host that no other script uses.
exec unshare -n -m -p -i --fork --kill-child --mount-proc sh -c '
mount -t tmpfs -o mode=755 tmpfs /run && ip link set lo up && exec "$@"' sh "$@"
END
chmod 755 %[1]s/tools/alone
ip link set lo up
`, privateDir, testUser, testUID)

// builtBinaries returns the directory that make build filled, and builds it if
// it isn't there.
func builtBinaries() (string, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, "bin")
	if dir := os.Getenv("NSRUN_TEST_BIN"); dir != "" {
		return dir, nil
	}
	if _, err := os.Stat(filepath.Join(bin, "nsrun")); err == nil {
		return bin, nil
	}
	out, err := exec.Command("make", "-C", root, "build").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("make build: %w\n%s", err, out)
	}
	return bin, nil
}

// userEnv is the environment of the ordinary user.
func userEnv(env []string) []string {
	kept := []string{"HOME=" + privateDir + "/home", "XDG_RUNTIME_DIR=" + privateDir + "/xdg", "USER=" + testUser, "LOGNAME=" + testUser}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if name != "HOME" && name != "XDG_RUNTIME_DIR" {
			kept = append(kept, e)
		}
	}
	return kept
}

// userCredential makes a command run as the ordinary user.
func userCredential() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testUID}}
}
