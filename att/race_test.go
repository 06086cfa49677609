//go:build race

package att_test

// raceEnabled tells that the race detector is on, which allocates where the code does not.
const raceEnabled = true
