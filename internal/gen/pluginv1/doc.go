// SPDX-License-Identifier: Apache-2.0

// Package pluginv1 is generated from proto/nsrun/plugin/v1/plugin.proto by
// scripts/generate. Only internal/wire imports it.
package pluginv1
