package l2cap

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// octets reads hexadecimal with spaces.
func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// listening is a rig with a listener on testSPSM.
func listening(t testing.TB, cfg ListenConfig, security Security) (*rig, *Listener) {
	t.Helper()
	l, err := NewListener(testSPSM, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, hci.Peripheral, Config{
		Listener: func(uint16) *Listener { return l },
		Security: func() Security { return security },
	}), l
}

// ask gives the rig a signalling command and returns what it answers, in hex.
func (r *rig) ask(t testing.TB, command string) string {
	t.Helper()
	r.HandleFragment(true, pdu(CIDSignalling, octets(t, command)...))
	cid, sdu := r.sdu(t)
	if sdu == nil {
		return ""
	}
	if cid != CIDSignalling {
		t.Fatalf("% X on channel %d", sdu, cid)
	}
	return hex.EncodeToString(sdu)
}

var small = ListenConfig{ChannelConfig: ChannelConfig{MTU: 64, MPS: 64, Credits: 2}}

// What a peer may ask for and the defined answer, one after the other on one link (L2CAP/COS/CFC and ECFC).
func TestConnectionRequests(t *testing.T) {
	encrypted := Security{Encrypted: true, KeySize: 16}
	for _, c := range []struct {
		name     string
		cfg      ListenConfig
		security Security
		steps    []string // command, answer, command, answer …
	}{
		{"CFC/BV-01 accepted", small, Security{}, []string{"1401 0a00 8000 4000 1700 1700 0100", "15010a00400040004000 02000000"}},
		{"CFC/BV-05 unknown SPSM", small, Security{}, []string{"1401 0a00 8100 4000 1700 1700 0100", "15010a00000000000000 00000200"}},
		{"CFC/BV-10 authentication", ListenConfig{Security: Security{Authenticated: true}}, encrypted, []string{"1401 0a00 8000 4000 1700 1700 0100", "15010a00000000000000 00000500"}},
		{"CFC/BV-12 authorization", ListenConfig{Authorize: func() bool { return false }}, encrypted, []string{"1401 0a00 8000 4000 1700 1700 0100", "15010a00000000000000 00000600"}},
		{"CFC/BV-14 key size", ListenConfig{Security: Security{KeySize: 16}}, Security{Encrypted: true, KeySize: 7}, []string{"1401 0a00 8000 4000 1700 1700 0100", "15010a00000000000000 00000700"}},
		{"CFC/BV-24 encryption", ListenConfig{Security: Security{Encrypted: true}}, Security{}, []string{"1401 0a00 8000 4000 1700 1700 0100", "15010a00000000000000 00000800"}},
		{"CFC/BV-18 invalid source CID", small, Security{}, []string{"1401 0a00 8000 3f00 1700 1700 0100", "15010a00000040004000 02000900", "1402 0a00 8000 8000 1700 1700 0100", "15020a00000040004000 02000900"}},
		{"CFC/BV-19 source CID allocated", small, Security{}, []string{"1401 0a00 8000 4000 1700 1700 0100", "15010a00400040004000 02000000", "1402 0a00 8000 4000 1700 1700 0100", "15020a00000040004000 02000a00"}},
		{"CFC/BV-25 MTU and MPS below 23", small, Security{}, []string{"1401 0a00 8000 4000 1600 1700 0100", "15010a00000000000000 00000b00", "1402 0a00 8000 4000 1700 1600 0100", "15020a00000000000000 00000b00"}},
		{"ECFC/BV-01 five at once", small, Security{}, []string{"1701 1200 8000 4000 4000 0100 4000 4100 4200 4300 4400", "18011200 40004000 02000000 40004100420043004400"}},
		{"ECFC/BV some refused", small, Security{}, []string{"1701 0e00 8000 4000 4000 0100 4000 3000 4200", "18010e00 40004000 02000900 400000004100"}},
		{"ECFC MTU below 64", small, Security{}, []string{"1701 0a00 8000 3f00 4000 0100 4000", "18010a00 00000000 00000c00 0000"}},
		{"ECFC no credits", small, Security{}, []string{"1701 0a00 8000 4000 4000 0000 4000", "18010a00 00000000 00000c00 0000"}},
		{"ECFC six at once", small, Security{}, []string{"1701 1400 8000 4000 4000 0100 4000 4100 4200 4300 4400 4500", "0101040001001700"}},
		{"disconnection", small, Security{}, []string{"1401 0a00 8000 5000 1700 1700 0100", "15010a00400040004000 02000000", "0602 0400 4000 5100", "", "0603 0400 4000 5000", "07030400 40005000", "0604 0400 4000 5000", "010406000200 40005000"}},
		{"too many for the backlog", small, Security{}, func() (steps []string) {
			for i := range maxBacklog {
				steps = append(steps, fmt.Sprintf("14%02x 0a00 8000 %02x00 1700 1700 0100", i+1, 0x40+i), fmt.Sprintf("15%02x0a00 %02x00 4000 4000 0200 0000", i+1, 0x40+i))
			}
			return append(steps, "1409 0a00 8000 7000 1700 1700 0100", "15090a00 0000 4000 4000 0200 0400")
		}()},
		{"reconfigure", small, Security{}, []string{"1701 0a00 8000 4000 4000 0100 4000", "18010a00 40004000 02000000 4000",
			"1902 0600 5000 4000 4000", "1a020200 0000", "1904 0600 5000 4000 4100", "1a040200 0300", "1905 0600 5000 3f00 4000", "1a050200 0400", "1903 0600 4f00 4000 4000", "1a030200 0100"}},
		{"reconfigure of a channel that is not enhanced", small, Security{}, []string{"1401 0a00 8000 4000 4000 4000 0100", "15010a00400040004000 02000000", "1902 0600 5000 4000 4000", "1a020200 0300"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, l := listening(t, c.cfg, c.security)
			for i := 0; i < len(c.steps); i += 2 {
				if got, want := r.ask(t, c.steps[i]), hex.EncodeToString(octets(t, c.steps[i+1])); got != want {
					t.Errorf("%s: answered %s, want %s", c.steps[i], got, want)
				}
			}
			_ = l.Close()
			r.Close(nil)
		})
	}
}

// What a peer may not do with a channel ends it: our end disconnects, reads fail, and the link lives on.
func TestRulesOfAChannel(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []string // of channel 0x40, or "c": a signalling command
		bad    bool
	}{
		{"a frame too many", []string{"0300 00", "00", "00"}, false}, // the SDU is incomplete: credits come back by themselves
		{"a frame too many, between SDUs", []string{"0100 00", "0100 00", "0100 00"}, true},
		{"no SDU length", []string{"01"}, true},
		{"an SDU longer than the MTU", []string{"4100 00"}, true},
		{"more than the SDU length", []string{"0100 0000"}, true},
		{"a frame longer than the MPS", []string{"4000 " + strings.Repeat("00", 63)}, true},
		{"an empty frame in an SDU", []string{"0200 00", ""}, false},
		{"credits above 65535", []string{"c1602 0400 4000 ffff"}, true},
		{"no credits at all", []string{"c1602 0400 4000 0000"}, true},
		{"credits up to 65535", []string{"c1602 0400 4000 feff"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, l := listening(t, small, Security{})
				r.ask(t, "1401 0a00 8000 4000 1700 1700 0100")
				channel, err := l.AcceptChannel(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range c.frames {
					if command, ok := strings.CutPrefix(f, "c"); ok {
						r.HandleFragment(true, pdu(CIDSignalling, octets(t, command)...))
					} else {
						r.HandleFragment(true, pdu(0x40, octets(t, f)...))
					}
				}
				disconnected := false
				for _, sdu := r.sdu(t); sdu != nil; _, sdu = r.sdu(t) {
					disconnected = disconnected || sdu[0] == byte(DisconnectionRequest)
				}
				if disconnected != c.bad {
					t.Errorf("disconnected: %v, want %v", disconnected, c.bad)
				}
				if c.bad {
					for err = nil; err == nil; {
						_, err = channel.ReadSDU(make([]byte, 100))
					}
					if !errors.Is(err, ErrProtocol) {
						t.Errorf("ReadSDU: %v", err)
					}
				}
				r.Close(io.EOF)
			})
		})
	}
}

// What a peer may answer a request of ours, and what Dial makes of it.
func TestDialAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer string // with the identifier left out; empty: none
		want   error
	}{
		{"accepted", "15 0a00 4100 1700 1700 0100 0000", nil},
		{"refused", "15 0a00 0000 0000 0000 0000 0200", SPSMNotSupported},
		{"not understood", "01 0200 0000", NotUnderstood},
		{"silence", "", ErrResponseTimeout},
		{"a CID that is none", "15 0a00 3f00 1700 1700 0100 0000", ErrProtocol},
		{"an MTU too short", "15 0a00 4100 1600 1700 0100 0000", ErrProtocol},
		{"an MPS too short", "15 0a00 4100 1700 1600 0100 0000", ErrProtocol},
		{"too short", "15 0800 4100 1700 1700 0100", ErrMalformed},
		{"the answer to something else", "18 0a00 1700 1700 0100 0000 4100", ErrResponseTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, hci.Central, Config{})
				result := make(chan error, 1)
				go func() {
					_, err := r.Dial(t.Context(), testSPSM, ChannelConfig{MTU: 100, MPS: 50, Credits: 3})
					result <- err
				}()
				synctest.Wait()
				_, sdu := r.sdu(t)
				if got, want := hex.EncodeToString(sdu), "14010a00800040006400320003 00"; got != strings.ReplaceAll(want, " ", "") {
					t.Errorf("asked by %s, want %s", got, want)
				}
				if c.answer != "" {
					b := octets(t, c.answer)
					r.HandleFragment(true, pdu(CIDSignalling, append([]byte{b[0], sdu[1]}, b[1:]...)...))
				}
				if err := <-result; !errors.Is(err, c.want) || c.want == nil && err != nil {
					t.Errorf("%v, want %v", err, c.want)
				}
				if c.want != nil && r.openChannels() != 0 {
					t.Error("the CID is not free again")
				}
				r.Close(nil)
			})
		})
	}
}

// Security that a channel needs is raised once, and the request sent again.
func TestDialRaisesSecurity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var link Security
		l, err := NewListener(testSPSM, ListenConfig{Security: Security{Encrypted: true}})
		if err != nil {
			t.Fatal(err)
		}
		raised := 0
		c, _, stop := wire(100, Config{Raise: func(_ context.Context, want Security) error {
			raised++
			link = want
			return nil
		}}, Config{Listener: func(uint16) *Listener { return l }, Security: func() Security { return link }})
		defer stop()
		if _, err := c.Dial(t.Context(), testSPSM, ChannelConfig{}); err != nil || raised != 1 {
			t.Errorf("%v after raising %d times", err, raised)
		}
	})
}

// A caller that gives up leaves nothing behind: what the peer still opens is closed.
func TestDialCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := NewListener(testSPSM, ListenConfig{})
		c, p, stop := wire(100, Config{}, Config{Listener: func(uint16) *Listener { return l }})
		defer stop()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Dial(ctx, testSPSM, ChannelConfig{}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if accepted, err := l.AcceptChannel(t.Context()); err == nil {
			_, err = accepted.Read(make([]byte, 1))
			if !errors.Is(err, io.EOF) {
				t.Errorf("the peer reads %v", err)
			}
		}
		synctest.Wait()
		if c.openChannels()+p.openChannels() > 1 {
			t.Error("a channel is left")
		}
	})
}

// Enhanced channels take longer SDUs when both have agreed.
func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 251, ChannelConfig{MTU: 64, MPS: 64}, ListenConfig{}, true)
		defer stop()
		if err := b.WriteSDU(make([]byte, 65)); !errors.Is(err, ErrTooLong) {
			t.Errorf("before: %v", err)
		}
		if err := a.mux.Reconfigure(t.Context(), 500, 100, a); err != nil {
			t.Fatal(err)
		}
		if err := b.WriteSDU(make([]byte, 500)); err != nil {
			t.Errorf("after: %v", err)
		}
		if n, err := a.ReadSDU(make([]byte, 500)); n != 500 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := a.mux.Reconfigure(t.Context(), 400, 100, a); !errors.Is(err, MTUReduced) {
			t.Errorf("a smaller MTU: %v", err)
		}
	})
}

// A steady stream of SDUs allocates nothing, in and out.
func TestCreditChannelAllocatesNothing(t *testing.T) {
	r, l := listening(t, ListenConfig{}, Security{})
	r.ask(t, "1401 0a00 8000 4000 0004 0004 ffff")
	channel, err := l.AcceptChannel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1024)
	frame := pdu(0x40, append([]byte{100, 0}, make([]byte, 100)...)...)
	each := func() {
		if channel.WriteSDU(b[:100]) != nil {
			t.Error("write")
		}
		for n, _ := r.NextFragment(b); n > 0; n, _ = r.NextFragment(b) {
			continue
		}
		r.HandleFragment(true, frame)
		if n, err := channel.ReadSDU(b); n != 100 || err != nil {
			t.Error(n, err)
		}
	}
	for range 100 {
		each()
	}
	if n := testing.AllocsPerRun(200, each); n > 0.5 && !raceEnabled { // a grant of credits now and then
		t.Errorf("%v allocations for each SDU in and out", n)
	}
	r.Close(nil)
}

// FuzzCredit gives a channel's owner whatever a peer may send, on the channel and beside it.
func FuzzCredit(f *testing.F) {
	f.Add([]byte{0x40, 3, 0, 1, 2, 3})
	f.Add([]byte{0x05, 8, 0, 0x16, 2, 4, 0, 0x40, 0, 1, 0})
	f.Add([]byte{0x05, 8, 0, 0x06, 2, 4, 0, 0x40, 0, 0x40, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, l := listening(t, small, Security{})
		r.ask(t, "1401 0a00 8000 4000 1700 1700 0100")
		channel, err := l.AcceptChannel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for len(b) >= 3 {
			n := min(int(binary.LittleEndian.Uint16(b[1:])), len(b)-3)
			r.HandleFragment(true, pdu(uint16(b[0]), b[3:3+n]...))
			b = b[3+n:]
		}
		_ = channel.WriteSDU(nil)
		_ = channel.Close()
		for n, _ := r.NextFragment(make([]byte, 27)); n > 0; n, _ = r.NextFragment(make([]byte, 27)) {
			continue
		}
		r.Close(nil)
		channel.mu.Lock()
		defer channel.mu.Unlock()
		if len(channel.in) > small.Credits {
			t.Errorf("%d SDUs wait", len(channel.in))
		}
	})
}
