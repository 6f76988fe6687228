// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// attachment is one sandbox's place in one network, with all that is needed to
// undo it. It is written down before anything is done, and handed from PreExec
// to PostExec.
type attachment struct {
	// RunID is the CNI container id, by which everything on the host is found.
	RunID string `json:"runId"`
	// Network is the network's name, Conf the whole configuration, as it was when
	// the sandbox was attached: the file may have changed since.
	Network string          `json:"network"`
	Conf    json.RawMessage `json:"conf"`
	// NetNS is the path of the network namespace, Interface the name in it.
	NetNS     string `json:"netns"`
	Interface string `json:"interface"`
	// Capabilities are what the user asked for, by capability; SPEC of CNI,
	// "Dynamic configuration".
	Capabilities map[string]json.RawMessage `json:"capabilities,omitempty"`
	// BinDirs are where the CNI plugins are.
	BinDirs binDirs `json:"binDirs"`
	// Dir is where this attachment keeps its files.
	Dir string `json:"dir"`
	// Whole says that the ADD of each plugin has succeeded. What is written down before
	// doesn't say so.
	Whole bool `json:"whole,omitempty"`
	// Guest is how the sandbox reaches a name server on the host's loopback, or nil.
	Guest *bridge.Guest `json:"guest,omitempty"`
}

// Waits and limits.
const (
	// retryFirst and retryMost bound the pause before a plugin that said "try
	// again later" is called again.
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
	// undoTime is what an undo may take after the time for attaching has run out.
	undoTime = 10 * time.Second
	// descendantTime is how long an undo waits for plugins of a killed attach.
	descendantTime = 5 * time.Second
)

// recordFile is where an attachment is written down, in its directory.
const recordFile = "attachment.json"

// undoingFile is there, beside it, once an undo has begun.
const undoingFile = "undoing"

// save writes the attachment down.
func (a *attachment) save() error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode attachment: %w", err)
	}
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.Dir, recordFile), data, 0o600)
}

// decodeAttachment reads what save wrote.
func decodeAttachment(data []byte) (*attachment, error) {
	var a attachment
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("decode attachment: %w", err)
	}
	return &a, nil
}

// add attaches the sandbox, and undoes what was done if that fails. While a
// plugin says "try again later" it is tried again, until ctx ends.
func (a *attachment) add(ctx context.Context) (*current.Result, error) {
	lock, err := a.lock()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		result, err := a.addOnce(ctx, lock)
		if err == nil {
			a.Whole = true
			return result, nil
		}
		// The specification wants a DEL after a failed ADD, which may have made a
		// part; the time for attaching may be over by now.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		undoErr := a.undo(undo, lock)
		cancel()
		if !tryAgain(err) || !sleep(ctx, pause) {
			return nil, errors.Join(err, undoErr)
		}
	}
}

// addOnce calls the plugins' STATUS, where the version has it, and ADD.
func (a *attachment) addOnce(ctx context.Context, lock *os.File) (*current.Result, error) {
	cni, list, err := a.cni(lock)
	if err != nil {
		return nil, err
	}
	if usesIPTables(list) {
		unlock, err := iptablesLock()
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	if err := cni.GetStatusNetworkList(ctx, list); err != nil {
		return nil, err
	}
	raw, err := cni.AddNetworkList(ctx, list, a.runtimeConf(a.NetNS))
	if err != nil {
		return nil, err
	}
	return current.NewResultFromResult(raw)
}

// tryAgain reports whether a plugin asked for another attempt.
func tryAgain(err error) bool {
	var e *cniError
	return errors.As(err, &e) && e.Reply.Code == types.ErrTryAgainLater
}

// sleep waits, and reports false when ctx ended or would end meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// remove detaches the sandbox and makes sure that nothing of it is left. It
// succeeds when there is nothing.
func (a *attachment) remove(ctx context.Context) error {
	lock, err := a.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := a.undo(ctx, lock); err != nil {
		return err
	}
	return os.RemoveAll(a.Dir)
}

// undo calls the plugins' DEL in reverse, and then looks for what is left.
func (a *attachment) undo(ctx context.Context, lock *os.File) error {
	netns, closeNS, err := liveNamespace(a.NetNS)
	if err != nil {
		return err
	}
	defer closeNS()
	cni, list, err := a.cni(lock)
	if err != nil {
		return err
	}
	// Without the directory of the run there is nowhere to put a result, and no
	// attach that can have made one.
	if lock != nil {
		if err := a.supplyResult(list); err != nil {
			return err
		}
	}
	rt := a.runtimeConf(netns)
	cutShort := a.hasBegunToUndo()
	delErr := cni.DelNetworkList(ctx, list, rt)
	if delErr != nil {
		cutShort = true
		delErr = a.detachment(cni, list, rt, lock).each(ctx)
	}
	return errors.Join(delErr, a.sweep(list, cutShort))
}

// hasBegunToUndo reports whether an undo has begun before, which was killed then or failed,
// and from now on says so. Where that can't be written down, it may have.
func (a *attachment) hasBegunToUndo() bool {
	f, err := os.OpenFile(filepath.Join(a.Dir, undoingFile), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return true
	}
	return f.Close() != nil
}

// sweep removes what carries the run's id after DEL, and returns an error for
// what it can't remove. The reference plugins report success when they could not
// see what to undo. A DEL that was cut short may have left a chain of iptables(8) also
// where ADD makes none: whatever the backend is, DEL makes the chain, to empty and delete
// it, and the next one doesn't do so again, since the interface is gone.
func (a *attachment) sweep(list *libcni.NetworkConfigList, cutShort bool) error {
	var errs []error
	for _, plugin := range list.Plugins {
		if dir, ok := leaseDir(list.Name, plugin); ok {
			errs = append(errs, dir.release(a.RunID))
		}
	}
	errs = append(errs, sweepNFTables(a.RunID))
	if cutShort || usesIPTables(list) {
		errs = append(errs, sweepIPTables(chainsOf(list.Name, a.RunID)))
	}
	return errors.Join(errs...)
}

// cni returns libcni's handle on the network.
func (a *attachment) cni(lock *os.File) (*libcni.CNIConfig, *libcni.NetworkConfigList, error) {
	list, err := libcni.NetworkConfFromBytes(a.Conf)
	if err != nil {
		return nil, nil, fmt.Errorf("read network %s: %w", a.Network, err)
	}
	return a.handle(a.Dir, lock), list, nil
}

// handle returns libcni's handle, which keeps results below cache.
func (a *attachment) handle(cache string, lock *os.File) *libcni.CNIConfig {
	return libcni.NewCNIConfigWithCacheDir(a.BinDirs, cache, &cniExec{dirs: a.BinDirs, held: lock})
}

// runtimeConf is what CNI calls the arguments of one invocation.
func (a *attachment) runtimeConf(netns string) *libcni.RuntimeConf {
	caps := make(map[string]any, len(a.Capabilities))
	for name, value := range a.Capabilities {
		caps[name] = value
	}
	return &libcni.RuntimeConf{ContainerID: a.RunID, NetNS: netns, IfName: a.Interface, CapabilityArgs: caps}
}

// lock keeps all other calls for this sandbox out. If this process is killed, its
// CNI plugins hold the lock until they end, so that an undo doesn't race with
// them. The caller closes the file to unlock.
//
// Without the run's directory there is nothing to lock, and the file is nil: no
// attach can have begun, since it writes its record there.
func (a *attachment) lock() (*os.File, error) {
	err := os.Mkdir(a.Dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(a.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	// A plugin may have left a daemon that holds the lock for ever. An undo must
	// come to an end all the same.
	nsnet.Flock(f, descendantTime)
	return f, nil
}
