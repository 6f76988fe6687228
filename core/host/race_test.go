// SPDX-License-Identifier: Apache-2.0

//go:build race

package host

// raceDetector says whether this is a build with the race detector.
const raceDetector = true
