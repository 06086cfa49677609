package gap

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait before trying again: First, then twice as long each time, up to Max, each
// made longer or shorter by chance so that many boxes do not try in step.
type Backoff struct {
	First  time.Duration // if zero, 1 s
	Max    time.Duration // if zero, 5 min
	Jitter float64       // part of the delay by which it varies, either way; if zero, 0.2; if negative, none
}

func (b Backoff) withDefaults() Backoff {
	if b.First <= 0 {
		b.First = time.Second
	}
	if b.Max <= 0 {
		b.Max = 5 * time.Minute
	}
	b.Max = max(b.Max, b.First)
	if b.Jitter == 0 {
		b.Jitter = 0.2
	}
	b.Jitter = min(max(b.Jitter, 0), 1)
	return b
}

// Delay is the wait before attempt n, counted from 1; never more than Max.
func (b Backoff) Delay(n int) time.Duration {
	b = b.withDefaults()
	d := b.First
	for ; n > 1 && d < b.Max; n-- {
		d *= 2
	}
	d = min(d, b.Max)
	d += time.Duration(float64(d) * b.Jitter * (2*rand.Float64() - 1))
	return min(d, b.Max)
}
