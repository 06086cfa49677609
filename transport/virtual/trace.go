package virtual

import (
	"fmt"
	"time"
)

// A Trace is something that went over the air.
type Trace struct {
	Time     time.Duration // since the air was made
	From, To string        // names of controllers; To is empty for what all hear
	PDU      string        // the specification's name: "ADV_IND", "LL_ENC_REQ", "LL Data start"
	Detail   string        // what is in it, for people; never a key
}

// String is a line for people: "   12.500ms  phone -> oximeter  LL_ENC_REQ  EDIV 0x1234".
func (t Trace) String() string {
	to := t.To
	if to == "" {
		to = "all"
	}
	s := fmt.Sprintf("%10.3fms  %s -> %s  %s", float64(t.Time)/float64(time.Millisecond), t.From, to, t.PDU)
	if t.Detail != "" {
		s += "  " + t.Detail
	}
	return s
}

// traced tells whether anybody wants to hear. What is hot asks before it describes anything.
func (a *Air) traced() bool { return a.config.Trace != nil }

// trace tells what goes from one controller to another, or to all when to is nil.
func (a *Air) trace(from, to *Controller, pdu, format string, args ...any) {
	if !a.traced() {
		return
	}
	t := Trace{Time: a.now, From: from.name, PDU: pdu, Detail: fmt.Sprintf(format, args...)}
	if to != nil {
		t.To = to.name
	}
	a.config.Trace(t)
}
