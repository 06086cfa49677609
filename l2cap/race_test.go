//go:build race

package l2cap

// raceEnabled: the race detector allocates, so allocations are not counted under it.
const raceEnabled = true
