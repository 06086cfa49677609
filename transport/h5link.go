package transport

import (
	"fmt"
	"time"
)

const (
	// h5Beat is how often SYNC and CONF are repeated until they are answered.
	h5Beat = 250 * time.Millisecond
	// h5WakeBeat is how often WAKEUP is.
	h5WakeBeat = 10 * time.Millisecond
	// h5Resend is how long a packet waits for its acknowledgement until it is sent again. Peers hold a lone
	// acknowledgement back for up to 250 ms, which with its way here is more than 250 ms.
	h5Resend = 300 * time.Millisecond
	// h5Timeout is the usual LinkTimeout.
	h5Timeout = 5 * time.Second
	// h5MaxRefused is how often a packet that contradicts itself may come again until the link is given up. One
	// that was damaged on the way comes right the next time.
	h5MaxRefused = 8

	h5MaxWindow    = 7
	h5UsualWindow  = 4
	h5BitsPerOctet = 10 // on the line, with start and stop bit
)

// An h5message is the beginning of a link control packet; the first two may have a configuration octet behind it
// (Vol 4, Part D, 8 and 9).
type h5message [2]byte

var (
	h5Sync    = h5message{0x01, 0x7E}
	h5SyncRsp = h5message{0x02, 0x7D}
	h5Conf    = h5message{0x03, 0xFC}
	h5ConfRsp = h5message{0x04, 0x7B}
	h5Wakeup  = h5message{0x05, 0xFA}
	h5Woken   = h5message{0x06, 0xF9}
	h5Sleep   = h5message{0x07, 0x78}
)

// An h5state is how far link establishment has come (Vol 4, Part D, 8).
type h5state string

const (
	h5Uninitialized h5state = "uninitialized" // SYNC is sent until SYNC RESPONSE comes
	h5Initialized   h5state = "initialized"   // CONFIG is sent until CONFIG RESPONSE comes
	h5Active        h5state = "active"        // packets flow; ends with SYNC
)

// octet is the link's configuration octet.
func (c H5Link) octet() byte {
	b := byte(c.Window)
	if c.SoftwareFlow {
		b |= 1 << 3
	}
	if c.CRC {
		b |= 1 << 4
	}
	return b
}

// meet returns what is left of c with a peer whose configuration octet is b.
func (c H5Link) meet(b byte) H5Link {
	return H5Link{
		Window:       min(c.Window, max(1, int(b&7))),
		SoftwareFlow: c.SoftwareFlow && b&(1<<3) != 0,
		CRC:          c.CRC && b&(1<<4) != 0,
	}
}

// An h5link is one end of a three-wire link without its line: octets go in through receive and come out through
// output, and time is told to it. An error ends it. Owner: whoever calls it; it does not wait.
type h5link struct {
	// Set before the first call.
	offer   H5Link                              // what this end can do
	ours    byte                                // the packet type that only this end sends
	timeout time.Duration                       // without progress the link is given up
	sleep   time.Duration                       // this end sleeps after; 0 is never
	baud    int                                 // of the line; 0 is not known
	deliver func(typ byte, payload []byte) bool // takes a packet that came; false is no room
	late    func() bool                         // there is hardly room for what a window may bring
	release func(slot []byte)                   // takes the memory of a submitted packet back
	// lineErrors tells, for the errors that end the link, what the line has counted.
	lineErrors func() LineErrors

	state  h5state
	agreed H5Link
	heard  bool // agreed has the peer's word
	slip   slipDecoder

	answerSync, answerConf, answerWake bool
	confOctet                          bool      // the CONFIG to answer had a configuration octet
	beat                               time.Time // when the next SYNC, CONFIG or WAKEUP is due

	sender   h5sender
	loose    [][]byte // submitted, unreliable: sent once
	expected byte     // the sequence number of the next reliable packet to come
	ack      byte     // what was acknowledged: expected, or less while the reader is late
	ackDue   bool
	refused  int // how often the expected packet was refused in a row for what it is

	asleep bool      // one end has said SLEEP, and nothing came since
	quiet  time.Time // when the last packet came or went

	writing      bool      // the octets of the last output are being written
	writingSince time.Time // meaningful while writing
	writingData  bool      // a reliable packet is among them
	lineFree     time.Time // when the line will have sent all that was written
	waitingSince time.Time // packets wait, and none was acknowledged since; zero if none waits

	counters H5Counters
}

// start puts the link into its first state.
func (l *h5link) start(now time.Time) {
	l.state, l.beat = h5Uninitialized, now
	l.forget()
}

// forget drops what the peer said: it may be another than before.
func (l *h5link) forget() {
	l.agreed, l.heard = l.offer, false
	l.slip.flow, l.slip.held = false, false
}

// terms returns what was agreed on; with a peer that said nothing, the least.
func (l *h5link) terms() H5Link {
	if !l.heard {
		return H5Link{Window: 1}
	}
	return l.agreed
}

// hear takes note of a peer's configuration.
func (l *h5link) hear(config []byte) {
	if len(config) > 0 {
		l.agreed, l.heard = l.agreed.meet(config[0]), true
		l.slip.flow = l.agreed.SoftwareFlow
		l.slip.held = l.slip.held && l.slip.flow
	}
}

// failure is the end of the link.
func (l *h5link) failure(err error, cause string, args ...any) error {
	l.counters.Damaged += l.slip.damaged
	l.slip.damaged = 0
	l.counters.Line = l.lineErrors()
	return &H5Error{Cause: fmt.Sprintf(cause, args...), Counters: l.counters, Err: err}
}

// tick lets time pass.
func (l *h5link) tick(now time.Time) error {
	switch {
	case l.writing && now.Sub(l.writingSince) >= l.timeout:
		return l.failure(ErrGone, "the line took nothing for %v", l.timeout)
	case !l.waitingSince.IsZero() && now.Sub(l.waitingSince) >= l.timeout:
		return l.failure(ErrGone, "%s for %v", l.silence(), l.timeout)
	}
	l.sender.tick(now)
	return nil
}

// silence says what the peer does not do, while something waits.
func (l *h5link) silence() string {
	switch {
	case l.slip.held:
		return "the controller holds us up by XOFF"
	case l.state == h5Active && l.asleep:
		return "no answer to WAKEUP"
	case l.state == h5Active:
		return "no acknowledgement"
	case l.counters.Octets == 0:
		return "nothing came in answer to SYNC"
	case l.counters.Frames == 0:
		return "octets came but no frame, as at a wrong rate or parity, or from a controller that talks H4"
	case l.state == h5Uninitialized:
		return "no SYNC RESPONSE"
	}
	return "no CONFIG RESPONSE"
}

// deadline returns when tick and output want to be called next; zero is not by time.
func (l *h5link) deadline() (first time.Time) {
	by := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	if l.writing {
		by(l.writingSince.Add(l.timeout))
	}
	if !l.waitingSince.IsZero() {
		by(l.waitingSince.Add(l.timeout))
	}
	if !l.sender.resend.IsZero() {
		by(l.sender.resend)
	}
	if l.writing || l.slip.held {
		return first
	}
	switch {
	case l.state != h5Active || l.asleep && l.waits():
		by(l.beat)
	case l.mayRest():
		by(l.quiet.Add(l.sleep))
	}
	return first
}

// waits reports whether packets wait, to be sent or to be acknowledged.
func (l *h5link) waits() bool { return l.sender.count > 0 || len(l.loose) > 0 }

// mayRest reports whether this end sleeps when it stays quiet.
func (l *h5link) mayRest() bool {
	return l.sleep > 0 && l.state == h5Active && !l.asleep && !l.ackDue && !l.waits()
}

// submit takes a packet to send, with its type in the first octet. Of all that were submitted, h5MaxWindow at most may
// not have been released yet.
func (l *h5link) submit(slot []byte, now time.Time) {
	if !l.waits() {
		l.waitingSince = now
	}
	if slot[0] == SCO { // the only HCI packets that are worth nothing when late
		l.loose = append(l.loose, slot)
		return
	}
	l.sender.add(slot)
}

// output appends the octets to send now, not more than one packet of HCI among them. After any, wrote must be called
// before output is called again.
func (l *h5link) output(b []byte, now time.Time) []byte {
	if l.slip.held || l.writing {
		return b
	}
	before := len(b)
	b = l.answers(b)
	switch due := !now.Before(l.beat); {
	case l.state == h5Uninitialized:
		if due {
			b = l.control(b, h5Sync)
			l.beat = now.Add(h5Beat)
		}
	case l.state == h5Initialized:
		if due {
			b = l.control(b, h5Conf, l.offer.octet())
			l.beat = now.Add(h5Beat)
		}
	case l.asleep && l.waits():
		if due {
			b = l.control(b, h5Wakeup)
			l.beat = now.Add(h5WakeBeat)
		}
	case l.mayRest() && now.Sub(l.quiet) >= l.sleep:
		b = l.control(b, h5Sleep)
		l.asleep = true
	default:
		b = l.data(b, now)
	}
	if n := len(b) - before; n > 0 {
		l.writing, l.writingSince = true, now
		l.occupy(n, now)
	}
	return b
}

// answers appends what the peer's messages ask for.
func (l *h5link) answers(b []byte) []byte {
	if l.answerSync {
		b = l.control(b, h5SyncRsp)
	}
	if l.answerConf {
		if l.confOctet {
			b = l.control(b, h5ConfRsp, l.agreed.octet())
		} else {
			b = l.control(b, h5ConfRsp)
		}
	}
	if l.answerWake {
		b = l.control(b, h5Woken)
	}
	l.answerSync, l.answerConf, l.answerWake = false, false, false
	return b
}

// control appends a link control packet: never reliable, numbered or checked.
func (l *h5link) control(b []byte, m h5message, config ...byte) []byte {
	var payload [3]byte
	p := append(append(payload[:0], m[:]...), config...)
	return h5packet{typ: h5LinkControl, payload: p}.appendTo(b, l.slip.flow)
}

// data appends the next packet of HCI, or else an acknowledgement if one is due.
func (l *h5link) data(b []byte, now time.Time) []byte {
	if !l.late() {
		l.ack = l.expected
	}
	terms := l.terms()
	p := h5packet{ack: l.ack, crc: terms.CRC}
	if len(l.loose) > 0 {
		slot := l.loose[0]
		p.typ, p.payload = slot[0], slot[1:]
		b = p.appendTo(b, terms.SoftwareFlow)
		l.loose = append(l.loose[:0], l.loose[1:]...)
		l.release(slot)
		if !l.waits() {
			l.waitingSince = time.Time{}
		}
	} else if slot, seq, again := l.sender.next(terms.Window); slot != nil {
		p.seq, p.reliable, p.typ, p.payload = seq, true, slot[0], slot[1:]
		b = p.appendTo(b, terms.SoftwareFlow)
		l.writingData = true
		if again {
			l.counters.Resent++
		}
	} else if l.ackDue {
		b = p.appendTo(b, terms.SoftwareFlow)
	} else {
		return b
	}
	l.ackDue, l.quiet = false, now
	return b
}

// occupy takes note that n octets more are on the line.
func (l *h5link) occupy(n int, now time.Time) {
	if l.lineFree.Before(now) {
		l.lineFree = now
	}
	if l.baud > 0 {
		l.lineFree = l.lineFree.Add(time.Duration(n) * h5BitsPerOctet * time.Second / time.Duration(l.baud))
	}
}

// wrote says that the octets of the last output were written.
func (l *h5link) wrote(now time.Time) {
	l.writing = false
	if l.writingData {
		l.writingData = false
		l.sender.arm(l.later(now))
	}
}

// later is when to send again what is on its way now.
func (l *h5link) later(now time.Time) time.Time {
	if now.Before(l.lineFree) {
		now = l.lineFree
	}
	return now.Add(h5Resend)
}

// progress takes note that packets were acknowledged.
func (l *h5link) progress(now time.Time) {
	l.waitingSince = time.Time{}
	if l.waits() {
		l.waitingSince = now
	}
}
