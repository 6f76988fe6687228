// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

// The tests need a caller who isn't root. They make one for themselves: the
// test binary runs again, in mounts of its own where /etc has that user, as
// that user, and does what is in this variable.
const roleVar = "NSRUN_USER_TEST_ROLE"

// The ordinary user of the tests.
const (
	annUID = 23456
	annGID = 23457
)

// role is what the test binary does as an ordinary user.
type role struct {
	Options user
	Name    string // the caller's name, "" for none
	Secret  string // a file that the caller may not read
}

// outcome is what came of it.
type outcome struct {
	Offer     *ns.Offer
	Err       string
	UIDMap    string
	GIDMap    string
	Setgroups string
	Inside    string // what the child says of itself
}

func TestMain(m *testing.M) {
	if text := os.Getenv(roleVar); text != "" {
		actAsCaller(text)
		return
	}
	os.Exit(m.Run())
}

// actAsCaller is the whole of the second process.
func actAsCaller(text string) {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		panic(err)
	}
	facts := ns.Facts{UID: os.Getuid(), GID: os.Getgid(), UserName: r.Name}
	if err := json.NewEncoder(os.Stdout).Encode(play(&r.Options, facts, r.Secret)); err != nil {
		panic(err)
	}
}

// play negotiates and writes the map of a child, as nsrun would have it done.
func play(u *user, facts ns.Facts, secret string) outcome {
	ctx := context.Background()
	req := ns.Request{Owns: []ns.Kind{ns.User}, Kinds: []ns.Kind{ns.User}, Facts: facts}
	offer, err := u.Negotiate(ctx, &req)
	if err != nil {
		return outcome{Err: err.Error()}
	}
	c, err := startBlocked(secret)
	if err != nil {
		return outcome{Offer: offer, Err: err.Error()}
	}
	defer c.end()
	_, err = u.PreExec(ctx, &ns.HookRequest{Point: ns.PreExec, PID: c.cmd.Process.Pid, Request: req, IDMap: offer.IDMap})
	if err != nil {
		return outcome{Offer: offer, Err: err.Error()}
	}
	o := outcome{Offer: offer, UIDMap: c.file("uid_map"), GIDMap: c.file("gid_map"), Setgroups: c.file("setgroups")}
	o.Inside = c.release()
	return o
}

// blocked is a child in a new user namespace that waits for a line.
type blocked struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
}

// startBlocked starts a child that, once released, says who it is and whether
// it can read secret.
func startBlocked(secret string) (*blocked, error) {
	cmd := exec.Command("/bin/sh", "-c", `read _; id -u; id -g; cat "$0" 2>/dev/null || echo denied`, secret)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &blocked{cmd, in, out}, cmd.Start()
}

// release lets the child go on and returns what it says, in one line.
func (b *blocked) release() string {
	fmt.Fprintln(b.in)
	text, err := io.ReadAll(b.out)
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// end ends the child: sh exits when its input does.
func (b *blocked) end() {
	b.in.Close()
	_ = b.cmd.Wait()
}

// file returns a file of the child's in /proc, with single spaces.
func (b *blocked) file(name string) string {
	text, err := os.ReadFile(child{b.cmd.Process.Pid}.path(name))
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// needRoot skips a test that can't make a user of its own.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal("needs root, to become another user")
	}
	t.Skip("needs root, to become another user")
}

// etc is what the ordinary user's /etc has.
type etc struct{ passwd, subuid, subgid string }

var annEtc = etc{
	passwd: fmt.Sprintf("root:x:0:0::/root:/bin/sh\nann:x:%d:%d::/:/bin/sh\n", annUID, annGID),
	subuid: "ann:300000:1000\nann:301000:10\n",
	subgid: "ann:400000:500\n",
}

// asAnn plays r as an ordinary user.
func asAnn(t *testing.T, e etc, r role) outcome {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	r.Secret = writeFile(t, dir, "secret", "readable", 0o600)
	script := ""
	for name, text := range map[string]string{"passwd": e.passwd, "subuid": e.subuid, "subgid": e.subgid} {
		script += fmt.Sprintf("mount --bind %s /etc/%s\n", writeFile(t, dir, name, text, 0o644), name)
	}
	script += fmt.Sprintf("exec setpriv --reuid=%d --regid=%d --clear-groups /proc/self/fd/3", annUID, annGID)
	return runRole(t, script, r)
}

// runRole runs script in mounts of its own; it ends by executing the test
// binary, which is file 3.
func runRole(t *testing.T, script string, r role) outcome {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec", script)
	cmd.Env = append(os.Environ(), roleVar+"="+string(text))
	cmd.ExtraFiles = []*os.File{self}
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return o
}

// writeFile makes a file in dir and returns its path.
func writeFile(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOrdinaryUser(t *testing.T) {
	noRanges := annEtc
	noRanges.subgid = "bob:400000:500\n"
	tests := []struct {
		name    string
		etc     etc
		options user
		want    outcome // Offer isn't compared
	}{
		{"is root with its subordinate ids", annEtc, user{}, outcome{
			UIDMap: "0 23456 1 1 300000 1000 1001 301000 10", GIDMap: "0 23457 1 1 400000 500", Setgroups: "allow", Inside: "0 0 denied",
		}},
		{"is itself with its subordinate ids", annEtc, user{MapAuto: true, MapCurrent: true}, outcome{
			UIDMap: "23456 23456 1 0 300000 1000 1000 301000 10", GIDMap: "23457 23457 1 0 400000 500", Setgroups: "allow", Inside: "23456 23457 denied",
		}},
		{"is root alone without ranges", noRanges, user{}, outcome{
			UIDMap: "0 23456 1", GIDMap: "0 23457 1", Setgroups: "deny", Inside: "0 0 denied",
		}},
		{"is root alone if asked", annEtc, user{MapRoot: true}, outcome{
			UIDMap: "0 23456 1", GIDMap: "0 23457 1", Setgroups: "deny", Inside: "0 0 denied",
		}},
		{"is itself if asked", annEtc, user{MapCurrent: true}, outcome{
			UIDMap: "23456 23456 1", GIDMap: "23457 23457 1", Setgroups: "deny", Inside: "23456 23457 denied",
		}},
		{"gives ranges of users alone", annEtc, user{MapUsers: []string{"5:23456:1", "6:300500:505"}}, outcome{
			UIDMap: "5 23456 1 6 300500 505", GIDMap: "0 23457 1", Setgroups: "deny", Inside: "5 0 denied",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := asAnn(t, tt.etc, role{Options: tt.options, Name: "ann"})
			if direct := got.Offer.IDMap.Direct; direct != (len(got.Offer.Hooks) == 0) {
				t.Errorf("nsrun writes the map: %v, but hooks are %v", direct, got.Offer.Hooks)
			}
			got.Offer = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// Six lines and more are kept sorted by the kernel, not as they were written.
func TestMapOfManyLines(t *testing.T) {
	e := annEtc
	e.subuid = ""
	for i := range 8 {
		e.subuid += fmt.Sprintf("ann:%d:10\n", 300000+100*i)
	}
	got := asAnn(t, e, role{Options: user{MapAuto: true, MapCurrent: true}, Name: "ann"})
	if !strings.HasPrefix(got.UIDMap, "0 300000 10 10 300100 10") || !strings.HasSuffix(got.UIDMap, "23456 23456 1") {
		t.Errorf("uid map %q, error %q, want eight ranges and then the caller", got.UIDMap, got.Err)
	}
}

func TestOrdinaryUserIsRefusedBeforeTheClone(t *testing.T) {
	got := asAnn(t, annEtc, role{Options: user{MapUsers: []string{"0:0:1"}}, Name: "ann"})
	if got.Offer == nil || !ns.HasErrors(got.Offer.Diagnostics) || got.Offer.IDMap != nil {
		t.Errorf("offer = %+v, want an error and no map", got.Offer)
	}
}

// Whatever the rules say, newuidmap has the last word, and its words are the
// cause.
func TestHelperRefuses(t *testing.T) {
	e := annEtc
	e.passwd = "root:x:0:0::/root:/bin/sh\n" // newuidmap asks for the caller's name
	e.subuid, e.subgid = "23456:300000:10\n", "23456:400000:10\n"
	got := asAnn(t, e, role{Name: "ann"})
	if !strings.HasPrefix(got.Err, "run /usr/bin/newuidmap ") || got.UIDMap != "" {
		t.Errorf("error %q, uid map %q, want an error of newuidmap", got.Err, got.UIDMap)
	}
}

// playAsSelf plays u as the caller of the tests.
func playAsSelf(t *testing.T, u *user) outcome {
	t.Helper()
	return play(u, ns.Facts{UID: os.Getuid(), GID: os.Getgid()}, "/nonexistent")
}

func TestRootKeepsItsIDs(t *testing.T) {
	needRoot(t)
	want := strings.Join(strings.Fields(ns.FormatExtents(identity(mustReadMap(t, "/proc/self/uid_map")))), " ")
	got := playAsSelf(t, &user{})
	if got.UIDMap != want || got.Inside != "0 0 denied" || got.Setgroups != "allow" || got.Err != "" {
		t.Errorf("outcome = %+v, want the uid map %q", got, want)
	}
}

// Whoever runs the tests can be root alone.
func TestCallerIsRootAlone(t *testing.T) {
	got := playAsSelf(t, &user{MapRoot: true})
	want := fmt.Sprintf("0 %d 1", os.Getuid())
	if got.UIDMap != want || got.Inside != "0 0 denied" || got.Err != "" {
		t.Errorf("outcome = %+v, want the uid map %q", got, want)
	}
}

func mustReadMap(t *testing.T, path string) []ns.Extent {
	t.Helper()
	extents, err := readMap(path)
	if err != nil {
		t.Fatal(err)
	}
	return extents
}

func TestRootGivesRanges(t *testing.T) {
	needRoot(t)
	got := playAsSelf(t, &user{MapRoot: true, MapUsers: []string{"1:100000:9"}})
	if got.UIDMap != "0 0 1 1 100000 9" || got.GIDMap != "0 0 1 1 100000 9" || got.Err != "" {
		t.Errorf("outcome = %+v", got)
	}
}

// The rules are the kernel's: for every map of the table, decide and the kernel
// agree on whether it can be.
func TestRulesAreTheKernels(t *testing.T) {
	needRoot(t)
	for _, m := range []string{
		"0:0:1", "0:0:4294967295", "1:0:4294967294", "4294967294:0:1", "0:0:10 10:10:10", "10:10:10 0:0:10", "0:10:10 10:0:10",
		"0:0:0", "4294967295:0:1", "0:4294967295:1", "4294967290:0:6", "0:2:4294967295", "0:0:10 9:100:5", "0:0:10 50:9:5", "5:5:1 5:5:1",
	} {
		t.Run(m, func(t *testing.T) {
			list := extents(t, m)
			_, notes := (&user{MapUsers: strings.Fields(m)}).decide(root(everything...))
			c, err := startBlocked("/nonexistent")
			if err != nil {
				t.Fatal(err)
			}
			defer c.end()
			err = (child{c.cmd.Process.Pid}).write("uid_map", ns.FormatExtents(list))
			if (err == nil) == ns.HasErrors(notes) {
				t.Errorf("decide says %+v, the kernel says %v", notes, err)
			}
		})
	}
}

func TestWriteErrorsSayWhatWasWritten(t *testing.T) {
	m := &ns.IDMap{UIDs: extents(t, "0:0:1 1:1:1"), GIDs: extents(t, "0:0:1")}
	// A child without a namespace of its own has its map already.
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	_, err = (&user{}).PreExec(t.Context(), &ns.HookRequest{PID: cmd.Process.Pid, IDMap: m})
	want := fmt.Sprintf(`write /proc/%d/uid_map "0 0 1, 1 1 1": operation not permitted`, cmd.Process.Pid)
	ds := ns.Diagnose(err)
	if len(ds) != 1 || ds[0].Summary != want || ds[0].Errno != syscall.EPERM || ds[0].Detail == "" {
		t.Errorf("error = %+v, want %q with a cause", ds, want)
	}
}

func TestMapIsReadBack(t *testing.T) {
	needRoot(t)
	c, err := startBlocked("/nonexistent")
	if err != nil {
		t.Fatal(err)
	}
	defer c.end()
	p := child{c.cmd.Process.Pid}
	written := &ns.IDMap{UIDs: extents(t, "0:0:1"), GIDs: extents(t, "0:0:1")}
	if err := p.writeMap(t.Context(), written); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*ns.IDMap{
		"users":     {UIDs: extents(t, "0:0:2"), GIDs: written.GIDs},
		"groups":    {UIDs: written.UIDs, GIDs: extents(t, "1:0:1")},
		"setgroups": {UIDs: written.UIDs, GIDs: written.GIDs, DenySetgroups: true},
	} {
		if err := p.verify(other); err == nil || !strings.HasPrefix(err.Error(), "read back /proc/") {
			t.Errorf("verify other %s: %v, want an error", name, err)
		}
	}
}

func TestPreExecWithoutAMap(t *testing.T) {
	if _, err := (&user{}).PreExec(t.Context(), &ns.HookRequest{PID: os.Getpid()}); err == nil {
		t.Error("PreExec without a map succeeded")
	}
}
