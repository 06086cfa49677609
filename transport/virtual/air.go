package virtual

import "time"

// AirConfig configures an Air. The zero value works.
type AirConfig struct {
	// Seed is where all that is random on this air comes from, LE Rand included: the same seed gives the
	// same numbers. If zero, 1.
	Seed uint64
	// Instant makes nobody wait for a turn: an advertiser is heard as soon as somebody listens, and
	// what is sent on a link arrives at once. Time-outs keep their length. If false, things happen at advertising
	// and connection events.
	Instant bool
	// Trace hears what goes over the air. It is called in order and with the air held, so it must
	// return soon and call nothing of this package. If nil, nobody hears.
	Trace func(Trace)
}

// An Air is the space in which controllers hear each other.
type Air struct{}

// NewAir makes an empty air. In a testing/synctest bubble, make it inside.
func NewAir(config AirConfig) *Air { return &Air{} }

// NewController puts a controller on the air, powered off until Conn is called.
func (a *Air) NewController(config ControllerConfig) *Controller { return &Controller{} }

// Close powers every controller off. Nothing of the air runs afterwards. It may be called more than once, and
// the error is always nil.
func (a *Air) Close() error { return nil }

// A Trace is something that went over the air.
type Trace struct {
	Time     time.Duration // since the air was made
	From, To string        // names of controllers; To is empty for what all hear
	PDU      string        // the specification's name: "ADV_IND", "LL_ENC_REQ", "LL Data start"
	Detail   string        // what is in it, for people; never a key
}

// String is a line for people.
func (t Trace) String() string { return "" }
