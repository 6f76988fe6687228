// SPDX-License-Identifier: Apache-2.0

package ns

// Op says what a [Step] does. The set is closed: an unknown op is refused,
// never skipped.
type Op string

// The ops, and the fields of Step that each uses.
const (
	// OpPropagation sets the propagation of Target and all mounts below to Data
	// (private, slave); mount_setattr(2).
	OpPropagation Op = "propagation"
	// OpRootfs makes the directory Source the root that later targets are
	// resolved in. It is a host path; Attrs apply to the whole tree.
	OpRootfs Op = "rootfs"
	// OpPivot makes the root of OpRootfs the root directory and unmounts the old
	// one; pivot_root(2). Sources of the host are out of reach from here on.
	OpPivot Op = "pivot"
	// OpBind mounts the file or directory Source, and all mounts below it, on
	// Target with Attrs; open_tree(2), mount_setattr(2), move_mount(2).
	OpBind Op = "bind"
	// OpMount mounts a new file system FSType on Target with Attrs and the
	// options Data, comma-separated; fsopen(2), fsmount(2), move_mount(2).
	OpMount Op = "mount"
	// OpOverlay mounts the directory Source on Target, writable: what is written
	// goes to the directory Data, or to memory if Data is empty;
	// Documentation/filesystems/overlayfs.rst of the kernel.
	OpOverlay Op = "overlay"
	// OpMask hides the file or directory Target behind an empty one that can't be
	// written to.
	OpMask Op = "mask"
	// OpRemount gives Target, and all mounts below it, the attributes Attrs as
	// well; mount_setattr(2).
	OpRemount Op = "remount"
	// OpFile mounts a file with the content Data, or with that of Source as
	// [ParseSource] reads it, and the permission Mode on Target, read-only. It
	// lives in memory and dies with the namespace.
	OpFile Op = "file"
	// OpMkdir makes the directory Target, and those above it, with Mode. In the
	// host's own tree it is made in memory, for the run alone.
	OpMkdir Op = "mkdir"
	// OpSymlink makes Target a symbolic link to Data.
	OpSymlink Op = "symlink"
	// OpHostname and OpDomainname set the name of the UTS namespace to Data;
	// sethostname(2), setdomainname(2).
	OpHostname   Op = "hostname"
	OpDomainname Op = "domainname"
	// OpLinkUp sets the network interface Target up; netdevice(7).
	OpLinkUp Op = "link-up"
	// OpSysctl writes Data to /proc/sys/Target, where only net.* and kernel.*
	// keys that belong to a namespace of the run are allowed.
	OpSysctl Op = "sysctl"
	// OpInit keeps the first process of the PID namespace as its init, which
	// starts the command, reaps what it leaves and passes signals on.
	OpInit Op = "init"
	// OpTimeOffset sets the clock Target (monotonic, boottime) of the time namespace
	// Data nanoseconds ahead of the caller's, or behind; time_namespaces(7).
	OpTimeOffset Op = "time-offset"
	// OpRlimit sets the resource limit Target to Data, SOFT:HARD, as
	// [ParseRlimit] reads it; setrlimit(2).
	OpRlimit Op = "rlimit"
	// OpCaps leaves the command the capabilities Data at most, as [ParseCaps]
	// reads them; capabilities(7).
	OpCaps Op = "caps"
	// OpLandlock restricts the accesses Data to those that steps of the next two
	// ops allow; landlock(7).
	OpLandlock Op = "landlock"
	// OpLandlockPath allows the accesses Data (read, write, execute) to Target and
	// all below it.
	OpLandlockPath Op = "landlock-path"
	// OpLandlockPort allows Data (bind-tcp, connect-tcp) with the port Target.
	OpLandlockPort Op = "landlock-port"
	// OpSeccomp has the filter Data, as [EncodeFilter] writes it, decide about the
	// command's system calls; seccomp(2). With "log" before it and a space, calls
	// that it refuses are logged.
	OpSeccomp Op = "seccomp"
)

// ops says of which kind of namespace each op needs the run to have an own one.
// The last ones need none: they act on the command's process alone.
var ops = map[Op]Kind{
	OpPropagation: Mount, OpRootfs: Mount, OpPivot: Mount, OpBind: Mount,
	OpMount: Mount, OpFile: Mount, OpMkdir: Mount, OpSymlink: Mount,
	OpOverlay: Mount, OpMask: Mount, OpRemount: Mount,
	OpHostname: UTS, OpDomainname: UTS, OpLinkUp: Net, OpSysctl: "", OpInit: PID, OpTimeOffset: Time,
	OpRlimit: "", OpCaps: "", OpLandlock: "", OpLandlockPath: "", OpLandlockPort: "", OpSeccomp: "",
}

// Needs returns the kind of namespace that the run must have for op, and
// whether op is known. The kind is empty if op needs none. A sysctl needs the
// kind that its key belongs to, which [SysctlKind] tells.
func (op Op) Needs() (kind Kind, known bool) {
	kind, known = ops[op]
	return kind, known
}

// Confines reports whether op restricts the command's process, whatever the
// namespaces, so that a process that joins the run must be given the step too.
func (op Op) Confines() bool {
	switch op {
	case OpRlimit, OpCaps, OpLandlock, OpLandlockPath, OpLandlockPort, OpSeccomp:
		return true
	}
	return false
}

// Phase says when in the child's life a step is carried out.
type Phase string

const (
	// Setup, the zero value, is before the root is switched: sources are paths
	// of the host. Targets are paths of the new root.
	Setup Phase = ""
	// Inside is after the root was switched: all paths are those that the
	// command will see.
	Inside Phase = "inside"
)

// Step is one action inside the child, before it executes the command. Which
// fields an op uses stands with the op; the others must be empty.
type Step struct {
	Op       Op     `json:"op"`
	Phase    Phase  `json:"phase,omitempty"`
	Source   string `json:"source,omitempty"`
	Target   string `json:"target,omitempty"`
	FSType   string `json:"fsType,omitempty"`
	Attrs    []Attr `json:"attrs,omitempty"`
	Data     string `json:"data,omitempty"`
	Mode     uint32 `json:"mode,omitempty"`     // permission bits; 0 means 0755 for directories, 0644 for files
	IfExists bool   `json:"ifExists,omitempty"` // leave the step out if Source or Target doesn't exist
}

// Attr is an attribute of a mount, by its name in mount(8).
type Attr string

// The attributes; each is a MOUNT_ATTR_* of mount_setattr(2).
const (
	ReadOnly   Attr = "ro"
	NoSUID     Attr = "nosuid"
	NoDev      Attr = "nodev"
	NoExec     Attr = "noexec"
	NoAtime    Attr = "noatime"
	StrictTime Attr = "strictatime"
	// IDMapped shows what belongs to the id N of the file system as that of N inside, and
	// has what N makes inside belong to N there, by the map of the run's user namespace,
	// which the run must have. It is for OpRootfs and OpBind; MOUNT_ATTR_IDMAP.
	IDMapped Attr = "idmap"
)
