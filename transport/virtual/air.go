package virtual

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// AirConfig configures an Air. The zero value works.
type AirConfig struct {
	// Seed is where all that is random on this air comes from, LE Rand included: the same seed gives the
	// same numbers. If zero, 1.
	Seed uint64
	// Instant makes nobody wait for a turn: an advertiser is heard as soon as somebody listens, and
	// what is sent on a link arrives at once. Time-outs keep their length. If false, things happen at advertising
	// and connection events.
	Instant bool
	// Loss is the part of packets on air that get lost, 0 to 1. Links send again what was not acknowledged, for as long
	// as their supervision time-out; nobody sends an advertisement or a connect request again. If zero, none.
	Loss float64
	// Latency is the longest that it takes until a host can read what its controller tells it. How long it takes is up
	// to chance, and the order stays. If zero, no time.
	Latency time.Duration
	// Trace hears what goes over the air. It is called in order and with the air held, so it must
	// return soon and call nothing of this package. If nil, nobody hears.
	Trace func(Trace)
}

// An Air is the space in which controllers hear each other. It has no goroutine: what is to happen later is in
// its agenda, and one timer is set to the earliest entry.
type Air struct {
	config AirConfig
	epoch  time.Time // the air's time zero

	// mu holds the air and all of its controllers still. Whoever has it owns them, and waits for nothing else
	// than, in ReadPacket, the condition that gives it up.
	mu          sync.Mutex
	now         time.Duration // since epoch, of what is being done
	agenda      agenda
	timer       *time.Timer
	armed       time.Duration // what timer is set to; -1 for nothing
	random      *rand.Rand
	controllers []*Controller
	closed      bool
}

// NewAir makes an empty air. In a testing/synctest bubble, make it inside.
func NewAir(config AirConfig) *Air {
	if config.Seed == 0 {
		config.Seed = 1
	}
	a := &Air{config: config, epoch: time.Now(), armed: unset}
	a.random = rand.New(rand.NewPCG(config.Seed, config.Seed))
	return a
}

// Close powers every controller off. Nothing of the air runs afterwards. It may be called more than once, and
// the error is always nil.
func (a *Air) Close() error {
	a.enter()
	defer a.leave()
	a.closed = true
	for _, c := range a.controllers {
		c.powerOff(errClosed)
	}
	return nil
}

// Format implements fmt.Formatter: what is on an air may hold keys.
func (a *Air) Format(f fmt.State, _ rune) { io.WriteString(f, "virtual air") }

// enter takes the air and brings it up to the present.
func (a *Air) enter() {
	a.mu.Lock()
	a.catchUp()
}

// leave does what has become due at once, and lets the air go.
func (a *Air) leave() {
	a.run(a.now)
	a.arm()
	a.mu.Unlock()
}

// catchUp does what is due up to the present, each thing at its own time.
func (a *Air) catchUp() { a.run(time.Since(a.epoch)) }

// later is a pseudo-random time from zero up to, and not including, limit.
func (a *Air) later(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return time.Duration(a.random.Int64N(int64(limit)))
}
