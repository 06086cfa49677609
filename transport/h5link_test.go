package transport

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// An h5end is a link without a line, and a clock for it.
type h5end struct {
	h5link
	t     testing.TB
	now   time.Time
	got   [][]byte // delivered, with their types
	full  bool     // nobody reads, and there is no room
	slow  bool     // the reader is late
	freed int      // slots released
	line  LineErrors
	peer  slipDecoder
}

// newEnd returns a host's link that has not begun.
func newEnd(t testing.TB, cfg H5Config) *h5end {
	e := &h5end{h5link: cfg.link(), t: t, now: time.Unix(1000, 0)}
	e.ours = Command
	e.deliver = func(typ byte, payload []byte) bool {
		if !e.full {
			e.got = append(e.got, append([]byte{typ}, payload...))
		}
		return !e.full
	}
	e.lineErrors = func() LineErrors { return e.line }
	e.late = func() bool { return e.slow }
	e.release = func([]byte) { e.freed++ }
	e.start(e.now)
	return e
}

// active returns a host's link that is established with a peer whose CONFIG RESPONSE has this octet.
func active(t testing.TB, cfg H5Config, octet byte) *h5end {
	t.Helper()
	e := newEnd(t, cfg)
	e.out()
	e.in(control(h5SyncRsp))
	e.out()
	e.in(control(h5ConfRsp, octet))
	if e.state != h5Active {
		t.Fatalf("state %s", e.state)
	}
	if out := e.out(); len(out) != 0 {
		t.Fatalf("sent %+v", out)
	}
	return e
}

// in hands packets to the link.
func (e *h5end) in(packets ...h5packet) {
	e.t.Helper()
	for _, p := range packets {
		if err := e.receive(p.appendTo(nil, e.slip.flow), e.now); err != nil {
			e.t.Fatalf("%+v: %v", p, err)
		}
	}
}

// out takes all that the link has to send now, as if the line took it at once.
func (e *h5end) out() (packets []h5packet) {
	e.t.Helper()
	for {
		if err := e.tick(e.now); err != nil {
			e.t.Fatal(err)
		}
		b := e.output(nil, e.now)
		if len(b) == 0 {
			if d := e.deadline(); !d.IsZero() && !d.After(e.now) {
				e.t.Fatalf("nothing to do, but wants to be called at %v", d.Sub(e.now))
			}
			return packets
		}
		e.wrote(e.now)
		for _, frame := range unslip(&e.peer, b, len(b)) {
			p, err := parseH5(frame)
			if err != nil {
				e.t.Fatal(err)
			}
			p.payload = bytes.Clone(p.payload)
			packets = append(packets, p)
		}
	}
}

// wait lets time pass until the link wants to be called, at most d, and returns how long that was.
func (e *h5end) wait(d time.Duration) time.Duration {
	before := e.now
	if at := e.deadline(); !at.IsZero() && at.Before(e.now.Add(d)) {
		e.now = at
	} else {
		e.now = e.now.Add(d)
	}
	return e.now.Sub(before)
}

func (e *h5end) send(packets ...[]byte) {
	for _, p := range packets {
		e.submit(p, e.now)
	}
}

// brief writes packets as "SYNC", "CONF 04", "ack 3", "4:2/1", which is type 4 with number 2 and acknowledgement 1.
func brief(packets []h5packet) string {
	names := map[h5message]string{h5Sync: "SYNC", h5SyncRsp: "SYNC_RSP", h5Conf: "CONF", h5ConfRsp: "CONF_RSP",
		h5Wakeup: "WAKEUP", h5Woken: "WOKEN", h5Sleep: "SLEEP"}
	var list []string
	for _, p := range packets {
		switch {
		case p.typ == h5LinkControl:
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s % X", names[h5message(p.payload)], p.payload[2:])))
		case p.typ == h5Ack:
			list = append(list, fmt.Sprintf("ack %d", p.ack))
		case !p.reliable:
			list = append(list, fmt.Sprintf("%d:-/%d", p.typ, p.ack))
		default:
			list = append(list, fmt.Sprintf("%d:%d/%d", p.typ, p.seq, p.ack))
		}
	}
	return strings.Join(list, ", ")
}

func (e *h5end) wantOut(want string) {
	e.t.Helper()
	if got := brief(e.out()); got != want {
		e.t.Errorf("sent %q, want %q", got, want)
	}
}

// event returns a reliable packet from a controller.
func event(seq, ack byte) h5packet {
	return h5packet{seq: seq & 7, ack: ack & 7, reliable: true, typ: Event, payload: packet(Event, int(seq))[1:]}
}

func TestH5Establishment(t *testing.T) {
	e := newEnd(t, H5Config{})
	e.wantOut("SYNC")
	for range 3 { // until it is answered
		if d := e.wait(time.Hour); d != h5Beat {
			t.Errorf("SYNC again after %v", d)
		}
		e.wantOut("SYNC")
	}
	e.in(control(h5SyncRsp))
	e.wantOut("CONF 14") // window 4, data integrity check
	for range 3 {
		if d := e.wait(time.Hour); d != h5Beat {
			t.Errorf("CONF again after %v", d)
		}
		e.wantOut("CONF 14")
	}
	e.in(control(h5ConfRsp, 0x02))
	e.wantOut("")
	if d := e.deadline(); !d.IsZero() {
		t.Errorf("an idle link wants to be called at %v", d)
	}
	if got := e.terms(); got != (H5Link{Window: 2}) {
		t.Errorf("agreed on %+v", got)
	}
}

// What each message does in each state (Vol 4, Part D, 8 and 9).
func TestH5Messages(t *testing.T) {
	event := h5packet{reliable: true, typ: Event, payload: packet(Event, 0)[1:]}
	none := h5packet{typ: h5LinkControl}
	odd := h5packet{typ: h5LinkControl, payload: []byte{0x01, 0x7F}}
	tests := []struct {
		p      h5packet
		state  h5state
		answer string // beside SYNC or CONFIG of the state
		then   h5state
	}{
		{control(h5Sync), h5Uninitialized, "SYNC_RSP", h5Uninitialized},
		{control(h5SyncRsp), h5Uninitialized, "CONF 14", h5Initialized},
		{control(h5Conf, 4), h5Uninitialized, "", h5Uninitialized},
		{control(h5ConfRsp, 4), h5Uninitialized, "", h5Uninitialized},
		{control(h5Wakeup), h5Uninitialized, "", h5Uninitialized},
		{control(h5Woken), h5Uninitialized, "", h5Uninitialized},
		{control(h5Sleep), h5Uninitialized, "", h5Uninitialized},
		{event, h5Uninitialized, "", h5Uninitialized},
		{none, h5Uninitialized, "", h5Uninitialized},

		{control(h5Sync), h5Initialized, "SYNC_RSP", h5Initialized},
		{control(h5SyncRsp), h5Initialized, "", h5Initialized},
		{control(h5Conf, 4), h5Initialized, "CONF_RSP 04", h5Initialized},
		{control(h5Conf, 0x1F), h5Initialized, "CONF_RSP 14", h5Initialized},
		{control(h5Conf), h5Initialized, "CONF_RSP", h5Initialized},
		{control(h5ConfRsp, 4), h5Initialized, "", h5Active},
		{control(h5ConfRsp), h5Initialized, "", h5Active},
		{control(h5Wakeup), h5Initialized, "", h5Initialized},
		{control(h5Sleep), h5Initialized, "", h5Initialized},
		{event, h5Initialized, "", h5Initialized},
		{odd, h5Initialized, "", h5Initialized},

		{control(h5SyncRsp), h5Active, "", h5Active},
		{control(h5Conf, 4), h5Active, "CONF_RSP 04", h5Active},
		{control(h5Conf), h5Active, "CONF_RSP", h5Active},
		{control(h5ConfRsp, 4), h5Active, "", h5Active},
		{control(h5Wakeup), h5Active, "WOKEN", h5Active},
		{control(h5Woken), h5Active, "", h5Active},
		{control(h5Sleep), h5Active, "", h5Active},
		{event, h5Active, "ack 1", h5Active},
		{none, h5Active, "", h5Active},
		{odd, h5Active, "", h5Active},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s in %s", brief([]h5packet{{typ: tt.p.typ, payload: append(slices.Clone(tt.p.payload), 0, 0)}}), tt.state), func(t *testing.T) {
			e := newEnd(t, H5Config{})
			e.out()
			if tt.state != h5Uninitialized {
				e.in(control(h5SyncRsp))
				e.out()
			}
			if tt.state == h5Active {
				e.in(control(h5ConfRsp, 0x14))
			}
			e.in(tt.p)
			e.wantOut(tt.answer)
			if e.state != tt.then {
				t.Errorf("state %s, want %s", e.state, tt.then)
			}
		})
	}
}

// SYNC while active is a peer that was reset.
func TestH5PeerReset(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.in(event(0, 0))
	err := e.receive(control(h5Sync).appendTo(nil, false), e.now)
	var h *H5Error
	if !errors.Is(err, ErrPeerReset) || !errors.As(err, &h) || h.Counters.Frames != 4 {
		t.Fatalf("%v", err)
	}
	want := "H5 link: SYNC while active: the controller was reset under our feet " +
		"(34 octets and 4 frames received, 0 damaged, 0 packets sent again)"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestH5Terms(t *testing.T) {
	all := H5Config{Window: 7, SoftwareFlow: true}
	tests := []struct {
		name   string
		cfg    H5Config
		offer  byte
		config []byte // of CONFIG RESPONSE
		want   H5Link
	}{
		{"the usual with the same", H5Config{}, 0x14, []byte{0x14}, H5Link{4, true, false}},
		{"the usual with one that can do all", H5Config{}, 0x14, []byte{0x1F}, H5Link{4, true, false}},
		{"the usual with one that can do nothing", H5Config{}, 0x14, []byte{0x01}, H5Link{1, false, false}},
		{"no configuration octet", H5Config{}, 0x14, nil, H5Link{1, false, false}},
		{"window 0 is no window", H5Config{}, 0x14, []byte{0x00}, H5Link{1, false, false}},
		{"all with all, later version", all, 0x1F, []byte{0xFF}, H5Link{7, true, true}},
		{"no check wanted", H5Config{NoCRC: true}, 0x04, []byte{0x14}, H5Link{4, false, false}},
		{"software flow alone", H5Config{NoCRC: true, SoftwareFlow: true, Window: 1}, 0x09, []byte{0x1F}, H5Link{1, false, true}},
		{"window too large", H5Config{Window: 99}, 0x17, []byte{0x17}, H5Link{7, true, false}},
		{"window too small", H5Config{Window: -1}, 0x11, []byte{0x17}, H5Link{1, true, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEnd(t, tt.cfg)
			e.out()
			e.in(control(h5SyncRsp))
			if got := e.out(); len(got) != 1 || !bytes.Equal(got[0].payload, append(h5Conf[:], tt.offer)) {
				t.Errorf("offered %+v, want %02X", got, tt.offer)
			}
			e.in(control(h5ConfRsp, tt.config...))
			if got := e.terms(); got != tt.want {
				t.Errorf("agreed on %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Some controllers answer CONFIG without saying what they can do, and say it in a CONFIG of their own. Of two words the
// lower counts, and a peer that starts anew is asked anew.
func TestH5TermsFromConfig(t *testing.T) {
	e := newEnd(t, H5Config{})
	e.in(control(h5SyncRsp), control(h5Conf, 0x13), control(h5ConfRsp))
	if got := e.terms(); got != (H5Link{Window: 3, CRC: true}) {
		t.Errorf("from CONFIG before: %+v", got)
	}
	e = newEnd(t, H5Config{})
	e.in(control(h5SyncRsp), control(h5ConfRsp), control(h5Conf, 0x13))
	if got := e.terms(); got != (H5Link{Window: 3, CRC: true}) {
		t.Errorf("from CONFIG behind: %+v", got)
	}
	e = newEnd(t, H5Config{})
	e.in(control(h5SyncRsp), control(h5Conf, 0x13), control(h5ConfRsp, 0x04))
	if got := e.terms(); got != (H5Link{Window: 3}) {
		t.Errorf("from both: %+v", got)
	}
	e = newEnd(t, H5Config{SoftwareFlow: true})
	e.in(control(h5SyncRsp), control(h5Conf, 0x09), control(h5Sync))
	if e.heard || e.slip.flow {
		t.Error("what was heard outlived SYNC")
	}
	e.in(control(h5ConfRsp, 0x12))
	if got := e.terms(); got != (H5Link{Window: 2, CRC: true}) {
		t.Errorf("from its successor: %+v", got)
	}
}

// Two ends of ours agree, whoever begins and whatever they can do.
func TestH5BothEnds(t *testing.T) {
	for _, a := range []H5Config{{}, {Window: 1}, {Window: 7, NoCRC: true}, {Window: 7, SoftwareFlow: true}} {
		for _, b := range []H5Config{{}, {Window: 2, SoftwareFlow: true}, {NoCRC: true, SoftwareFlow: true}} {
			host, controller := newEnd(t, a), newEnd(t, b)
			controller.ours = Event
			for range 5 {
				controller.in(host.out()...)
				host.in(controller.out()...)
			}
			if host.state != h5Active || controller.state != h5Active || host.terms() != controller.terms() {
				t.Errorf("%+v with %+v: %s %+v and %s %+v", a, b,
					host.state, host.terms(), controller.state, controller.terms())
			}
		}
	}
}

// However often a peer says SYNC, one answer waits for the line.
func TestH5EndlessSync(t *testing.T) {
	e := newEnd(t, H5Config{})
	for range 10000 {
		e.in(control(h5Sync))
	}
	e.wantOut("SYNC_RSP, SYNC")
	for i := range 10000 {
		e.now = e.now.Add(time.Millisecond)
		e.in(control(h5Sync))
		out := e.out()
		if len(out) > 2 || (i+1)%250 == 0 && len(out) != 2 {
			t.Fatalf("after %d ms: %s", i+1, brief(out))
		}
	}
	e.in(control(h5SyncRsp))
	e.wantOut("CONF 14")
}

func TestH5WakesPeer(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.in(event(0, 0), control(h5Sleep))
	e.wantOut("") // not even the acknowledgement: it would have waited for it
	e.send(packet(Command, 0))
	e.wantOut("WAKEUP")
	for range 5 {
		if d := e.wait(time.Hour); d != h5WakeBeat {
			t.Errorf("WAKEUP again after %v", d)
		}
		e.wantOut("WAKEUP")
	}
	e.in(control(h5Woken))
	e.wantOut("1:0/1")
	e.in(h5packet{ack: 1}, control(h5Sleep))
	e.send(packet(Command, 1))
	e.wantOut("WAKEUP")
	e.in(event(1, 1)) // whoever sends is awake
	e.wantOut("1:1/2")
	e.in(h5packet{ack: 2}, control(h5Sleep), control(h5Wakeup))
	e.wantOut("WOKEN")
	e.send(packet(Command, 2))
	e.wantOut("1:2/2")
}

// A packet that a peer slept through is sent again only once it is awake.
func TestH5PeerSleepsInTheMiddle(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0))
	e.wantOut("1:0/0")
	e.in(control(h5Sleep))
	e.wantOut("WAKEUP")
	e.now = e.now.Add(h5Resend)
	e.wantOut("WAKEUP")
	e.in(control(h5Woken))
	e.wantOut("1:0/0")
}

func TestH5Sleeps(t *testing.T) {
	const rest = 2 * time.Second
	e := active(t, H5Config{Sleep: rest}, 0x14)
	if d := e.wait(time.Hour); d != rest {
		t.Errorf("wants to be called after %v", d)
	}
	e.wantOut("SLEEP")
	if d := e.deadline(); !d.IsZero() {
		t.Errorf("asleep, but wants to be called at %v", d)
	}
	e.send(packet(Command, 0)) // both may sleep now
	e.wantOut("WAKEUP")
	e.in(control(h5Woken))
	e.wantOut("1:0/0")
	e.wait(rest / 10)
	e.in(h5packet{ack: 1})
	if d := e.wait(time.Hour); d != rest-rest/10 {
		t.Errorf("sleeps %v after the acknowledgement", d)
	}
	e.wantOut("SLEEP")
	e.in(control(h5Wakeup))
	e.wantOut("WOKEN")
	e.wait(rest / 2) // whoever wakes us has something to say
	e.in(event(0, 1))
	e.wantOut("ack 1")
	if d := e.wait(time.Hour); d != rest {
		t.Errorf("sleeps %v after a packet", d)
	}
	e.wantOut("SLEEP")
}

func TestH5SoftwareFlow(t *testing.T) {
	e := active(t, H5Config{SoftwareFlow: true}, 0x1C)
	if err := e.receive([]byte{xoff}, e.now); err != nil {
		t.Fatal(err)
	}
	e.send(packet(Command, 0x11)) // its length is XON
	e.wantOut("")
	e.now = e.now.Add(time.Second)
	e.wantOut("")
	if err := e.receive([]byte{xon}, e.now); err != nil {
		t.Fatal(err)
	}
	b := e.output(nil, e.now)
	if bytes.ContainsAny(b, "\x11\x13") || !bytes.Contains(b, []byte{slipEscape, slipEscXON}) {
		t.Errorf("sent % X", b)
	}
	e.wrote(e.now)

	if err := e.receive([]byte{xoff}, e.now); err != nil {
		t.Fatal(err)
	}
	e.in(control(h5Conf, 0x14)) // a peer that takes its word back
	e.wantOut("CONF_RSP 14")

	e = active(t, H5Config{}, 0x1C) // not agreed on
	if err := e.receive([]byte{xoff}, e.now); err != nil {
		t.Fatal(err)
	}
	e.send(packet(Command, 0))
	e.wantOut("1:0/0")
}

func TestH5LinkTimeout(t *testing.T) {
	const timeout = 3 * time.Second
	tests := []struct {
		name  string
		enter func(e *h5end)
		want  string
	}{
		{"no acknowledgement", func(e *h5end) {}, "no acknowledgement for 3s"},
		{"asleep", func(e *h5end) { e.in(control(h5Sleep)) }, "no answer to WAKEUP for 3s"},
		{"held", func(e *h5end) { e.receive([]byte{xoff}, e.now) }, "the controller holds us up by XOFF for 3s"},
		{"not written", func(e *h5end) { e.output(nil, e.now) }, "the line took nothing for 3s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := active(t, H5Config{SoftwareFlow: true, LinkTimeout: timeout}, 0x1C)
			e.send(packet(Command, 0))
			tt.enter(e)
			begin := e.now
			for {
				if err := e.tick(e.now); err != nil {
					var h *H5Error
					if !errors.Is(err, ErrGone) || !errors.As(err, &h) || h.Cause != tt.want {
						t.Errorf("%v", err)
					}
					break
				}
				if !e.writing && len(e.output(nil, e.now)) > 0 {
					e.wrote(e.now)
				}
				if e.wait(time.Hour) == 0 || e.now.Sub(begin) > time.Hour {
					t.Fatalf("stuck after %v", e.now.Sub(begin))
				}
			}
			if d := e.now.Sub(begin); d != timeout {
				t.Errorf("after %v", d)
			}
		})
	}
}

// A slow link that gets on is not given up.
func TestH5ProgressCounts(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0), packet(Command, 1), packet(Command, 2))
	for i := range byte(3) {
		e.now = e.now.Add(h5Timeout - time.Millisecond)
		e.out()
		e.in(h5packet{ack: i + 1})
	}
	e.now = e.now.Add(time.Hour)
	e.out()
	if e.freed != 3 {
		t.Errorf("%d released", e.freed)
	}
}

// Unacknowledged packets end the link also while others flow the other way.
func TestH5TimeoutUnderTraffic(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0))
	for i := range byte(200) {
		if err := e.tick(e.now); err != nil {
			if !errors.Is(err, ErrGone) || i < 48 {
				t.Errorf("after %d packets: %v", i, err)
			}
			return
		}
		e.out()
		e.in(event(i, 0))
		e.now = e.now.Add(h5Timeout / 50)
	}
	t.Error("link goes on")
}

// What is on a slow line is not sent again before it can have arrived.
func TestH5SlowLine(t *testing.T) {
	e := active(t, H5Config{Baud: 9600, NoCRC: true}, 0x14)
	e.send(packet(ACL, 950)) // 961 octets on the line with its frame: 1 s
	e.wantOut("2:0/0")
	if d := e.wait(time.Hour); d < time.Second+h5Resend || d > time.Second+h5Resend+50*time.Millisecond {
		t.Errorf("again after %v", d)
	}
	e.wantOut("2:0/0")
}

func TestH5Silence(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "nothing came in answer to SYNC"},
		{"noise", []byte{1, 2, 3, 0xC0, 4, 0xC0}, "octets came but no frame, as at a wrong rate or parity, or from a controller that talks H4"},
		{"SYNC only", control(h5Sync).appendTo(nil, false), "no SYNC RESPONSE"},
		{"SYNC RESPONSE only", control(h5SyncRsp).appendTo(nil, false), "no CONFIG RESPONSE"},
	}
	for _, tt := range tests {
		e := newEnd(t, H5Config{})
		if err := e.receive(tt.in, e.now); err != nil || e.silence() != tt.want {
			t.Errorf("%s: %q, %v", tt.name, e.silence(), err)
		}
	}
}

func TestH5ErrorFields(t *testing.T) {
	e := newEnd(t, H5Config{})
	e.receive([]byte{0xC0, 0xDB, 0xC0, 1, 0xC0}, e.now)
	err := e.failure(ErrGone, "read of %d", 5)
	want := &H5Error{Cause: "read of 5", Err: ErrGone, Counters: H5Counters{Octets: 5, Damaged: 2}}
	if !reflect.DeepEqual(err, want) || !errors.Is(err, ErrGone) {
		t.Errorf("%+v", err)
	}
	e.line = LineErrors{Overrun: 2, Framing: 1}
	text := "H5 link: read: the controller is gone (5 octets and 0 frames received, 2 damaged, 0 packets sent again; 2 overruns, 1 framing error)"
	if err := e.failure(ErrGone, "read"); err.Error() != text {
		t.Errorf("%q, want %q", err, text)
	}
}
