//go:build race

package gap_test

const (
	raceEnabled = true   // the race detector allocates
	burst       = 10_000 // values of TestBurst; it also takes ten times as long
)
