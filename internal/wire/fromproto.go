// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"syscall"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
)

func descriptorFrom(d *pb.Descriptor) *ns.Descriptor {
	return &ns.Descriptor{
		Name:     d.GetName(),
		Version:  d.GetVersion(),
		Summary:  d.GetSummary(),
		Kinds:    texts[ns.Kind](d.GetKinds()),
		Options:  each(d.GetOptions(), optionFrom),
		Hooks:    texts[ns.Point](d.GetHooks()),
		Features: d.GetFeatures(),
		Requires: d.GetRequires(),
	}
}

func optionFrom(o *pb.Option) ns.Option {
	return ns.Option{
		Name:       o.GetName(),
		Short:      o.GetShort(),
		Type:       ns.OptionType(o.GetType()),
		Args:       o.GetArgs(),
		Help:       o.GetHelp(),
		Default:    o.GetDefault(),
		Enum:       o.GetEnum(),
		Repeated:   o.GetRepeated(),
		Required:   o.GetRequired(),
		Sensitive:  o.GetSensitive(),
		Deprecated: o.GetDeprecated(),
		Env:        o.GetEnv(),
	}
}

func requestFrom(r *pb.NegotiateRequest) *ns.Request {
	return &ns.Request{
		Plugin:   r.GetPlugin(),
		Owns:     texts[ns.Kind](r.GetOwns()),
		Kinds:    texts[ns.Kind](r.GetKinds()),
		Settings: each(r.GetSettings(), settingFrom),
		Facts:    factsFrom(r.GetFacts()),
	}
}

func reviewFrom(r *pb.ReviewRequest) *ns.ReviewRequest {
	return &ns.ReviewRequest{
		Request:  *requestFrom(r.GetRequest()),
		Plan:     r.GetPlan(),
		Members:  each(r.GetMembers(), memberFrom),
		Command:  r.GetCommand(),
		User:     r.GetUser(),
		NewPrivs: r.GetNewPrivs(),
	}
}

func memberFrom(m *pb.Member) ns.ReviewMember {
	return ns.ReviewMember{
		Name:     m.GetName(),
		Path:     m.GetPath(),
		System:   m.GetSystem(),
		Owns:     texts[ns.Kind](m.GetOwns()),
		Settings: each(m.GetSettings(), settingFrom),
	}
}

func settingFrom(s *pb.Setting) ns.Setting {
	return ns.Setting{Option: s.GetOption(), Args: s.GetArgs()}
}

func factsFrom(f *pb.Facts) ns.Facts {
	return ns.Facts{
		UID:      int(f.GetUid()),
		GID:      int(f.GetGid()),
		UserName: f.GetUserName(),
		Dir:      f.GetDir(),
		Kernel:   f.GetKernel(),
		Hostname: f.GetHostname(),
	}
}

func offerFrom(o *pb.Offer) *ns.Offer {
	return &ns.Offer{
		Kinds:       texts[ns.Kind](o.GetKinds()),
		Keeps:       texts[ns.Kind](o.GetKeeps()),
		Joins:       each(o.GetJoins(), joinFrom),
		Wants:       texts[ns.Kind](o.GetWants()),
		IDMap:       idMapFrom(o.GetIdMap()),
		Steps:       each(o.GetSteps(), stepFrom),
		Claims:      o.GetClaims(),
		Env:         each(o.GetEnv(), envFrom),
		Hooks:       texts[ns.Point](o.GetHooks()),
		Pin:         texts[ns.Kind](o.GetPin()),
		Diagnostics: diagnosticsFrom(o.GetDiagnostics()),
		Freshness:   freshnessFrom(o.GetFreshness()),
	}
}

func joinFrom(j *pb.Join) ns.Join { return ns.Join{Kind: ns.Kind(j.GetKind()), Source: j.GetSource()} }

func freshnessFrom(f *pb.Freshness) *ns.Freshness {
	if f == nil {
		return nil
	}
	return &ns.Freshness{Files: f.GetFiles()}
}

func stepFrom(s *pb.Step) ns.Step {
	return ns.Step{
		Op:       ns.Op(s.GetOp()),
		Phase:    orDefault(ns.Phase(s.GetPhase()), "setup"),
		Source:   s.GetSource(),
		Target:   s.GetTarget(),
		FSType:   s.GetFsType(),
		Attrs:    texts[ns.Attr](s.GetAttrs()),
		Data:     s.GetData(),
		Mode:     s.GetMode(),
		IfExists: s.GetIfExists(),
	}
}

func envFrom(e *pb.EnvVar) ns.EnvVar { return ns.EnvVar{Name: e.GetName(), Value: e.GetValue()} }

func idMapFrom(m *pb.IDMap) *ns.IDMap {
	if m == nil {
		return nil
	}
	return &ns.IDMap{
		UIDs:          each(m.GetUids(), extentFrom),
		GIDs:          each(m.GetGids(), extentFrom),
		DenySetgroups: m.GetDenySetgroups(),
		Helpers:       m.GetHelpers(),
		Direct:        m.GetDirect(),
	}
}

func extentFrom(e *pb.Extent) ns.Extent {
	return ns.Extent{Inside: e.GetInside(), Outside: e.GetOutside(), Size: e.GetSize()}
}

func hookFrom(r *pb.Run) *ns.HookRequest {
	return &ns.HookRequest{
		Plugin:   r.GetPlugin(),
		RunID:    r.GetId(),
		RunName:  r.GetName(),
		PID:      int(r.GetPid()),
		Paths:    pathsFrom(r.GetPaths()),
		StateDir: r.GetStateDir(),
		Request:  *requestFrom(r.GetRequest()),
		IDMap:    idMapFrom(r.GetIdMap()),
		Plan:     r.GetPlan(),
		Lifeline: r.GetLifeline(),
	}
}

func pathsFrom(paths map[string]string) map[ns.Kind]string {
	out := make(map[ns.Kind]string, len(paths))
	for kind, path := range paths {
		out[ns.Kind(kind)] = path
	}
	return nonEmpty(out)
}

func replyFrom(r *pb.PreExecResponse) *ns.HookReply {
	return &ns.HookReply{
		Steps:       each(r.GetSteps(), stepFrom),
		Env:         each(r.GetEnv(), envFrom),
		Results:     nonEmpty(r.GetResults()),
		State:       r.GetState(),
		Diagnostics: diagnosticsFrom(r.GetDiagnostics()),
		Helpers:     each(r.GetHelpers(), helperFrom),
	}
}

func updateFrom(r *pb.UpdateRequest) *ns.HookRequest {
	hook := hookFrom(r.GetRun())
	hook.Point, hook.State = ns.Update, r.GetState()
	hook.Add, hook.Remove = each(r.GetAdd(), settingFrom), each(r.GetRemove(), settingFrom)
	return hook
}

func updatedFrom(r *pb.UpdateResponse) *ns.HookReply {
	return &ns.HookReply{
		Diagnostics: diagnosticsFrom(r.GetDiagnostics()),
		Settings:    each(r.GetSettings(), settingFrom),
		Results:     nonEmpty(r.GetResults()),
		State:       r.GetState(),
	}
}

func helperFrom(h *pb.Helper) ns.Helper { return ns.Helper{Name: h.GetName(), PID: int(h.GetPid())} }

func diagnosticsFrom(ds []*pb.Diagnostic) []ns.Diagnostic { return each(ds, diagnosticFrom) }

// diagnosticFrom makes the texts fit for a terminal: they come from a program
// that nsrun doesn't trust with its user's screen.
func diagnosticFrom(d *pb.Diagnostic) ns.Diagnostic {
	return ns.Diagnostic{
		Severity: orDefault(ns.Severity(d.GetSeverity()), "error"),
		Summary:  Printable(d.GetSummary()),
		Detail:   Printable(d.GetDetail()),
		Hint:     Printable(d.GetHint()),
		Option:   Printable(d.GetOption()),
		Errno:    syscall.Errno(d.GetErrno()),
	}
}

// orDefault returns the zero value for name, under which SPEC.md spells it.
func orDefault[T ~string](value, name T) T {
	if value == name {
		return ""
	}
	return value
}
