// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// envPlugin makes the test binary a plugin, as a process of its own.
const envPlugin = "NSPLUGIN_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(envPlugin) != "" {
		Main(&talker{})
		return
	}
	os.Exit(m.Run())
}

// talker logs, panics or starts a program when it is told to.
type talker struct {
	Panic bool   `option:"panic" help:"panic"`
	Sleep string `option:"sleep" help:"write the pid of a child that sleeps to this file" type:"path"`
}

func (*talker) Describe() Info {
	return Info{Name: "talker", Version: "2.0.1", Summary: "talks", Kinds: []ns.Kind{ns.UTS}}
}

func (p *talker) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	slog.Debug("quiet")
	slog.Warn("loud", "answer", 42)
	if p.Panic {
		panic("boom")
	}
	if p.Sleep == "" {
		return &ns.Offer{}, nil
	}
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pid, _ := json.Marshal(cmd.Process.Pid)
	return &ns.Offer{}, os.WriteFile(p.Sleep, pid, 0o600)
}

// process is a plugin that runs.
type process struct {
	*exec.Cmd
	conn   *grpc.ClientConn
	client *wire.Client
	stderr bytes.Buffer
}

// start starts the plugin as nsrun does, in a process group of its own.
func start(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append([]string{
		envPlugin + "=1", wire.CookieKey + "=" + wire.CookieValue,
		"PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH"),
	}, env...)
	p.Stderr = &p.stderr
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return p
}

// handshake runs the plugin and connects to it.
func (p *process) handshake(t *testing.T) {
	t.Helper()
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read handshake: %v; stderr: %s", err, p.stderr.String())
	}
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 5 || fields[0] != "1" || fields[1] != "1" || fields[2] != "unix" || fields[4] != "grpc" {
		t.Fatalf("handshake line is %q", line)
	}
	p.conn, err = grpc.NewClient("unix:"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	p.client = wire.NewClient(p.conn)
}

// shutdown asks the plugin to end, as nsrun does, and returns how it did.
func (p *process) shutdown(t *testing.T) error {
	t.Helper()
	// The plugin may be gone before the answer is.
	_ = p.conn.Invoke(t.Context(), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	return p.Wait()
}

func TestProcessServesAndEnds(t *testing.T) {
	p := start(t)
	p.handshake(t)
	d, err := p.client.Describe(t.Context())
	same(t, "error", err, nil)
	same(t, "name", d.Name, "talker")
	offer, err := p.client.Negotiate(t.Context(), &ns.Request{Settings: []ns.Setting{{Option: "panic", Args: []string{"true"}}}})
	same(t, "error", err, nil)
	same(t, "summary", offer.Diagnostics[0].Summary, "negotiate: plugin panicked: boom")
	if _, err = p.client.Negotiate(t.Context(), &ns.Request{}); err != nil {
		t.Errorf("the process didn't survive a panic: %v", err)
	}
	if err := p.shutdown(t); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestLogsAreJSONLinesAtTheLevelAsked(t *testing.T) {
	for level, want := range map[string]int{"": 1, "debug": 2, "error": 0, "nonsense": 1} {
		t.Run("level "+level, func(t *testing.T) {
			p := start(t, wire.EnvLogLevel+"="+level)
			p.handshake(t)
			if _, err := p.client.Negotiate(t.Context(), &ns.Request{}); err != nil {
				t.Fatal(err)
			}
			p.shutdown(t)
			lines := strings.FieldsFunc(p.stderr.String(), func(r rune) bool { return r == '\n' })
			if len(lines) != want {
				t.Fatalf("stderr is %q, want %d lines", p.stderr.String(), want)
			}
			if want == 0 {
				return
			}
			var line map[string]any
			if err := json.Unmarshal([]byte(lines[want-1]), &line); err != nil {
				t.Fatal(err)
			}
			if line["@message"] != "loud" || line["@level"] != "warn" || line["answer"] != 42.0 || line["@timestamp"] == nil {
				t.Errorf("line is %v", line)
			}
		})
	}
}

func TestPluginDiesWithItsLifeline(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	p := start(t, wire.EnvLifeline+"=3")
	p.ExtraFiles = []*os.File{read}
	p.handshake(t)
	read.Close()
	pidFile := filepath.Join(t.TempDir(), "pid")
	req := &ns.Request{Settings: []ns.Setting{{Option: "sleep", Args: []string{pidFile}}}}
	if offer, err := p.client.Negotiate(t.Context(), req); err != nil || offer.Diagnostics != nil {
		t.Fatal(err, offer)
	}
	child := readPID(t, pidFile)

	write.Close()
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) {
		t.Errorf("plugin ended with %v", err)
	}
	waitUntilDead(t, child)
}

// waitUntilDead waits for a process that isn't a child of this one.
func waitUntilDead(t *testing.T, pid int) {
	t.Helper()
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func readPID(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := json.Unmarshal(data, &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestRunByHandItExplainsItself(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{envPlugin + "=1"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("ended with %v, want exit status 2", err)
	}
	same(t, "stdout", stdout.String(), "")
	for _, want := range []string{"nsrun-plugin-talker 2.0.1: talks", "protocol 1", "uts", "nsrun --plugins uts=talker COMMAND"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, stderr.String())
		}
	}
}

func TestDescribeByHandPrintsTheDescriptor(t *testing.T) {
	cmd := exec.Command(os.Args[0], "describe")
	cmd.Env = []string{envPlugin + "=1"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var d ns.Descriptor
	dec := json.NewDecoder(bytes.NewReader(out))
	if err := dec.Decode(&d); err != nil || d.Name != "talker" || len(d.Options) != 2 {
		t.Errorf("got %+v, %v from %s", d, err, out)
	}
	if rest, _ := io.ReadAll(dec.Buffered()); strings.TrimSpace(string(rest)) != "" {
		t.Errorf("something follows: %q", rest)
	}
}

func TestDescribeByHandFailsForABrokenPlugin(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := describe(&stdout, &stderr, byValue{}); status != 1 || stdout.Len() > 0 || stderr.Len() == 0 {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout.String(), stderr.String())
	}
}
