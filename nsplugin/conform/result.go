// SPDX-License-Identifier: Apache-2.0

package conform

// Check is one thing to find out about a plugin.
type Check struct {
	// ID is the demand of SPEC.md that the check is about: "N-2".
	ID string `json:"id"`
	// Name says what holds for a plugin that passes.
	Name string `json:"check"`
	// Should says that SPEC.md says SHOULD: a plugin may fail and still conform.
	Should bool `json:"should,omitempty"`
}

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "ok"
	Failed  Outcome = "failed"
	Advice  Outcome = "advice"  // a SHOULD isn't kept
	Skipped Outcome = "skipped" // it doesn't apply, or can't be told here
)

// Result is what a check found.
type Result struct {
	Check
	// Case names the request that was made, for checks that are made with each.
	Case    string  `json:"case,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Details says what is wrong, one line each, or why the check was skipped.
	Details []string `json:"details,omitempty"`
}

// Conforms reports whether no result is a failure.
func Conforms(results []Result) bool {
	for _, r := range results {
		if r.Outcome == Failed {
			return false
		}
	}
	return true
}

// Verdict is what a check says of a plugin: that it doesn't apply, or faults.
// The zero value is a pass.
type Verdict struct {
	Faults []string
	Skip   string // why the check doesn't apply
}

// fault returns the verdict that one thing is wrong.
func fault(text string) Verdict { return Verdict{Faults: []string{text}} }

// skip returns the verdict that a check doesn't apply.
func skip(why string) Verdict { return Verdict{Skip: why} }

// failure returns the verdict on a call that broke, and a pass for nil.
func failure(err error) Verdict {
	if err == nil {
		return Verdict{}
	}
	return fault(err.Error())
}

// result returns what v means for c.
func (v Verdict) result(c Check) Result {
	switch {
	case len(v.Faults) > 0 && c.Should:
		return Result{Check: c, Outcome: Advice, Details: v.Faults}
	case len(v.Faults) > 0:
		return Result{Check: c, Outcome: Failed, Details: v.Faults}
	case v.Skip != "":
		return Result{Check: c, Outcome: Skipped, Details: []string{v.Skip}}
	}
	return Result{Check: c, Outcome: Passed}
}
