//go:build !race

package gap_test

const (
	raceEnabled = false
	burst       = 100_000
)
