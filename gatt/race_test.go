//go:build race

package gatt_test

// raceEnabled tells that the race detector is on, which allocates where the code does not.
const raceEnabled = true
