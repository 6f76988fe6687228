// SPDX-License-Identifier: Apache-2.0

// Package e2e runs nsrun as a user would: the real binaries, the real kernel,
// real CNI plugins, as root and as an ordinary user. Each script in
// testdata/script is named by the behaviour that it shows.
package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) == "" {
		os.Exit(reExecInPrivateHost())
	}
	testscript.Main(m, map[string]func(){"mq": mqMain})
}

func TestScripts(t *testing.T) {
	requireRoot(t)
	testscript.Run(t, params(t))
}

// TestScriptsWarm runs those scripts again in which plugins have hooks to call,
// with plugins that stay for the next run: that must not change what comes out.
func TestScriptsWarm(t *testing.T) {
	requireRoot(t)
	p := params(t)
	p.Dir, p.UpdateScripts = "", false
	for _, pattern := range []string{"gc-*", "hooks-*", "net-*", "user-*"} {
		files, err := filepath.Glob("testdata/script/" + pattern + ".txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("no script is called %s: %v", pattern, err)
		}
		p.Files = append(p.Files, files...)
	}
	cold := p.Setup
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("NSRUN_KEEP_WARM", "3s")
		return cold(env)
	}
	testscript.Run(t, p)
}

func params(t *testing.T) testscript.Params {
	return testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         workRoot(t),
		Setup:               setup,
		Cmds:                commands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		UpdateScripts:       os.Getenv("NSRUN_TEST_UPDATE") != "",
	}
}

// requireRoot skips a test that can't work as an ordinary user, with the reason;
// in CI that is a failure.
func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "the private host that the scripts run in needs root")
	}
}

// skip skips a test for a reason, which fails it where nothing may be skipped.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// workRoot returns a directory for the scripts of a test that an ordinary user can reach.
func workRoot(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(privateDir, "work", t.Name())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func setup(env *testscript.Env) error {
	// What testscript.Main put into PATH comes after what was built.
	env.Setenv("PATH", binDir+":"+toolDir()+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	env.Setenv("BIN", binDir)
	env.Setenv("ROOT", rootDir())
	for name, value := range goDirs() {
		env.Setenv(name, value)
	}
	env.Setenv(insideEnv, "1")
	env.Setenv("HOME", env.WorkDir)
	return os.Chmod(env.WorkDir, 0o755)
}

// TestTour runs docs/tour.md and compares what comes out.
func TestTour(t *testing.T) {
	requireRoot(t)
	out, err := exec.Command("../scripts/demo", "-check").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
