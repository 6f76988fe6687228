// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

var mountKinds = []ns.Kind{ns.PID, ns.Mount}

func mounts(steps ...ns.Step) order {
	return order{Config: Config{Kinds: mountKinds, Steps: plan(steps...)}}
}

// untilNamed has a script wait for the init's name, which it takes when the command may
// have begun already.
const untilNamed = "for i in $(seq 500); do grep -q nsrun-init /proc/1/comm && break; sleep 0.01; done; "

func TestAFreshProcShowsTheInitAsFirst(t *testing.T) {
	needRoot(t)
	unchanged(t)
	o := mounts(private, proc, ns.Step{Op: ns.OpInit})
	if out := output(t, o, sh(untilNamed+"cat /proc/1/comm; echo $$; set -- /proc/[0-9]*; echo $#")...); out != "nsrun-init\n2\n2\n" {
		t.Errorf("got %q", out)
	}
	o = mounts(private, proc)
	if out := output(t, o, sh("echo $$; cat /proc/1/comm")...); out != "1\nsh\n" {
		t.Errorf("without an init: got %q", out)
	}
}

func TestReadOnlyHoldsForAllMountsBelow(t *testing.T) {
	needRoot(t)
	unchanged(t)
	dir := makeTree(t, "src/sub/", "dst/")
	o := mounts(private, bind(dir+"/src", dir+"/dst", ns.ReadOnly, ns.NoExec))
	script := "cd " + dir + "; touch dst/a; touch dst/sub/b; touch src/c src/sub/d; find . -type f | sort; grep -c noexec.*tmpfs /proc/self/mountinfo"
	r := newRun(t, o, sh(script)...).prepared(t, "mount -t tmpfs tmpfs "+dir+"/src/sub")
	out, stderr, _ := r.result(t)
	if strings.Count(stderr, "Read-only file system") != 2 || out != "./dst/c\n./dst/sub/d\n./src/c\n./src/sub/d\n1\n" {
		t.Errorf("got %q, %q", out, stderr)
	}
}

func TestASourceIsAPathOfTheHost(t *testing.T) {
	needRoot(t)
	unchanged(t)
	host := makeTree(t, "data/", "data/f = host's")
	for name, source := range map[string]string{"hidden by a tmpfs": host + "/data", "through a link": "/proc/self/root" + host + "/data"} {
		t.Run(name, func(t *testing.T) {
			o := mounts(private, tmp, bind(source, "/tmp/x"))
			if out := output(t, o, "cat", "/tmp/x/f"); out != "host's" {
				t.Errorf("got %q", out)
			}
		})
	}
}

// Propagation would carry the child's mounts to a host whose tree is shared.
func TestMountsStayInsideWhereTheHostsAreShared(t *testing.T) {
	needRoot(t)
	unchanged(t)
	dir := makeTree(t, "root/", "dst/")
	for name, steps := range map[string][]ns.Step{
		"private":  {private},
		"slave":    {{Op: ns.OpPropagation, Target: "/", Data: "slave"}},
		"not said": {},
	} {
		t.Run(name, func(t *testing.T) {
			steps := append(steps, tmp, bind("/usr", "/tmp/usr"), bind("/usr", dir+"/dst"), ns.Step{Op: ns.OpFile, Target: "/tmp/f", Data: "x"})
			script := "mount --make-rshared /; cp /proc/self/mountinfo " + dir + "/before; (sleep 0.3; cmp /proc/self/mountinfo " + dir + "/before && echo same) &"
			out, stderr, _ := newRun(t, mounts(steps...), "sleep", "0.6").prepared(t, script).result(t)
			if out != "same\n" {
				t.Errorf("got %q, %q", out, stderr)
			}
		})
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

func TestFilesAreCreatedInATmpfsOnly(t *testing.T) {
	needRoot(t)
	unchanged(t)
	host := makeTree(t, "data/", "file = host")
	o := mounts(private, tmp,
		bind(host+"/data", "/tmp/a/b"), bind(host+"/file", "/tmp/c/d", ns.ReadOnly),
		ns.Step{Op: ns.OpMkdir, Target: "/tmp/e/f", Mode: 0o1770},
		ns.Step{Op: ns.OpSymlink, Target: "/tmp/g/h", Data: "../c/d"},
		ns.Step{Op: ns.OpFile, Target: "/tmp/i/j", Data: "text", Mode: 0o600},
	)
	o.Command.Dir = "/tmp"
	out := output(t, o, sh("umask; stat -c '%a %F' . a a/b c/d e e/f i/j; cat g/h i/j; touch a/b/new")...)
	want := "0022\n1777 directory\n755 directory\n755 directory\n755 regular file\n755 directory\n1770 directory\n600 regular file\nhosttext"
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if _, err := os.Stat(host + "/data/new"); err != nil {
		t.Error("the bound directory isn't the host's")
	}
}

// A tmpfs may hold a bound directory of the host, and a link may lead there.
func TestNothingIsCreatedThroughALinkOutOfTheTmpfs(t *testing.T) {
	needRoot(t)
	host := makeTree(t, "data/")
	o := mounts(private, tmp, bind(host+"/data", "/tmp/bound"),
		ns.Step{Op: ns.OpSymlink, Target: "/tmp/link", Data: "bound"},
		ns.Step{Op: ns.OpMkdir, Target: "/tmp/link/made"},
	)
	out, stderr, status := newRun(t, o, "true").result(t)
	if status != 125 || !strings.Contains(stderr, "make the directory /tmp/link/made: invalid cross-device link") {
		t.Errorf("status %d, %q, %q", status, out, stderr)
	}
	if made, _ := os.ReadDir(host + "/data"); len(made) != 0 {
		t.Errorf("%v was created on the host", made)
	}
}

// newRoot returns a directory with what a shell needs, and the steps that bind it.
func newRoot(t *testing.T, entries ...string) (string, []ns.Step) {
	root := makeTree(t, append([]string{"usr/", "proc/", "bin -> usr/bin", "lib -> usr/lib", "lib64 -> usr/lib64"}, entries...)...)
	return root, []ns.Step{private, rootfs(root), bind("/usr", "/usr", ns.ReadOnly), proc}
}

func TestTheOldRootIsGone(t *testing.T) {
	needRoot(t)
	unchanged(t)
	root, steps := newRoot(t, "hello = inside")
	o := mounts(append(steps, pivot, ns.Step{Op: ns.OpInit})...)
	out := output(t, o, sh("pwd; cat /hello; cat /proc/self/mountinfo; ls /proc/1/root/")...)
	lines := strings.Split(out, "\n")
	if lines[0] != "/" || !strings.HasPrefix(lines[1], "inside") {
		t.Errorf("got %s", out)
	}
	// The root, /usr and /proc; whatever else is mounted below the host's /usr.
	if n := strings.Count(out, " - "); n < 3 || strings.Contains(out, "hostname") {
		t.Errorf("%d mounts:\n%s", n, out)
	}
	for _, line := range lines {
		if f := strings.Fields(line); len(f) > 4 && f[4] != "/" && f[4] != "/proc" && !strings.HasPrefix(f[4], "/usr") {
			t.Errorf("mounted inside: %s", line)
		}
	}
	if strings.Contains(lastLine(out), filepath.Base(root)) {
		t.Errorf("the old root can be seen: %s", lastLine(out))
	}
}

// Every target is a symbolic link that would leave the root if it were followed
// on the host.
func TestLinksInARootDirectoryDontLeadOut(t *testing.T) {
	needRoot(t)
	unchanged(t)
	canary := makeTree(t, "etc/", "file = intact")
	up := strings.Repeat("../", 20)
	for name, link := range map[string]string{
		"absolute": canary, "upward": up + canary[1:], "of proc": "/proc/self/root" + canary, "looping": "x",
		"dangling": canary + "/new",
	} {
		t.Run(name, func(t *testing.T) {
			root, steps := newRoot(t, "x -> "+link)
			steps = append(steps,
				ns.Step{Op: ns.OpMkdir, Target: "/x/made/here"}, bind("/usr/bin", "/x/etc/bound"),
				ns.Step{Op: ns.OpFile, Target: "/x/file", Data: "overwritten"}, ns.Step{Op: ns.OpSymlink, Target: "/x/link", Data: "y"},
				ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/x/etc"}, pivot)
			_, stderr, status := newRun(t, mounts(steps...), sh("touch /x/etc/written")...).result(t)
			t.Logf("in %s: status %d %s", root, status, stderr)
			if got := list(t, canary); got != "etc file=intact" {
				t.Errorf("the canary has %s", got)
			}
		})
	}
}

// A link in a root directory means what it means after the switch.
func TestLinksInARootDirectoryAreFollowedInside(t *testing.T) {
	needRoot(t)
	unchanged(t)
	_, steps := newRoot(t, "inner/", "absolute -> /inner", "upward -> ../../../inner", "etc -> /inner/etc", "inner/etc/")
	steps = append(steps,
		bind("/usr/bin", "/absolute/bin"), ns.Step{Op: ns.OpFile, Target: "/upward/file", Data: "text"},
		ns.Step{Op: ns.OpFile, Target: "/etc/passwd", Data: "inside"}, pivot)
	if out := output(t, mounts(steps...), sh("cat /inner/file /inner/etc/passwd; ls /inner /inner/bin/env")...); out != "textinside/inner/bin/env\n\n/inner:\nbin\netc\nfile\n" {
		t.Errorf("got %q", out)
	}
}

// list returns the names below dir, and what files hold.
func list(t *testing.T, dir string) string {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		if !d.IsDir() {
			data, _ := os.ReadFile(path)
			name += "=" + string(data)
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestALinkThatLeadsNowhereIsReplacedByAFile(t *testing.T) {
	needRoot(t)
	unchanged(t)
	const link = "../run/nowhere/resolv.conf"
	root, steps := newRoot(t, "etc/", "etc/resolv.conf -> "+link, "etc/hosts -> "+link)
	o := mounts(append(steps,
		ns.Step{Op: ns.OpFile, Target: "/etc/resolv.conf", Data: "nameserver 10.0.0.1\n"}, bind("/etc/hosts", "/etc/hosts"), pivot,
	)...)
	if out := output(t, o, sh("cat /etc/resolv.conf; head -c1 /etc/hosts | wc -c; ls /run 2>&1; true")...); !strings.HasPrefix(out, "nameserver 10.0.0.1\n1\nls: ") {
		t.Errorf("got %q", out)
	}
	if to, err := os.Readlink(root + "/etc/resolv.conf"); err != nil || to != link {
		t.Errorf("the link leads to %q: %v", to, err)
	}
}

func TestASymlinkThatIsThereAlready(t *testing.T) {
	needRoot(t)
	_, steps := newRoot(t, "link -> to/here", "other -> to/here/too", "file = text", "dir/")
	step := ns.Step{Op: ns.OpSymlink, Target: "/link", Data: "to/here"}
	if out := output(t, mounts(append(steps, step, pivot)...), "readlink", "/link"); out != "to/here\n" {
		t.Errorf("got %q", out)
	}
	for _, target := range []string{"/other", "/file", "/dir"} {
		step.Target = target
		_, stderr, status := newRun(t, mounts(append(steps, step, pivot)...), "true").result(t)
		if status != 125 || !strings.Contains(stderr, "link "+target+" to to/here: file exists") {
			t.Errorf("status %d, %s", status, stderr)
		}
	}
}

// Before Linux 6.15, a file can't be cloned out of a file system that is attached
// nowhere.
func TestAFileOnAnOlderKernel(t *testing.T) {
	needRoot(t)
	unchanged(t)
	_, steps := newRoot(t)
	for name, c := range map[string]struct {
		o    order
		call int // which open_tree is to fail: those of the binds and the root come before
	}{
		"in the host's tree":  {mounts(private, proc, tmp, ns.Step{Op: ns.OpFile, Target: "/tmp/f", Data: "text"}), 1},
		"in a root directory": {mounts(append(steps, ns.Step{Op: ns.OpFile, Target: "/tmp/f", Data: "text"}, pivot)...), 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, c.o, sh("cat /tmp/f; echo; grep -c '/file /tmp/f' /proc/self/mountinfo; grep -c 'tmpfs tmpfs' /proc/self/mountinfo; ls /")...)
			out, stderr, status := r.injected(t, fmt.Sprint("open_tree:error=EINVAL:when=", c.call)).result(t)
			plain, _, _ := newRun(t, c.o, r.argv...).result(t)
			if status != 0 || out != plain || !strings.HasPrefix(out, "text\n1\n") {
				t.Errorf("status %d, got %q, %q, want %q", status, out, stderr, plain)
			}
		})
	}
}

func TestAPlaceThatDoesNotExistIsLeftOut(t *testing.T) {
	needRoot(t)
	_, steps := newRoot(t)
	o := mounts(append(steps, pivot,
		ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/proc/nosuch", Phase: ns.Inside, IfExists: true},
		ns.Step{Op: ns.OpBind, Source: "/nosuch", Target: "/usr/bin", Phase: ns.Inside, IfExists: true},
		ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/proc/fs", Phase: ns.Inside, IfExists: true},
	)...)
	if out := output(t, o, sh("ls /proc/fs | wc -l; ls /usr/bin | head -c 1 | wc -c")...); out != "0\n1\n" {
		t.Errorf("got %q", out)
	}
}

func TestTheWorkingDirectory(t *testing.T) {
	needRoot(t)
	dir := makeTree(t, "here/")
	for name, c := range map[string]struct {
		steps    []ns.Step
		cwd, dir string
		want     string
	}{
		"is the caller's":                       {nil, dir + "/here", "", dir + "/here\n"},
		"is the caller's after a mount":         {[]ns.Step{private, tmp}, "/usr", "", "/usr\n"},
		"is the root if the caller's is hidden": {[]ns.Step{private, {Op: ns.OpMount, FSType: "tmpfs", Target: dir}}, dir + "/here", "", "/\n"},
		"is the one asked for":                  {[]ns.Step{private, tmp}, dir + "/here", "/tmp", "/tmp\n"},
		"is no directory by an open descriptor": {nil, "/", "/proc/self/fd/0", "front: go to the directory /proc/self/fd/0: too many levels of symbolic links\n"},
		"that was asked for exists":             {nil, "/", "/nosuch", "front: go to the directory /nosuch: no such file or directory\n"},
		"that was asked for is a directory":     {nil, "/", "/etc/passwd", "front: go to the directory /etc/passwd: not a directory\n"},
	} {
		t.Run(name, func(t *testing.T) {
			o := mounts(c.steps...)
			o.Cwd, o.Command.Dir = c.cwd, c.dir
			r := newRun(t, o, "/bin/pwd")
			r.Dir = c.cwd
			out, stderr, _ := r.result(t)
			stderr, _, _ = strings.Cut(stderr, "cause:")
			if got := out + stderr; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestABigFile(t *testing.T) {
	needRoot(t)
	big := strings.Repeat("0123456789abcdef", 4<<20/16)
	o := mounts(private, tmp, ns.Step{Op: ns.OpFile, Target: "/tmp/big", Data: big})
	r := newRun(t, o, sh("wc -c < /tmp/big")...)
	if out, stderr, status := r.result(t); out != "4194304\n" {
		t.Errorf("status %d, got %q, %q", status, out, stderr)
	}
}

// Whatever the front was given is not for the command, who may look into its init.
func TestTheInitKeepsNothingOfTheFront(t *testing.T) {
	needRoot(t)
	if raceDetector {
		t.Skip("the race detector needs all memory to be copied")
	}
	o := mounts(private, proc, ns.Step{Op: ns.OpInit})
	// The host's root may look into any process, and so has to wait until the init
	// has let go. Others can't look before; PR_SET_DUMPABLE(2const).
	r := newRun(t, o, sh("until [ $(wc -c </proc/1/environ) = 0 ]; do :; done; cat /proc/1/environ /proc/1/cmdline; ls /proc/1/fd; cat /proc/1/status")...)
	r.Env = []string{"SECRET=top-secret"}
	out, stderr, status := r.result(t)
	if status != 0 || !strings.HasPrefix(out, "Name:") {
		t.Fatalf("status %d, got %q, %q", status, out, stderr)
	}
	kilobytes, err := strconv.Atoi(strings.Fields(statusField(out, "RssAnon"))[0])
	if err != nil || kilobytes > 256 {
		t.Errorf("the init has %d kB of its own: %v", kilobytes, err)
	}
}
