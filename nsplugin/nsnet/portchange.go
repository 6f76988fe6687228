// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// FeatureUpdate is the feature of backends that can change the published ports of a run
// while its command runs.
const FeatureUpdate = ns.FeatureUpdate + "publish"

// PortChange is what an update makes of the published ports of a run.
type PortChange struct {
	// Publish are the values of the option from now on.
	Publish []string
	// Before and After are what the option came to, and comes to from now on.
	Before, After []Mapping
	// Added are those of After that are new, Removed those of Before that go.
	Added, Removed []Mapping
}

// Change reads what an update makes of the option, which has the values that the run has
// so far. The error joins what is wrong with what is to be removed. What is wrong with the
// values from now on, [PublishOption.Ports] of those tells.
func (o PublishOption) Change(req *ns.HookRequest) (*PortChange, error) {
	c := &PortChange{}
	c.Before, _ = publishAll(o.Publish)
	gone, err := c.unpublish(req.Remove)
	for _, text := range o.Publish {
		c.Publish = append(c.Publish, without(text, gone)...)
	}
	for _, s := range req.Add {
		c.Publish = append(c.Publish, s.Args...)
	}
	c.After, _ = publishAll(c.Publish)
	c.Added, c.Removed = minus(c.After, c.Before), minus(c.Before, c.After)
	return c, errors.Join(err, otherOptions(slices.Concat(req.Add, req.Remove)))
}

// unpublish returns the ports that are to be removed. The error joins a diagnostic for
// each value that can't be read, or that isn't published.
func (c *PortChange) unpublish(settings []ns.Setting) (gone []Mapping, err error) {
	var errs []error
	for _, s := range settings {
		ports, err := parsePublish(s.Args[0])
		if err != nil {
			errs = append(errs, nsplugin.Errorf("unpublish %s: %w", s.Args[0], err).WithOption("publish").
				WithHint("--unpublish [IP:]HOST:PORT[/PROTO], as it was published"))
			continue
		}
		for _, m := range minus(ports, minus(c.Before, gone)) {
			errs = append(errs, nsplugin.Errorf("unpublish %s: it is not published", m).WithOption("publish").WithHint(c.published()))
		}
		gone = append(gone, ports...)
	}
	return gone, errors.Join(errs...)
}

func (c *PortChange) published() string {
	if len(c.Before) == 0 {
		return "the run publishes no port"
	}
	return "one that is: " + PortsText(c.Before)
}

// otherOptions returns an error for each of settings that is of another option.
func otherOptions(settings []ns.Setting) error {
	var errs []error
	for _, s := range settings {
		if s.Option != "publish" {
			errs = append(errs, nsplugin.Errorf("update --%s: only published ports can be changed while the command runs", s.Option).WithOption(s.Option))
		}
	}
	return errors.Join(errs...)
}

// CheckFree returns an error for each port to add that something on the host has: a
// process, or another run than runID. It looks, and changes nothing.
func (c *PortChange) CheckFree(runID string) error {
	// What the run itself has, and gives up, is no process of others.
	fresh := slices.DeleteFunc(slices.Clone(c.Added), func(m Mapping) bool { return slices.ContainsFunc(c.Removed, m.overlaps) })
	return errors.Join(checkPorts(fresh), HostPorts.check(c.Added, runID))
}

// Reply returns the answer to the update req, without its state.
func (c *PortChange) Reply(req *ns.HookRequest) *ns.HookReply {
	settings := slices.DeleteFunc(slices.Clone(req.Request.Settings), func(s ns.Setting) bool { return s.Option == "publish" })
	for _, text := range c.Publish {
		settings = append(settings, ns.Setting{Option: "publish", Args: []string{text}})
	}
	return &ns.HookReply{Settings: settings, Results: map[string]string{"ports": PortsText(c.After)}}
}

// minus returns the ports that others lacks.
func minus(ports, others []Mapping) []Mapping {
	has := map[Mapping]bool{}
	for _, m := range others {
		has[m] = true
	}
	return slices.DeleteFunc(slices.Clone(ports), func(m Mapping) bool { return has[m] })
}

// without returns values of the option for what text publishes but gone.
func without(text string, gone []Mapping) []string {
	ports, _ := parsePublish(text)
	left := minus(ports, gone)
	if len(left) == len(ports) {
		return []string{text}
	}
	return publishTexts(left)
}

// publishTexts returns values of the option for ports: those that follow each other are
// a range.
func publishTexts(ports []Mapping) []string {
	var texts []string
	for len(ports) > 0 {
		n := 1
		for n < len(ports) && ports[n] == ports[0].plus(n) {
			n++
		}
		texts = append(texts, ports[0].value(n))
		ports = ports[n:]
	}
	return texts
}

// plus returns the mapping of the ports that are n higher.
func (m Mapping) plus(n int) Mapping {
	m.HostPort, m.Port = m.HostPort+n, m.Port+n
	return m
}

// value is the value of the option for m and the n-1 ports that follow it.
func (m Mapping) value(n int) string {
	text := fmt.Sprintf("%s:%s/%s", portRange{m.HostPort, m.HostPort + n - 1}, portRange{m.Port, m.Port + n - 1}, m.Protocol)
	switch {
	case !m.HostIP.IsValid():
		return text
	case m.HostIP.Is6():
		return "[" + m.HostIP.String() + "]:" + text
	}
	return m.HostIP.String() + ":" + text
}

// String returns the range as the option has it.
func (r portRange) String() string {
	if r.first == r.last {
		return fmt.Sprint(r.first)
	}
	return fmt.Sprintf("%d-%d", r.first, r.last)
}
