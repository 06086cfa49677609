//go:build race

package gap_test

const raceEnabled = true // the race detector allocates
