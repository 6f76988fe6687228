// SPDX-License-Identifier: Apache-2.0

package wire

import (
	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
)

func descriptorTo(d *ns.Descriptor) *pb.Descriptor {
	if d == nil {
		return nil
	}
	return &pb.Descriptor{
		Name:     d.Name,
		Version:  d.Version,
		Summary:  d.Summary,
		Kinds:    texts[string](d.Kinds),
		Options:  each(d.Options, optionTo),
		Hooks:    texts[string](d.Hooks),
		Features: d.Features,
		Requires: d.Requires,
	}
}

func optionTo(o ns.Option) *pb.Option {
	return &pb.Option{
		Name:       o.Name,
		Short:      o.Short,
		Type:       string(o.Type),
		Args:       o.Args,
		Help:       o.Help,
		Default:    o.Default,
		Enum:       o.Enum,
		Repeated:   o.Repeated,
		Required:   o.Required,
		Sensitive:  o.Sensitive,
		Deprecated: o.Deprecated,
		Env:        o.Env,
	}
}

func requestTo(r *ns.Request) *pb.NegotiateRequest {
	return &pb.NegotiateRequest{
		Plugin:   r.Plugin,
		Owns:     texts[string](r.Owns),
		Kinds:    texts[string](r.Kinds),
		Settings: each(r.Settings, settingTo),
		Facts:    factsTo(r.Facts),
	}
}

func reviewTo(r *ns.ReviewRequest) *pb.ReviewRequest {
	return &pb.ReviewRequest{
		Request:  requestTo(&r.Request),
		Plan:     r.Plan,
		Members:  each(r.Members, memberTo),
		Command:  r.Command,
		User:     r.User,
		NewPrivs: r.NewPrivs,
	}
}

func memberTo(m ns.ReviewMember) *pb.Member {
	return &pb.Member{
		Name:     m.Name,
		Path:     m.Path,
		System:   m.System,
		Owns:     texts[string](m.Owns),
		Settings: each(m.Settings, settingTo),
	}
}

func settingTo(s ns.Setting) *pb.Setting {
	return &pb.Setting{Option: s.Option, Args: s.Args}
}

func factsTo(f ns.Facts) *pb.Facts {
	return &pb.Facts{
		Uid:      uint32(f.UID),
		Gid:      uint32(f.GID),
		UserName: utf8(f.UserName),
		Dir:      utf8(f.Dir),
		Kernel:   utf8(f.Kernel),
		Hostname: utf8(f.Hostname),
	}
}

func offerTo(o *ns.Offer) *pb.Offer {
	if o == nil {
		return &pb.Offer{}
	}
	return &pb.Offer{
		Kinds:       texts[string](o.Kinds),
		Keeps:       texts[string](o.Keeps),
		Joins:       each(o.Joins, joinTo),
		Wants:       texts[string](o.Wants),
		IdMap:       idMapTo(o.IDMap),
		Steps:       each(o.Steps, stepTo),
		Claims:      o.Claims,
		Env:         each(o.Env, envTo),
		Hooks:       texts[string](o.Hooks),
		Pin:         texts[string](o.Pin),
		Diagnostics: diagnosticsTo(o.Diagnostics),
		Freshness:   freshnessTo(o.Freshness),
	}
}

func joinTo(j ns.Join) *pb.Join { return &pb.Join{Kind: string(j.Kind), Source: j.Source} }

func freshnessTo(f *ns.Freshness) *pb.Freshness {
	if f == nil {
		return nil
	}
	return &pb.Freshness{Files: f.Files}
}

func stepTo(s ns.Step) *pb.Step {
	return &pb.Step{
		Op:       string(s.Op),
		Phase:    string(s.Phase),
		Source:   s.Source,
		Target:   s.Target,
		FsType:   s.FSType,
		Attrs:    texts[string](s.Attrs),
		Data:     s.Data,
		Mode:     s.Mode,
		IfExists: s.IfExists,
	}
}

func envTo(e ns.EnvVar) *pb.EnvVar { return &pb.EnvVar{Name: e.Name, Value: e.Value} }

func idMapTo(m *ns.IDMap) *pb.IDMap {
	if m == nil {
		return nil
	}
	return &pb.IDMap{
		Uids:          each(m.UIDs, extentTo),
		Gids:          each(m.GIDs, extentTo),
		DenySetgroups: m.DenySetgroups,
		Helpers:       m.Helpers,
		Direct:        m.Direct,
	}
}

func extentTo(e ns.Extent) *pb.Extent {
	return &pb.Extent{Inside: e.Inside, Outside: e.Outside, Size: e.Size}
}

func runTo(r *ns.HookRequest) *pb.Run {
	return &pb.Run{
		Id:       r.RunID,
		Name:     r.RunName,
		Plugin:   r.Plugin,
		Pid:      uint32(r.PID),
		Paths:    pathsTo(r.Paths),
		StateDir: r.StateDir,
		Request:  requestTo(&r.Request),
		IdMap:    idMapTo(r.IDMap),
		Plan:     r.Plan,
		Lifeline: r.Lifeline,
	}
}

func pathsTo(paths map[ns.Kind]string) map[string]string {
	out := make(map[string]string, len(paths))
	for kind, path := range paths {
		out[string(kind)] = path
	}
	return nonEmpty(out)
}

func replyTo(r *ns.HookReply) *pb.PreExecResponse {
	if r == nil {
		return &pb.PreExecResponse{}
	}
	return &pb.PreExecResponse{
		Steps:       each(r.Steps, stepTo),
		Env:         each(r.Env, envTo),
		Results:     r.Results,
		State:       r.State,
		Diagnostics: diagnosticsTo(r.Diagnostics),
		Helpers:     each(r.Helpers, helperTo),
	}
}

func updateTo(r *ns.HookRequest) *pb.UpdateRequest {
	return &pb.UpdateRequest{
		Run:    runTo(r),
		State:  r.State,
		Add:    each(r.Add, settingTo),
		Remove: each(r.Remove, settingTo),
	}
}

func updatedTo(r *ns.HookReply) *pb.UpdateResponse {
	if r == nil {
		return &pb.UpdateResponse{}
	}
	return &pb.UpdateResponse{
		Diagnostics: diagnosticsTo(r.Diagnostics),
		Settings:    each(r.Settings, settingTo),
		Results:     r.Results,
		State:       r.State,
	}
}

func helperTo(h ns.Helper) *pb.Helper { return &pb.Helper{Name: h.Name, Pid: uint32(h.PID)} }

func diagnosticsTo(ds []ns.Diagnostic) []*pb.Diagnostic { return each(ds, diagnosticTo) }

// diagnosticTo leaves out who speaks: nsrun knows whom it asked. Texts may hold
// what a program printed, so they are made UTF-8.
func diagnosticTo(d ns.Diagnostic) *pb.Diagnostic {
	return &pb.Diagnostic{
		Severity: string(d.Severity),
		Summary:  utf8(d.Summary),
		Detail:   utf8(d.Detail),
		Hint:     utf8(d.Hint),
		Option:   utf8(d.Option),
		Errno:    uint32(d.Errno),
	}
}
