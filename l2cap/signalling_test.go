package l2cap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// answers gives a Mux a C-frame and tells what it answers, in hex.
func answers(t *testing.T, r *rig, frame []byte) (all []string) {
	t.Helper()
	start := true
	for fragment := range slices.Chunk(pdu(CIDSignalling, frame...), 27) {
		r.HandleFragment(start, fragment)
		start = false
	}
	for {
		cid, sdu := r.sdu(t)
		if sdu == nil {
			return all
		}
		if cid != CIDSignalling {
			t.Fatalf("% X on channel %d", sdu, cid)
		}
		all = append(all, fmt.Sprintf("%x", sdu))
	}
}

// What a peer may send on the signalling channel, and the defined answer (Vol 3, Part A, 4.1).
func TestSignallingAnswers(t *testing.T) {
	valid := Parameters{24, 40, 0, 420}.AppendTo(nil)
	for _, c := range []struct {
		name    string
		role    hci.Role
		frame   []byte
		want    string // the answer in hex; empty for none
		ignored uint64
	}{
		{"Echo Request, which LE does not have", hci.Central, []byte{0x08, 5, 0, 0}, "010502000000", 0},
		{"Information Request, which LE does not have", hci.Central, []byte{0x0A, 5, 2, 0, 2, 0}, "010502000000", 0},
		{"LE Credit Based Connection Request to nobody", hci.Peripheral, []byte{0x14, 5, 10, 0, 0x80, 0, 0x40, 0, 23, 0, 23, 0, 1, 0}, "15050a0000000000000000000200", 0},
		{"LE Credit Based Connection Request, short", hci.Peripheral, []byte{0x14, 5, 8, 0, 0x80, 0, 0x40, 0, 23, 0, 23, 0}, "010502000000", 0},
		{"Credit Based Connection Request, empty", hci.Peripheral, []byte{0x17, 5, 0, 0}, "010502000000", 0},
		{"Disconnection Request for no channel", hci.Peripheral, []byte{0x06, 5, 4, 0, 0x40, 0, 0x41, 0}, "01050600020040004100", 0},
		{"Flow Control Credit for no channel", hci.Peripheral, []byte{0x16, 5, 4, 0, 0x40, 0, 1, 0}, "", 1},
		{"a code that nobody knows", hci.Central, []byte{0xFF, 5, 0, 0}, "010502000000", 0},
		{"code 0", hci.Central, []byte{0, 5, 0, 0}, "010502000000", 0},

		{"MTU exceeded by one", hci.Central, append([]byte{0x14, 9, 20, 0}, counting(20)...), "0109040001001700", 0},
		{"MTU exceeded by much, in fragments", hci.Central, append([]byte{0x12, 9, 92, 0}, counting(92)...), "0109040001001700", 0},
		{"MTU exceeded beyond any channel", hci.Central, append([]byte{0x12, 9, 0, 1}, counting(300)...), "0109040001001700", 0},
		{"MTU exceeded by a response", hci.Central, append([]byte{0x13, 9, 20, 0}, counting(20)...), "", 1},
		{"MTU exceeded by a reject", hci.Central, append([]byte{0x01, 9, 20, 0}, counting(20)...), "", 1},
		{"MTU exceeded without identifier", hci.Central, append([]byte{0x12, 0, 20, 0}, counting(20)...), "", 1},

		{"identifier 0", hci.Central, append([]byte{0x12, 0, 8, 0}, valid...), "", 1},
		{"empty frame", hci.Central, nil, "", 1},
		{"header cut", hci.Central, []byte{0x12, 1, 8}, "", 1},
		{"data cut", hci.Central, append([]byte{0x12, 1, 8, 0}, valid[:7]...), "", 1},
		{"two commands in a frame", hci.Central, []byte{0x08, 5, 0, 0, 0x08, 6, 0, 0}, "", 1},

		{"parameter update, valid", hci.Central, append([]byte{0x12, 3, 8, 0}, valid...), "130302000000", 0},
		{"parameter update, not allowed", hci.Central, append([]byte{0x12, 3, 8, 0}, Parameters{5, 5, 0, 10}.AppendTo(nil)...), "130302000100", 0},
		{"parameter update, short", hci.Central, append([]byte{0x12, 3, 7, 0}, valid[:7]...), "010302000000", 0},
		{"parameter update, long", hci.Central, append([]byte{0x12, 3, 9, 0}, append(bytes.Clone(valid), 0)...), "010302000000", 0},
		{"parameter update, to a peripheral", hci.Peripheral, append([]byte{0x12, 3, 8, 0}, valid...), "010302000000", 0},

		{"response nobody asked for", hci.Peripheral, []byte{0x13, 1, 2, 0, 0, 0}, "", 1},
		{"response, short", hci.Peripheral, []byte{0x13, 1, 1, 0, 0}, "", 1},
		{"reject nobody asked for", hci.Peripheral, []byte{0x01, 1, 2, 0, 0, 0}, "", 1},
		{"reject, short", hci.Peripheral, []byte{0x01, 1, 1, 0, 0}, "", 1},
		{"LE credits for no channel", hci.Central, []byte{0x16, 1, 4, 0, 0x40, 0, 1, 0}, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.role, Config{})
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if got := answers(t, r, c.frame); !slices.Equal(got, want) {
				t.Errorf("answered %q, want %q", got, want)
			}
			if s := r.Statistics(); s.IgnoredSignalling != c.ignored {
				t.Errorf("%+v, want %d ignored", s, c.ignored)
			}
			wantUpdate := c.name == "parameter update, valid"
			if (len(r.link.parameters) == 1) != wantUpdate || len(r.link.parameters) > 1 {
				t.Errorf("the controller was asked for %+v", r.link.parameters)
			}
			// And the channel works as before.
			if got := answers(t, r, []byte{0x08, 7, 0, 0}); !slices.Equal(got, []string{"010702000000"}) {
				t.Errorf("then answered %q", got)
			}
		})
	}
}

// Every code there is gets one answer or none, and a response never gets one: two hosts can't answer each
// other for ever.
func TestResponsesAreNotAnswered(t *testing.T) {
	for code := range 256 {
		r := newRig(t, hci.Central, Config{})
		got := answers(t, r, []byte{byte(code), 1, 0, 0})
		if Code(code) == CommandReject || isResponse(Code(code)) {
			if got != nil {
				t.Errorf("0x%02X was answered by %q", code, got)
			}
		} else if !slices.Equal(got, []string{"010102000000"}) {
			t.Errorf("0x%02X was answered by %q", code, got)
		}
	}
}

// The application may refuse what the specification allows, and is not asked about the rest.
func TestAcceptParameters(t *testing.T) {
	var asked []Parameters
	r := newRig(t, hci.Central, Config{AcceptParameters: func(p Parameters) bool { asked = append(asked, p); return p.Latency == 0 }})
	request := func(p Parameters) []byte {
		return Signal{ConnectionParameterUpdateRequest, 1, p.AppendTo(nil)}.AppendTo(nil)
	}
	accepted, refused := Parameters{24, 40, 0, 420}, Parameters{24, 40, 1, 420}
	for _, c := range []struct {
		p    Parameters
		want string
	}{{accepted, "130102000000"}, {refused, "130102000100"}, {Parameters{}, "130102000100"}} {
		if got := answers(t, r, request(c.p)); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%+v: answered %q", c.p, got)
		}
	}
	if !slices.Equal(asked, []Parameters{accepted, refused}) {
		t.Errorf("asked about %+v", asked)
	}
	want := []hci.ConnectionParameters{{IntervalMin: 24, IntervalMax: 40, SupervisionTimeout: 420}}
	if !slices.Equal(r.link.parameters, want) {
		t.Errorf("the controller was asked for %+v", r.link.parameters)
	}
	// A link that is ending can't be updated; that is no reason to stumble.
	r.link.refuse = errors.New("gone")
	if got := answers(t, r, request(accepted)); !slices.Equal(got, []string{"130102000000"}) || r.Statistics().IgnoredSignalling != 1 {
		t.Errorf("answered %q, %+v", got, r.Statistics())
	}
}

// A peer that asks and never takes its answers fills a queue of bounded length and nothing else.
func TestSignallingFlood(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	const flood = 1000
	for range flood {
		r.HandleFragment(true, pdu(CIDSignalling, 0x08, 5, 0, 0))
	}
	if s := r.Statistics(); s.IgnoredSignalling != flood-maxUrgent {
		t.Errorf("%+v", s)
	}
	mustSendUrgent(t, r.smp, []byte("pairing goes on"))
	if cid, _ := r.sdu(t); cid != CIDSMP {
		t.Errorf("channel %d goes first", cid)
	}
}

// asking runs RequestParameters and hands back its frame and where its outcome will be.
func asking(t *testing.T, ctx context.Context, r *rig) (identifier byte, outcome chan error) {
	t.Helper()
	outcome = make(chan error, 1)
	go func() { outcome <- r.RequestParameters(ctx, Parameters{24, 40, 0, 420}) }()
	synctest.Wait()
	cid, sdu := r.sdu(t)
	if cid != CIDSignalling || len(sdu) != 12 || Code(sdu[0]) != ConnectionParameterUpdateRequest || !bytes.Equal(sdu[4:], Parameters{24, 40, 0, 420}.AppendTo(nil)) {
		t.Fatalf("asked by % X on channel %d", sdu, cid)
	}
	return sdu[1], outcome
}

func TestRequestParameters(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(identifier byte) []byte
		want   error
	}{
		{"accepted", func(id byte) []byte { return []byte{0x13, id, 2, 0, 0, 0} }, nil},
		{"rejected", func(id byte) []byte { return []byte{0x13, id, 2, 0, 1, 0} }, ErrParametersRejected},
		{"rejected by a result that nobody knows", func(id byte) []byte { return []byte{0x13, id, 2, 0, 0, 1} }, ErrParametersRejected},
		{"not understood", func(id byte) []byte { return []byte{0x01, id, 2, 0, 0, 0} }, NotUnderstood},
		{"rejected with data", func(id byte) []byte { return []byte{0x01, id, 4, 0, 1, 0, 23, 0} }, SignallingMTU},
		{"silence", nil, ErrResponseTimeout},
		{"another identifier", func(id byte) []byte { return []byte{0x13, id + 1, 2, 0, 0, 0} }, ErrResponseTimeout},
		{"identifier 0", func(id byte) []byte { return []byte{0x13, 0, 2, 0, 0, 0} }, ErrResponseTimeout},
		{"a short response", func(id byte) []byte { return []byte{0x13, id, 1, 0, 0} }, ErrMalformed},
		{"a long response", func(id byte) []byte { return []byte{0x13, id, 3, 0, 0, 0, 0} }, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, hci.Peripheral, Config{})
				began := time.Now()
				id, outcome := asking(t, t.Context(), r)
				if c.answer != nil {
					r.HandleFragment(true, pdu(CIDSignalling, c.answer(id)...))
				}
				if err := <-outcome; !errors.Is(err, c.want) || c.want == nil && err != nil {
					t.Errorf("%v, want %v", err, c.want)
				}
				want := time.Duration(0)
				if c.want == ErrResponseTimeout {
					want = 30 * time.Second
				}
				if took := time.Since(began); took != want {
					t.Errorf("it took %v, want %v", took, want)
				}
			})
		})
	}
}

func TestRequestParametersRefusedHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid := Parameters{24, 40, 0, 420}
		if err := newRig(t, hci.Central, Config{}).RequestParameters(t.Context(), valid); !errors.Is(err, ErrNotPeripheral) {
			t.Errorf("as central: %v", err)
		}
		r := newRig(t, hci.Peripheral, Config{})
		if err := r.RequestParameters(t.Context(), Parameters{}); err == nil {
			t.Error("invalid parameters were asked for")
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.RequestParameters(over, valid); !errors.Is(err, context.Canceled) {
			t.Errorf("context that is over: %v", err)
		}
		if fragment, _ := r.next(); fragment != nil {
			t.Errorf("sent % X", fragment)
		}
		// One at a time.
		id, outcome := asking(t, t.Context(), r)
		if err := r.RequestParameters(t.Context(), valid); !errors.Is(err, ErrBusy) {
			t.Errorf("a second: %v", err)
		}
		r.HandleFragment(true, pdu(CIDSignalling, 0x13, id, 2, 0, 0, 0))
		if err := <-outcome; err != nil {
			t.Error(err)
		}
		// No room for the request: the next one may be tried.
		for range maxUrgent {
			mustSendUrgent(t, r.signalling.channel, []byte{1})
		}
		for range 2 {
			if err := r.RequestParameters(t.Context(), valid); !errors.Is(err, ErrQueueFull) {
				t.Errorf("queue full: %v", err)
			}
		}
		r.Close(hci.ConnectionTimeout)
		if err := r.RequestParameters(t.Context(), valid); !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("dead link: %v", err)
		}
	})
}

// A late answer is nobody's: not of the request that timed out or was cancelled, and not of the next one.
func TestLateAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		end     func(cancel func())
		want    error
		ignored uint64
	}{
		{"after the time-out", func(func()) {}, ErrResponseTimeout, 2},
		{"after a cancellation", func(cancel func()) { cancel() }, context.Canceled, 1}, // its request is still open
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, hci.Peripheral, Config{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				first, outcome := asking(t, ctx, r)
				c.end(cancel)
				if err := <-outcome; !errors.Is(err, c.want) {
					t.Errorf("the first: %v, want %v", err, c.want)
				}
				second, outcome := asking(t, t.Context(), r)
				if second == first {
					t.Fatal("the identifier was used again")
				}
				r.HandleFragment(true, pdu(CIDSignalling, 0x13, first, 2, 0, 1, 0))
				synctest.Wait()
				if len(outcome) != 0 {
					t.Fatal("the late answer was taken for the second's")
				}
				r.HandleFragment(true, pdu(CIDSignalling, 0x13, second, 2, 0, 0, 0))
				r.HandleFragment(true, pdu(CIDSignalling, 0x13, second, 2, 0, 1, 0)) // and once is enough
				if err := <-outcome; err != nil {
					t.Errorf("the second: %v", err)
				}
				if s := r.Statistics(); s.IgnoredSignalling != c.ignored {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Identifiers go from 1 to 255 and then from 1 again; 0 is never used (Vol 3, Part A, 4).
func TestIdentifiersWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hci.Peripheral, Config{})
		for i := range 600 {
			id, outcome := asking(t, t.Context(), r)
			if want := byte(i%255) + 1; id != want {
				t.Fatalf("request %d has identifier %d, want %d", i, id, want)
			}
			r.HandleFragment(true, pdu(CIDSignalling, 0x13, id, 2, 0, 0, 0))
			if err := <-outcome; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCloseEndsRequestParameters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hci.Peripheral, Config{})
		_, outcome := asking(t, t.Context(), r)
		r.Close(hci.ConnectionTimeout)
		if err := <-outcome; !errors.Is(err, hci.ConnectionTimeout) {
			t.Error(err)
		}
	})
}

// FuzzSignalling: whatever a frame holds, there is at most one answer, of at most 23 octets, to its identifier.
func FuzzSignalling(f *testing.F) {
	f.Add([]byte{0x12, 1, 8, 0, 24, 0, 40, 0, 0, 0, 0xA4, 1}, true)
	f.Add([]byte{0x12, 1, 8, 0, 24, 0, 40, 0, 0, 0, 0xA4, 1}, false)
	f.Add([]byte{0x13, 1, 2, 0, 0, 0}, false)
	f.Add([]byte{0x01, 1, 2, 0, 0, 0}, false)
	f.Add([]byte{0x14, 1, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, true)
	f.Fuzz(func(t *testing.T, frame []byte, central bool) {
		if len(frame) > 1000 {
			return
		}
		role := hci.Peripheral
		if central {
			role = hci.Central
		}
		r := newRig(t, role, Config{})
		got := answers(t, r, frame)
		if len(got) > 1 {
			t.Fatalf("answered %q", got)
		}
		for _, answer := range got {
			if len(answer) > 2*signallingMTU || frame[1] == 0 || answer[2:4] != fmt.Sprintf("%02x", frame[1]) {
				t.Errorf("% X was answered by %s", frame, answer)
			}
		}
		if s, err := ParseSignal(frame); err == nil && !bytes.Equal(s.AppendTo(nil), frame) {
			t.Errorf("% X became % X", frame, s.AppendTo(nil))
		}
		if p, err := ParseParameters(frame); err == nil && !bytes.Equal(p.AppendTo(nil), frame) {
			t.Errorf("% X became % X", frame, p.AppendTo(nil))
		}
	})
}
