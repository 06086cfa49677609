package l2cap

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
)

// A cut ends the channels there are, in both directions, with its reason here and in order for the peer; others can be
// opened.
func TestCut(t *testing.T) {
	for _, enhanced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			dialer, acceptor, stop := dialed(t, 27, ChannelConfig{}, ListenConfig{}, enhanced)
			defer stop()
			if err := acceptor.WriteSDU([]byte("before")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			reason := errors.New("a reason")
			dialer.mux.Cut(reason)
			synctest.Wait()
			b := make([]byte, 100)
			if n, err := dialer.ReadSDU(b); err != nil || string(b[:n]) != "before" {
				t.Errorf("what had arrived: %q, %v", b[:n], err)
			}
			if _, err := dialer.ReadSDU(b); !errors.Is(err, reason) {
				t.Errorf("read: %v", err)
			}
			if err := dialer.WriteSDU([]byte("after")); !errors.Is(err, reason) {
				t.Errorf("write: %v", err)
			}
			if _, err := acceptor.ReadSDU(b); err != io.EOF {
				t.Errorf("the peer reads: %v", err)
			}
			if n, m := dialer.mux.openChannels(), acceptor.mux.openChannels(); n+m != 0 {
				t.Errorf("%d and %d channels are open", n, m)
			}
			again, err := dialer.mux.Dial(t.Context(), testSPSM, ChannelConfig{})
			if err != nil {
				t.Fatal(err)
			}
			_ = again.Close()
			_ = dialer.Close()
			synctest.Wait()
		})
	}
}

// What was written before a cut and is not out yet stays where it is, the rest of a frame that is half out too.
func TestCutInTheMiddleOfAFrame(t *testing.T) {
	link := &wireLink{mtu: 27, awake: make(chan struct{}, 1)}
	m := New(link, Config{})
	c := newCreditChannel(m, testSPSM, ChannelConfig{}.withDefaults(minCreditMTU), false)
	if err := m.register(c); err != nil {
		t.Fatal(err)
	}
	m.connect(c, firstDynamicCID, 1000, 100, 100)
	for range 3 {
		if err := c.push(bytes.Repeat([]byte{0xAA}, 90)); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 27)
	if n, start := m.NextFragment(b); n != 27 || !start || b[26] != 0xAA {
		t.Fatalf("%d octets, %x", n, b)
	}
	m.Cut(errors.New("a reason"))
	left := headerLength + sduLength + 90 - 27
	for left > 0 {
		n, start := m.NextFragment(b)
		if n == 0 || start || bytes.Contains(b[:n], []byte{0xAA}) {
			t.Fatalf("%d octets with %d to come: %x, start %v", n, left, b[:n], start)
		}
		left -= n
	}
	n, start := m.NextFragment(b)
	want := Signal{DisconnectionRequest, 1, appendWords(nil, firstDynamicCID, c.local)}.AppendTo(nil)
	if !start || !bytes.Equal(b[headerLength:n], want) {
		t.Errorf("after the frame: %x", b[:n])
	}
	if n, _ := m.NextFragment(b); n != 0 {
		t.Errorf("and then: %x", b[:n])
	}
}

// What every listener of a link needs is refused as its own needs are (Vol 3, Part A, 4.22; Part C, 10.3.1).
func TestLeastSecurityOfChannels(t *testing.T) {
	for _, c := range []struct {
		name              string
		have, least, need Security
		want              Result
	}{
		{"nothing needed", Security{}, Security{}, Security{}, Success},
		{"the link needs encryption", Security{}, Security{Encrypted: true}, Security{}, InsufficientEncryption},
		{"the link has it", Security{Encrypted: true, KeySize: 16}, Security{Encrypted: true}, Security{}, Success},
		{"the listener needs more", Security{Encrypted: true}, Security{Encrypted: true}, Security{Authenticated: true}, InsufficientAuthentication},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(&wireLink{mtu: 27, awake: make(chan struct{}, 1)}, Config{
				Security: func() Security { return c.have }, Least: func() Security { return c.least }})
			l, err := NewListener(testSPSM, ListenConfig{Security: c.need})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.admit(testSPSM, l, false); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
