// SPDX-License-Identifier: Apache-2.0

//go:build !race

package stage

// raceDetector says whether this is a build with the race detector.
const raceDetector = false
