// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func write(t *testing.T, text string) *policy {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return &policy{path: path}
}

func TestConformance(t *testing.T) { nstest.Test(t, write(t, "plugins = [\"uts\"]\n")) }

func TestDescriptorRequiresTheReview(t *testing.T) {
	if d := nstest.Start(t, &policy{}).Describe(); len(d.Requires) != 1 || d.Requires[0] != ns.FeatureReview {
		t.Errorf("requires %q", d.Requires)
	}
}

// wants is a run that asks for a lot.
func wants(t *testing.T) *ns.ReviewRequest {
	step := func(s ns.Step) ns.PlannedStep { return ns.PlannedStep{Plugin: "mount", Step: s} }
	plan, err := (&ns.Plan{
		Kinds: []ns.Ownership{{Kind: ns.Net, Plugin: "pasta"}, {Kind: ns.Mount, Plugin: "mount"}},
		Steps: []ns.PlannedStep{
			step(ns.Step{Op: ns.OpBind, Source: "/srv/data", Target: "/a"}),
			step(ns.Step{Op: ns.OpBind, Source: "/usr/share", Target: "/b", Attrs: []ns.Attr{ns.ReadOnly}}),
			step(ns.Step{Op: ns.OpOverlay, Source: "/usr", Target: "/c", Data: "/srv/changes"}),
			step(ns.Step{Op: ns.OpBind, Source: "/dev/null", Target: "/dev/null"}),
			step(ns.Step{Op: ns.OpCaps, Data: "chown,net_raw"}),
		},
	}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	return &ns.ReviewRequest{
		Request: ns.Request{Plugin: "policy"}, Plan: plan, Command: []string{"true"}, NewPrivs: true,
		Members: []ns.ReviewMember{
			{Name: "policy", Path: "/usr/policy", System: true},
			{Name: "mount", Path: "/home/mount", Owns: []ns.Kind{ns.Mount}, Settings: []ns.Setting{{Option: "dev-bind", Args: []string{"/a", "/b"}}}},
			{Name: "pasta", System: true, Owns: []ns.Kind{ns.Net}, Settings: []ns.Setting{
				{Option: "publish", Args: []string{"8080-8081:80-81"}}, {Option: "network", Args: []string{"lan"}}}},
		},
	}
}

func TestRules(t *testing.T) {
	for name, tt := range map[string]struct{ policy, want string }{
		"nothing":              {"", ""},
		"plugins":              {"\nplugins = [\"pasta\"]", ":2: plugins|the plugin mount is not allowed"},
		"plugins allowed":      {`plugins = ["pasta", "mount"]`, ""},
		"own plugins":          {"own-plugins = false", ":1: own-plugins|the plugin mount is not allowed from /home/mount"},
		"options":              {"[options]\nforbidden = [\n\"x\",\n\"mount.dev-bind\"]", ":4: options.forbidden|--dev-bind of the plugin mount is not allowed"},
		"an option of any":     {"[options]\nforbidden = [\"dev-bind\"]", "--dev-bind"},
		"of another":           {"[options]\nforbidden = [\"net.dev-bind\"]", ""},
		"privilege":            {"new-privs = false", "may not gain privilege"},
		"required kind":        {"[namespaces]\nrequired = [\"mount\", \"pid\"]", "a pid namespace of its own is required"},
		"allowed kinds":        {"[namespaces]\nallowed = [\"mount\"]", "a new net namespace is not allowed"},
		"no files":             {"[files]", "bind of /srv/data, writable, is not allowed\nbind of /usr/share, read-only, is not allowed\noverlay of /usr, read-only, is not allowed\noverlay of /srv/changes, writable, is not allowed"},
		"read":                 {"[files]\nread = [\"/usr\", \"/srv\"]", ":1: files.write|bind of /srv/data, writable, is not allowed\noverlay of /srv/changes, writable"},
		"read and write":       {"[files]\nread = [\"/usr\"]\nwrite = [\"/srv\"]", ""},
		"no prefix by letters": {"[files]\nread = [\"/us\"]\nwrite = [\"/srv\"]", "/usr/share, read-only\noverlay of /usr, read-only"},
		"the root":             {"[files]\nread = [\"/\"]\nwrite = [\"/\"]", ""},
		"backend":              {"[network]\nbackends = [\"none\"]", "the network of pasta is not allowed"},
		"network name":         {"[network]\nnames = [\"bridge\"]", "the network lan is not allowed"},
		"ports":                {"[network]\nports = [\"80\", \"8000-8080\"]", "publishing the port 8081 is not allowed"},
		"no ports":             {"[network]\nports = []", "publishing the port 8080 is not allowed\npublishing the port 8081"},
		"ports allowed":        {"[network]\nports = [\"8080-8081\"]", ""},
		"host network":         {"[network]\nhost = false\njoin = false", ""},
		"capabilities":         {"[process]\ncapabilities = [\"chown\"]", "the capabilities net_raw are not allowed"},
		"capabilities allowed": {"[process]\ncapabilities = [\"chown\", \"NET_RAW\"]", ""},
		"seccomp":              {"[process]\nseccomp = true", "a filter for system calls is required"},
	} {
		t.Run(name, func(t *testing.T) { check(t, write(t, tt.policy), wants(t), tt.want) })
	}
}

// check reviews req and compares what is refused: the summaries, and before a | what
// the first one's cause has.
func check(t *testing.T, p *policy, req *ns.ReviewRequest, want string) {
	t.Helper()
	reply := nstest.Start(t, p).Review(req)
	if want == "" {
		if len(reply.Diagnostics) > 0 {
			t.Errorf("refused: %v", reply.Diagnostics)
		}
		return
	}
	where, summaries, both := strings.Cut(want, "|")
	if !both {
		where, summaries = "", want
	}
	var got []string
	for _, d := range reply.Diagnostics {
		got = append(got, d.Summary)
		if d.Hint == "" || !strings.HasPrefix(d.Detail, p.path+":") {
			t.Errorf("said %+v", d)
		}
	}
	for i, summary := range strings.Split(summaries, "\n") {
		if i >= len(got) || !strings.Contains(got[i], summary) {
			t.Fatalf("refused for\n%s\nwant\n%s", strings.Join(got, "\n"), summaries)
		}
	}
	if n := len(strings.Split(summaries, "\n")); len(got) != n || !strings.Contains(reply.Diagnostics[0].Detail, where) {
		t.Errorf("refused for %q, want %d; cause %s", got, n, reply.Diagnostics[0].Detail)
	}
}

// bare is a run without any namespace.
func bare(t *testing.T, plan ns.Plan) *ns.ReviewRequest {
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	return &ns.ReviewRequest{Request: ns.Request{Plugin: "policy"}, Plan: text}
}

func TestRulesOnWhatIsNotThere(t *testing.T) {
	joined := ns.Plan{Joins: []ns.PlannedJoin{{Plugin: "join", Join: ns.Join{Kind: ns.Net, Source: "/x"}}}}
	check(t, write(t, "[network]\nhost = false"), bare(t, ns.Plan{}), "the host's network is not allowed")
	check(t, write(t, "[network]\nhost = false"), bare(t, joined), "")
	check(t, write(t, "[network]\njoin = false"), bare(t, joined), "joining a network is not allowed")
	check(t, write(t, "[process]\ncapabilities = []"), bare(t, ns.Plan{}), "keeping all capabilities is not allowed")
}

func TestLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	p := write(t, "[files]\nread = [\""+dir+"\"]")
	plan := ns.Plan{Steps: []ns.PlannedStep{{Step: ns.Step{Op: ns.OpBind, Source: dir + "/link", Target: "/x", Attrs: []ns.Attr{ns.ReadOnly}}}}}
	check(t, p, bare(t, plan), "bind of "+dir+"/link (/etc), read-only, is not allowed")
	plan.Steps[0].Source = dir
	if reply := nstest.Start(t, p).Review(bare(t, plan)); len(reply.Diagnostics) > 0 || reply.Freshness != nil {
		t.Errorf("an answer that depends on links is kept: %+v", reply)
	}
}

// A read-only mount is writable for whom may take that off again.
func TestWhatIsIDMappedIsWritable(t *testing.T) {
	step := ns.Step{Op: ns.OpBind, Source: "/usr", Target: "/x", Attrs: []ns.Attr{ns.ReadOnly, ns.IDMapped}}
	run := bare(t, ns.Plan{Steps: []ns.PlannedStep{{Step: step}}})
	check(t, write(t, "[files]\nread = [\"/usr\"]"), run, "bind of /usr, writable, is not allowed")
	check(t, write(t, "[files]\nwrite = [\"/usr\"]"), run, "")
}

func TestMistakesInThePolicy(t *testing.T) {
	_, err := parse("/p", "plugin = []\nnew-privs = \"no\"\n[network]\nport = 1\n")
	want := "read /p:1: unknown key plugin\nread /p:2: new-privs: true or false is wanted, and there is the string \"no\"\nread /p:4: unknown key network.port"
	if err == nil || err.Error() != want {
		t.Errorf("said %v", err)
	}
	_, err = parse("/p", "[namespaces]\nallowed = [\"flux\"]\n[network]\nports = [\"80-70\", \"x\"]\n[process]\ncapabilities = [\"fly\"]\n[files]\nread = [\"usr\"]\n")
	for _, want := range []string{`/p:2: namespaces.allowed: "flux" is no kind`, `/p:4: network.ports: "80-70" is no range`, `"x" is no port`, `/p:6: process.capabilities: "fly"`, `/p:8: files.read: "usr" is not an absolute path`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %s: %v", want, err)
		}
	}
}

func TestWithoutAPolicyNothingRuns(t *testing.T) {
	p := &policy{path: t.TempDir() + "/missing"}
	reply := nstest.Start(t, p).Review(bare(t, ns.Plan{}))
	if len(reply.Diagnostics) != 1 || !strings.Contains(reply.Diagnostics[0].Hint, "write "+p.path) {
		t.Errorf("said %+v", reply.Diagnostics)
	}
	if ds := nstest.Start(t, p).Check(ns.Facts{}); len(ds) > 0 {
		t.Errorf("a host without a policy lacks %v", ds)
	}
	if ds := nstest.Start(t, write(t, "x = 1")).Check(ns.Facts{}); len(ds) != 1 {
		t.Errorf("a mistake in the policy is not said: %v", ds)
	}
}
