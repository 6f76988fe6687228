// SPDX-License-Identifier: Apache-2.0

// Package helper is the part of the SDK for plugins that need a program of the
// system for the length of a run, as a network backend needs pasta(1).
//
// nsrun ends a plugin soon after the command has started, and kills its process
// group with it. A helper therefore gets a session of its own, and belongs to the
// run by its name: the first word of its arguments is "nsrun/RUN/NAME", which
// [Finish] finds again whatever became of the plugin that started it. Where nobody
// of nsrun is left to call PostExec, the kernel ends it: package lifeline. A plugin
// calls [Program.Find] when it negotiates, [Start] in PreExec and Finish in
// PostExec.
package helper
