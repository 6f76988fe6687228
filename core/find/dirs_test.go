// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaces(t *testing.T) {
	base := caller{executable: "/opt/nsrun/bin/nsrun", home: "/home/u", pluginPath: "/p1::rel:/p2/../p3"}
	beside := Group{Beside, []string{"/opt/nsrun/libexec/nsrun/plugins", "/opt/nsrun/bin/plugins"}}
	tests := []struct {
		name string
		uid  int
		want []Group
	}{
		{"root reads neither environment nor home", 0, []Group{{ByFlag, []string{"/f"}}, beside}},
		{"a user reads both, the environment before nsrun's own", 1000, []Group{
			{ByFlag, []string{"/f"}},
			{ByEnv, []string{"/p1", "/p3"}},
			beside,
			{ByUser, []string{"/home/u/.local/libexec/nsrun/plugins"}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := base
			c.uid = tt.uid
			if diff := cmp.Diff(tt.want, c.dirs([]string{"/f", "/f"}).Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIgnoredPlacesAreNamed(t *testing.T) {
	c := caller{uid: 0, pluginPath: "/p1"}
	dirs := c.dirs(nil)
	_, err := Find("x", dirs)
	want := `"/p1": NSRUN_PLUGIN_PATH isn't read as root`
	if notFound := (*NotFoundError)(nil); !errors.As(err, &notFound) || notFound.Ignored != want {
		t.Errorf("Find = %v, want one that says %s", err, want)
	}
}

func TestStandardMakesFlagsAbsolute(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := Standard([]string{"sub"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dirs.Groups[0], (Group{ByFlag, []string{filepath.Join(wd, "sub")}}); !cmp.Equal(got, want) {
		t.Errorf("first group is %v, want %v", got, want)
	}
	for _, g := range dirs.Groups[1:] {
		for _, dir := range g.Dirs {
			if dir == wd {
				t.Errorf("%s looks into the working directory", g.Source)
			}
		}
	}
}
