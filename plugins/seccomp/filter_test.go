// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// offered returns the step of the plugin with these options, or nil.
func offered(t *testing.T, options ...string) *ns.Step {
	t.Helper()
	f := filter{Profile: "default"}
	req := &ns.Request{}
	for i := 0; i < len(options); i += 2 {
		switch options[i] {
		case "seccomp":
			f.Profile = options[i+1]
		case "seccomp-log":
			f.Log = true
		}
		req.Settings = append(req.Settings, ns.Setting{Option: options[i], Args: options[i+1 : i+2]})
	}
	offer, err := f.Negotiate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(offer.Steps) == 0 {
		return nil
	}
	return &offer.Steps[0]
}

// machineOf returns what decides as the kernel would.
func machineOf(t *testing.T, step *ns.Step) *bpf.VM {
	t.Helper()
	program, _, err := ns.ParseFilter(step.Data)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]bpf.RawInstruction, len(program))
	for i, in := range program {
		raw[i] = bpf.RawInstruction{Op: in.Code, Jt: in.JT, Jf: in.JF, K: in.K}
	}
	code, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("not a program")
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// decide says in words what happens to a call. The machine is one for packets,
// whose words are big endian.
func decide(t *testing.T, vm *bpf.VM, auditArch, nr uint32, args ...uint64) string {
	t.Helper()
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data, nr)
	binary.BigEndian.PutUint32(data[4:], auditArch)
	for i, arg := range args {
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(arg))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(arg>>32))
	}
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	switch action := uint32(verdict) &^ 0xffff; action {
	case unix.SECCOMP_RET_ALLOW:
		return "allow"
	case unix.SECCOMP_RET_ERRNO:
		return unix.ErrnoName(unix.Errno(verdict & 0xffff))
	default:
		return fmt.Sprintf("%#x", action)
	}
}

func TestTheDefaultProfile(t *testing.T) {
	calls := mustInfo(t)
	vm := machineOf(t, offered(t))
	for _, c := range []struct {
		name string
		args []uint64
		want string
	}{
		{"read", nil, "allow"}, {"execve", nil, "allow"}, {"openat", nil, "allow"}, {"chroot", nil, "allow"},
		{"mount", nil, "EPERM"}, {"bpf", nil, "EPERM"}, {"keyctl", nil, "EPERM"}, {"userfaultfd", nil, "EPERM"}, {"kexec_load", nil, "EPERM"},
		{"io_uring_setup", nil, "EPERM"}, {"unshare", nil, "EPERM"}, {"setns", nil, "EPERM"}, {"init_module", nil, "EPERM"},
		{"clone3", nil, "ENOSYS"}, {"clone", []uint64{unix.CLONE_VM | unix.CLONE_THREAD}, "allow"}, {"clone", []uint64{unix.CLONE_NEWUSER}, "EPERM"},
		{"socket", []uint64{unix.AF_INET}, "allow"}, {"socket", []uint64{unix.AF_UNIX}, "allow"},
		{"socket", []uint64{unix.AF_VSOCK}, "EPERM"}, {"socket", []uint64{unix.AF_ALG}, "EPERM"}, {"socket", []uint64{1<<32 | unix.AF_INET}, "EPERM"},
		{"personality", []uint64{0}, "allow"}, {"personality", []uint64{0x0040000}, "EPERM"},
		{"ioctl", []uint64{0, unix.TIOCSTI}, "EPERM"}, {"ioctl", []uint64{0, 1<<32 | unix.TIOCSTI}, "EPERM"},
		{"ioctl", []uint64{0, 0x541c}, "EPERM"}, {"ioctl", []uint64{0, unix.TCGETS}, "allow"},
	} {
		if got := decide(t, vm, uint32(calls.ID), uint32(calls.SyscallNames[c.name]), c.args...); got != c.want {
			t.Errorf("%s%x: %s, want %s", c.name, c.args, got, c.want)
		}
	}
	for name, got := range map[string]string{
		"a call from the future":           decide(t, vm, uint32(calls.ID), 5000),
		"a call of the 32-bit ABI":         decide(t, vm, unix.AUDIT_ARCH_I386, 1),
		"a call of the x32 ABI":            decide(t, vm, uint32(calls.ID), 0x40000000+39),
		"the forbidden one of another CPU": decide(t, vm, unix.AUDIT_ARCH_RISCV64, 3),
	} {
		if got != "ENOSYS" {
			t.Errorf("%s: %s, want ENOSYS", name, got)
		}
	}
}

func mustInfo(t *testing.T) *arch.Info {
	t.Helper()
	calls, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func TestOptionsChangeTheProfileInTheirOrder(t *testing.T) {
	calls := mustInfo(t)
	profile := filepath.Join(t.TempDir(), "profile.json")
	const text = `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["mkdir", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}, {"names": ["rmdir"], "action": "SCMP_ACT_KILL_PROCESS"},
		{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 16, "op": "SCMP_CMP_EQ"}]}]}`
	if err := os.WriteFile(profile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options []string
		want    map[string]string
	}{
		"allowed":            {[]string{"seccomp-allow", "mount, @keyring"}, map[string]string{"mount": "allow", "keyctl": "allow", "bpf": "EPERM"}},
		"a condition goes":   {[]string{"seccomp-allow", "@namespaces"}, map[string]string{"clone": "allow", "clone3": "allow", "unshare": "allow"}},
		"denied":             {[]string{"seccomp-deny", "@network-io,chmod"}, map[string]string{"socket": "EPERM", "chmod": "EPERM", "fchmod": "allow"}},
		"the last one wins":  {[]string{"seccomp-deny", "chmod", "seccomp-allow", "chmod"}, map[string]string{"chmod": "allow"}},
		"a list of the bad":  {[]string{"seccomp", "none", "seccomp-deny", "@mount"}, map[string]string{"mount": "EPERM", "bpf": "allow"}},
		"a file":             {[]string{"seccomp", profile}, map[string]string{"mkdir": "EACCES", "rmdir": "0x80000000", "bpf": "allow", "socket": "EPERM", "read": "allow"}},
		"a file and options": {[]string{"seccomp", profile, "seccomp-allow", "mkdir", "seccomp-deny", "read"}, map[string]string{"mkdir": "allow", "read": "EPERM"}},
	} {
		t.Run(name, func(t *testing.T) {
			vm := machineOf(t, offered(t, c.options...))
			for call, want := range c.want {
				if got := decide(t, vm, uint32(calls.ID), uint32(calls.SyscallNames[call]), 16); got != want {
					t.Errorf("%s: %s, want %s", call, got, want)
				}
			}
		})
	}
	if offered(t, "seccomp", "none") != nil {
		t.Error("a filter that allows all")
	}
	if _, log, _ := ns.ParseFilter(offered(t, "seccomp-log", "true").Data); !log {
		t.Error("no log was asked for")
	}
}

// Each comparison at its edges, in both halves.
func TestComparisons(t *testing.T) {
	const v, high = 0x2_00000005, 1 << 32
	for op, c := range map[specs.LinuxSeccompOperator]struct{ holds, fails []uint64 }{
		specs.OpEqualTo:      {[]uint64{v}, []uint64{5, v + high, v + 1, 0}},
		specs.OpNotEqual:     {[]uint64{5, v + high, v + 1, 0}, []uint64{v}},
		specs.OpGreaterThan:  {[]uint64{v + 1, v + high, 3 * high, ^uint64(0)}, []uint64{v, v - 1, 0, high + 9}},
		specs.OpGreaterEqual: {[]uint64{v, v + 1, 3 * high}, []uint64{v - 1, 0, high + 9}},
		specs.OpLessThan:     {[]uint64{v - 1, 0, high + 9}, []uint64{v, v + 1, 3 * high, ^uint64(0)}},
		specs.OpLessEqual:    {[]uint64{v, v - 1, 0, high + 9}, []uint64{v + 1, 3 * high}},
	} {
		p := allowAll(mustInfo(t))
		p.add(rule{"read", refuse(unix.EPERM), []condition{{arg: 2, op: op, value: v}}})
		checkEdges(t, p, string(op), c.holds, c.fails)
	}
	p := allowAll(mustInfo(t))
	p.add(rule{"read", refuse(unix.EPERM), []condition{{arg: 2, op: specs.OpMaskedEqual, value: 0x1_00000004, mask: 0xf_0000000f}}})
	checkEdges(t, p, "masked", []uint64{0x1_00000004, 0xff1_fffffff4}, []uint64{4, 0x1_00000005, 0x3_00000004})
}

func checkEdges(t *testing.T, p *policy, name string, holds, fails []uint64) {
	t.Helper()
	program, err := p.assemble()
	if err != nil {
		t.Fatal(err)
	}
	vm := machineOf(t, &ns.Step{Data: ns.EncodeFilter(program, false)})
	nr := uint32(p.calls.SyscallNames["read"])
	for want, values := range map[string][]uint64{"EPERM": holds, "allow": fails} {
		for _, v := range values {
			if got := decide(t, vm, uint32(p.calls.ID), nr, 0, 0, v); got != want {
				t.Errorf("%s %#x: %s, want %s", name, v, got, want)
			}
		}
	}
}

func TestSeveralConditionsOnOneArgumentAreAlternatives(t *testing.T) {
	p, err := parsePolicy(mustInfo(t), `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
		{"index": 2, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 3, "op": "SCMP_CMP_EQ"}]},
		{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 3, "op": "SCMP_CMP_EQ"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	program, _ := p.assemble()
	vm := machineOf(t, &ns.Step{Data: ns.EncodeFilter(program, false)})
	call := func(name string, args ...uint64) string {
		return decide(t, vm, uint32(p.calls.ID), uint32(p.calls.SyscallNames[name]), args...)
	}
	if call("read", 0, 0, 1) != "allow" || call("read", 0, 0, 3) != "allow" || call("read", 0, 0, 2) != "EPERM" {
		t.Error("one of two conditions on one argument should be enough")
	}
	if call("write", 1, 0, 3) != "allow" || call("write", 1, 0, 4) != "EPERM" || call("write", 2, 0, 3) != "EPERM" {
		t.Error("conditions on two arguments should both be needed")
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for want, options := range map[string][]string{
		`there is no system call or group "fly"`:     {"seccomp-allow", "read,fly"},
		`there is no system call or group "@fly"`:    {"seccomp-deny", "@fly"},
		"no such file or directory":                  {"seccomp", dir + "/missing"},
		"invalid character":                          {"seccomp", write("broken", "{x")},
		"neither a defaultAction nor syscalls":       {"seccomp", write("empty", "{}")},
		`the action "SCMP_ACT_NOTIFY" is not suppor`: {"seccomp", write("notify", `{"defaultAction": "SCMP_ACT_NOTIFY"}`)},
		`there is no comparison "SCMP_CMP_LIKE"`: {"seccomp", write("like", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO",
			"args": [{"index": 0, "value": 3, "op": "SCMP_CMP_LIKE"}]}]}`)},
	} {
		t.Run(want, func(t *testing.T) {
			f := filter{Profile: "default"}
			req := &ns.Request{Settings: []ns.Setting{{Option: options[0], Args: options[1:]}}}
			if options[0] == "seccomp" {
				f.Profile = options[1]
			}
			_, err := f.Negotiate(t.Context(), req)
			if err == nil || !strings.Contains(err.Error(), want) || ns.Diagnose(err)[0].Option != options[0] {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestGroupsNameRealCalls(t *testing.T) {
	known := mustInfo(t).SyscallNames
	for group, names := range groups {
		found := 0
		for _, name := range names {
			if _, ok := known[name]; ok {
				found++
			}
		}
		if found*2 < len(names) {
			t.Errorf("%s has %d calls of %d that exist", group, found, len(names))
		}
	}
}

func TestConformance(t *testing.T) {
	setting := func(option, value string) []ns.Setting {
		return []ns.Setting{{Option: option, Args: []string{value}}}
	}
	nstest.Test(t, &filter{},
		nstest.Case{Name: "a group", Settings: setting("seccomp-deny", "@mount")},
		nstest.Case{Name: "no such call", Settings: setting("seccomp-allow", "fly"), Refused: "--seccomp-allow fly"},
	)
}

func TestEveryOptionAndGroupIsDocumented(t *testing.T) {
	var words []string
	for _, o := range nstest.Start(t, &filter{}).Describe().Options {
		words = append(words, "`--"+o.Name)
	}
	for page, words := range map[string][]string{"README.md": append(groupNames(), words...), "../../docs/plugins.md": words} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s says nothing of %s", page, word)
			}
		}
	}
}
