// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// use says what an op does with a field of Step.
type use int

const (
	unused use = iota
	optional
	required
)

// uses says which fields each op uses; the others must be empty, so that a field
// gets a meaning only by a new version of the protocol.
var uses = map[Op]struct {
	source, target, fsType, attrs, data, mode, ifExists use
}{
	OpPropagation: {target: required, data: required},
	OpRootfs:      {source: required, attrs: optional},
	OpPivot:       {},
	OpBind:        {source: required, target: required, attrs: optional, ifExists: optional},
	OpMount:       {target: required, fsType: required, attrs: optional, data: optional, ifExists: optional},
	OpFile:        {target: required, source: optional, data: optional, mode: optional, ifExists: optional},
	OpMkdir:       {target: required, mode: optional},
	OpSymlink:     {target: required, data: required},
	OpHostname:    {data: required},
	OpDomainname:  {data: required},
	OpLinkUp:      {target: required, ifExists: optional},
	OpSysctl:      {target: required, data: required, ifExists: optional},
	OpInit:        {},

	OpTimeOffset:   {target: required, data: required},
	OpOverlay:      {source: required, target: required, attrs: optional, data: optional},
	OpMask:         {target: required, ifExists: optional},
	OpRemount:      {target: required, attrs: required, ifExists: optional},
	OpRlimit:       {target: required, data: required},
	OpCaps:         {data: optional},
	OpLandlock:     {data: required},
	OpLandlockPath: {target: required, data: required, ifExists: optional},
	OpLandlockPort: {target: required, data: required},
	OpSeccomp:      {data: required},
}

// maxUTSName is the longest host and domain name in bytes; uname(2).
const maxUTSName = 64

// maxInterface is the longest interface name in bytes: IFNAMSIZ of netdevice(7)
// less the NUL.
const maxInterface = 15

// steps checks steps for a run that has the given kinds.
func (f *faults) steps(steps []Step, have []Kind) {
	if !f.count("steps", len(steps), MaxSteps) {
		return
	}
	for i := range steps {
		f.where = fmt.Sprintf("step %d: ", i+1)
		f.step(&steps[i], have)
	}
	f.where = ""
}

func (f *faults) step(s *Step, have []Kind) {
	if _, known := s.Op.Needs(); !known {
		f.unknown("unknown op %s", quote(string(s.Op)))
		return
	}
	f.where += string(s.Op) + ": "
	f.fields(s)
	f.targetAndKind(s, have)
	f.stepData(s)
	f.attrs(s.Attrs)
	f.idMapped(s, have)
	if s.Mode&^0o7777 != 0 {
		f.add("mode is not made of permission bits: %#o", s.Mode)
	}
	if s.Phase != Setup && s.Phase != Inside {
		f.unknown("unknown phase %s", quote(string(s.Phase)))
	}
	if s.Phase == Inside && (s.Op == OpRootfs || s.Op == OpPivot) {
		f.add("switches the root, so it can't come after the switch")
	}
	if s.Phase == Inside && (s.Op == OpOverlay || s.Op == OpTimeOffset || s.Op.Confines()) {
		f.add("has no phase of its own: phase must be setup")
	}
}

// fields checks that the fields the op needs are there, and no others.
func (f *faults) fields(s *Step) {
	u := uses[s.Op]
	for _, field := range []struct {
		name  string
		use   use
		empty bool
	}{
		{"source", u.source, s.Source == ""},
		{"target", u.target, s.Target == ""},
		{"fsType", u.fsType, s.FSType == ""},
		{"attrs", u.attrs, len(s.Attrs) == 0},
		{"data", u.data, s.Data == ""},
		{"mode", u.mode, s.Mode == 0},
		{"ifExists", u.ifExists, !s.IfExists},
	} {
		switch {
		case field.use == required && field.empty:
			f.add("%s is missing", field.name)
		case field.use == unused && !field.empty:
			f.add("%s is not for this op", field.name)
		}
	}
}

// targetAndKind checks the names that the step has, and that the run has the
// namespace that the step would change.
func (f *faults) targetAndKind(s *Step, have []Kind) {
	need, _ := s.Op.Needs()
	switch {
	case s.Op == OpSysctl:
		var ok bool
		if need, ok = SysctlKind(s.Target); !ok || !sysctlKey(s.Target) {
			f.add("not a key that belongs to a namespace: %s", quote(s.Target))
			return
		}
	case s.Op == OpLinkUp && !interfaceName(s.Target):
		f.add("not the name of an interface: %s", quote(s.Target))
	case s.Op == OpLandlockPath && s.Target != "":
		f.path("target", s.Target)
	case need == Mount && s.Target != "":
		f.path("target", s.Target)
		if path.Clean(s.Target) == "/" && s.Op != OpPropagation {
			// The root is switched by OpPivot, and by nothing else.
			f.add("target is the root itself")
		}
	}
	if s.Source != "" {
		f.source(s)
	}
	if need != "" && !slices.Contains(have, need) {
		f.add("needs a %s namespace, which the run doesn't have", need)
	}
}

// source checks where a step takes something from. What a file is filled with can
// be something of nsrun's caller; all other sources are paths.
func (f *faults) source(s *Step) {
	if s.Op != OpFile {
		f.path("source", s.Source)
		return
	}
	src, err := ParseSource(s.Source)
	if err != nil {
		f.add("%v", err)
	}
	if src.Path != "" {
		f.path("source", src.Path)
	}
	if s.Data != "" {
		f.add("data and source exclude each other")
	}
}

func (f *faults) stepData(s *Step) {
	switch s.Op {
	case OpFile:
		if len(s.Data) > MaxString {
			f.add("data is longer than %d bytes", MaxString)
		}
	case OpPropagation:
		if s.Data != "private" && s.Data != "slave" {
			f.add("propagation is neither private nor slave: %s", quote(s.Data))
		}
	case OpHostname, OpDomainname:
		f.line("data", s.Data)
		if len(s.Data) > maxUTSName {
			f.add("name is longer than %d bytes", maxUTSName)
		}
	case OpTimeOffset:
		if _, err := strconv.ParseInt(s.Data, 10, 64); err != nil {
			f.add("not a number of nanoseconds: %s", quote(s.Data))
		}
		if s.Target != "monotonic" && s.Target != "boottime" {
			f.add("not a clock that can be set: %s", quote(s.Target))
		}
	case OpOverlay:
		if s.Data != "" {
			f.path("data", s.Data)
		}
	default:
		f.text("data", s.Data)
		f.confinement(s)
	}
	if strings.Trim(s.FSType, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		f.add("not a file system type: %s", quote(s.FSType))
	}
}

func (f *faults) attrs(attrs []Attr) {
	if !f.count("attrs", len(attrs), 8) {
		return
	}
	for i, a := range attrs {
		switch {
		case !slices.Contains([]Attr{ReadOnly, NoSUID, NoDev, NoExec, NoAtime, StrictTime, IDMapped}, a):
			f.unknown("unknown attribute %s", quote(string(a)))
		case slices.Contains(attrs[:i], a):
			f.add("attribute %s twice", a)
		}
	}
	if slices.Contains(attrs, NoAtime) && slices.Contains(attrs, StrictTime) {
		f.add("attributes %s and %s exclude each other", NoAtime, StrictTime)
	}
}

// idMapped checks that there is something whose ids can be mapped, and a map.
func (f *faults) idMapped(s *Step, have []Kind) {
	switch {
	case !slices.Contains(s.Attrs, IDMapped):
	case s.Op != OpBind && s.Op != OpRootfs:
		f.add("attribute %s is for %s and %s alone", IDMapped, OpBind, OpRootfs)
	case !slices.Contains(have, User):
		f.add("attribute %s needs a %s namespace, which the run doesn't have", IDMapped, User)
	}
}

// sysctlKey reports whether s has the characters of a key, in the form with dots.
func sysctlKey(s string) bool {
	return alphanumeric(strings.NewReplacer(".", "", "_", "", "-", "").Replace(s)) && !strings.HasSuffix(s, ".")
}

// interfaceName reports whether the kernel takes s as the name of a network
// interface: dev_valid_name in its net/core/dev.c.
func interfaceName(s string) bool {
	return s != "" && len(s) <= maxInterface && s != "." && s != ".." && !strings.ContainsAny(s, "/: \t\n\v\f\r\x00")
}
