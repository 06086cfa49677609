//go:build race

package smp

// raceEnabled: the race detector is slow and prints no keys, so that the tests are not run twice under it.
const raceEnabled = true
