//go:build race

package virtual

// raceDetector tells whether the race detector runs, which allocates.
const raceDetector = true
