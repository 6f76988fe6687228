// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"slices"
	"strings"
)

// FeaturePlan is the feature by which hooks are given the merged plan.
const FeaturePlan = "plan"

// FeatureReview is the feature by which a plugin is shown the whole run before
// anything starts, and may refuse it.
const FeatureReview = "review"

// FeatureCheckRun is the feature of plugins that can be called at [CheckRun].
const FeatureCheckRun = "check-run"

// FeatureUpdate is the beginning of the features of plugins that can be called at
// [Update]. The name of the option follows that can be changed then.
const FeatureUpdate = "update-"

// KnownFeatures are the features that a descriptor may require of nsrun:
// SPEC.md, "Versions and features".
var KnownFeatures = []string{FeaturePlan, FeatureReview}

// maxOptionName is the longest option name in bytes.
const maxOptionName = 48

// CheckDescriptor returns everything for which nsrun refuses d: SPEC.md,
// "Describe". Whether the name is that of the plugin's file is left to those who
// know the file.
func CheckDescriptor(d *Descriptor) []Diagnostic {
	f := &faults{of: "read descriptor"}
	if !ValidName(d.Name) {
		f.add("name is not a plugin name: %s", quote(d.Name))
	}
	f.required("version", d.Version)
	f.required("summary", d.Summary)
	f.kinds("kinds", d.Kinds, Kinds(), "")
	f.points(d.Hooks, []Point{PreExec, PostExec}, "")
	f.lines("features", d.Features)
	f.lines("requires", d.Requires)
	for _, feature := range d.Requires {
		if !slices.Contains(KnownFeatures, feature) {
			f.unknown("requires the feature %s, which this nsrun doesn't have", quote(feature))
		}
	}
	f.options(d.Options)
	return f.diagnostics()
}

func (f *faults) options(options []Option) {
	if !f.count("options", len(options), MaxOptions) {
		return
	}
	names := map[string]bool{}
	for i := range options {
		o := &options[i]
		f.where = fmt.Sprintf("option %d (%s): ", i+1, quote(o.Name))
		f.option(o)
		for _, name := range []string{o.Name, "-" + o.Short} {
			if names[name] {
				f.add("the name %s is taken", quote(name))
			}
			names[name] = name != "-"
		}
	}
	f.where = ""
}

func (f *faults) option(o *Option) {
	if !word(o.Name, maxOptionName) {
		f.add("not an option name: a letter, then lower-case letters, digits and hyphens")
	}
	if o.Short != "" && (len(o.Short) != 1 || !alphanumeric(o.Short)) {
		f.add("short is not one letter or digit: %s", quote(o.Short))
	}
	if o.Env != "" && !envName(o.Env) {
		f.add("env is not the name of a variable: %s", quote(o.Env))
	}
	f.required("help", o.Help)
	f.line("deprecated", o.Deprecated)
	f.lines("args", o.Args)
	f.lines("enum", o.Enum)
	f.values(o)
}

// values checks what the option says of its values.
func (f *faults) values(o *Option) {
	if !slices.Contains([]OptionType{String, Bool, Int, Duration, Path}, o.Type) {
		f.unknown("unknown type %s", quote(string(o.Type)))
		return
	}
	switch {
	case o.Type == Bool && len(o.Args) > 0:
		f.add("a bool has no arguments")
	case o.Required && o.Default != "":
		f.add("required, and has a default")
	case o.Repeated && o.Default != "":
		f.add("repeated, and has a default")
	}
	for _, value := range o.Enum {
		if !o.Type.accepts(value) {
			f.add("%s of enum is not %s", quote(value), o.Type.article())
		}
	}
	// A default path may be relative to something that only the plugin knows.
	if o.Default == "" || o.Type == Path {
		f.line("default", o.Default)
	} else if problem := checkValue(o, o.Default); problem != "" {
		f.add("default: %s", problem)
	}
}

// alphanumeric reports whether s has ASCII letters and digits only.
func alphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0
}

// envName reports whether s can name an environment variable as a shell has
// them; environ(7).
func envName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && alphanumeric(strings.ReplaceAll(s, "_", ""))
}
