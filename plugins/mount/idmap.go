// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// idMapSuffix, behind a path, asks for a mount with the ids of the run's user namespace.
const idMapSuffix = ":" + string(ns.IDMapped)

// cutIDMap splits PATH[:idmap]. As a tmpfs's, a name that ends so itself is written with
// a colon after it.
func cutIDMap(arg string) (path string, asked bool) {
	path, asked = strings.CutSuffix(arg, idMapSuffix)
	if name := strings.TrimRight(path, ":"); name != path && strings.HasSuffix(name, idMapSuffix) {
		path = path[:len(path)-1]
	}
	return path, asked
}

// obstacle is why something can't be had, and the way out. The zero obstacle is none.
type obstacle struct{ why, hint string }

// idMapObstacle returns what keeps a run from idmapped mounts, as far as that doesn't
// depend on the file system.
func idMapObstacle(req *ns.Request) obstacle {
	switch {
	case !req.Facts.Root():
		return obstacle{"only root can: it takes CAP_SYS_ADMIN where the file system was mounted, and a user namespace doesn't give that",
			"the same as root, or chown the files to ids that the run has and leave out " + idMapSuffix}
	case !req.Has(ns.User):
		return obstacle{"the run has no user namespace whose ids the files could have", "add user to --plugins, as with --map-users 0:100000:65536"}
	}
	return obstacle{}
}

// idMapped reads the last argument of an option, PATH[:idmap], and returns the path and
// the attributes that the mount is to have.
func (t *tree) idMapped(option string, args []string, attrs []ns.Attr) (string, []ns.Attr) {
	path, asked := cutIDMap(args[len(args)-1])
	if !asked {
		return path, attrs
	}
	given := "--" + option + " " + strings.Join(args, " ")
	switch {
	case path == "", path != "/" && strings.HasSuffix(path, "/"):
		t.problem(option, given+": the path before "+idMapSuffix+" is missing", "PATH"+idMapSuffix+", without a blank")
	case t.noIDMap != obstacle{}:
		t.problem(option, given+": "+t.noIDMap.why, t.noIDMap.hint)
	}
	return path, slices.Concat(attrs, []ns.Attr{ns.IDMapped})
}
