package l2cap

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// A listener may take channels itself, before the peer knows of them, and refuse what it has no room for; and it may want one mode only.
func TestTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken []*CreditChannel
		l, err := NewListener(testSPSM, ListenConfig{EnhancedOnly: true, Take: func(c *CreditChannel) bool {
			if len(taken) == 2 {
				return false
			}
			taken = append(taken, c)
			return true
		}})
		if err != nil {
			t.Fatal(err)
		}
		c, p, stop := wire(251, Config{}, Config{Listener: func(uint16) *Listener { return l }})
		defer stop()
		if _, err := c.Dial(t.Context(), testSPSM, ChannelConfig{}); !errors.Is(err, SPSMNotSupported) {
			t.Errorf("the other mode: %v", err)
		}
		all, err := c.DialEnhanced(t.Context(), testSPSM, 3, ChannelConfig{})
		if len(all) != 2 || !errors.Is(err, NoResources) {
			t.Errorf("%d channels, %v", len(all), err)
		}
		if err := taken[1].WriteSDU([]byte("hello")); err != nil {
			t.Error(err)
		}
		var b [8]byte
		if n, err := all[1].ReadSDU(b[:]); string(b[:n]) != "hello" || err != nil {
			t.Errorf("%q, %v", b[:n], err)
		}
		_ = l.Close()
		if _, err := c.DialEnhanced(t.Context(), testSPSM, 1, ChannelConfig{}); !errors.Is(err, NoResources) {
			t.Errorf("a listener that is closed: %v", err)
		}
		if n := p.openChannels(); n != 2 {
			t.Errorf("%d channels of the peer", n)
		}
	})
}

// Linux asks for several channels from the last to the first, and mixes up the answer (seen with 6.1).
func TestAscending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			sources []uint16
			want    Result
		}{
			{[]uint16{0x40}, Success},
			{[]uint16{0x40, 0x41, 0x50}, Success},
			{[]uint16{0x41, 0x40}, NoResources},
			{[]uint16{0x40, 0x42, 0x41}, NoResources},
		} {
			l, err := NewListener(testSPSM, ListenConfig{Ascending: true})
			if err != nil {
				t.Fatal(err)
			}
			_, p, stop := wire(251, Config{}, Config{Listener: func(uint16) *Listener { return l }})
			answer := p.signalling.open(channelRequest{spsm: testSPSM, mtu: 64, mps: 64, credits: 1, sources: c.sources}, true)
			if answer.result != c.want || p.openChannels() != len(c.sources) && c.want == Success || p.openChannels() != 0 && c.want != Success {
				t.Errorf("%x: %v, %d channels", c.sources, answer.result, p.openChannels())
			}
			stop()
			_ = l.Close()
		}
	})
}

// TryWriteSDU never waits: not for credits, not for whoever writes, not for the end.
func TestTryWriteSDU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 27, ChannelConfig{}, ListenConfig{ChannelConfig: ChannelConfig{MTU: 64, MPS: 64, Credits: 1}}, true)
		defer stop()
		if err := a.TryWriteSDU(make([]byte, 65)); !errors.Is(err, ErrTooLong) {
			t.Errorf("too long: %v", err)
		}
		if err := a.Err(); err != nil {
			t.Errorf("an error before the end: %v", err)
		}
		sent := 0
		for a.TryWriteSDU([]byte{byte(sent)}) == nil {
			sent++
			synctest.Wait()
		}
		if err := a.TryWriteSDU(nil); !errors.Is(err, ErrQueueFull) || sent < maxSDUs {
			t.Errorf("after %d: %v", sent, err)
		}
		for i := range sent {
			var octet [1]byte
			if _, err := b.ReadSDU(octet[:]); err != nil || octet[0] != byte(i) {
				t.Errorf("SDU %d: %d, %v", i, octet[0], err)
			}
		}
		_ = a.Close()
		if err := a.TryWriteSDU(nil); !errors.Is(err, net.ErrClosed) || !errors.Is(a.Err(), net.ErrClosed) {
			t.Errorf("closed: %v, %v", err, a.Err())
		}
		synctest.Wait()
		if err := b.TryWriteSDU(nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("closed by the peer: %v", err)
		}
	})
}
