package l2cap

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestOpen(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	for _, c := range []struct {
		name string
		cid  uint16
		mtu  int
		want string
	}{
		{"open already", CIDATT, 23, "channel 0x0004 is open already"},
		{"signalling is the Mux's own", CIDSignalling, 23, "channel 0x0005 is open already"},
		{"null", 0, 23, "channel 0x0000 is not a fixed channel of LE"},
		{"BR/EDR signalling", 1, 23, "channel 0x0001 is not"},
		{"one below", CIDATT - 1, 23, "channel 0x0003 is not"},
		{"BR/EDR Security Manager", 7, 23, "channel 0x0007 is not"},
		{"dynamic", 0x40, 23, "channel 0x0040 is not"},
		{"the last", 0xFFFF, 23, "channel 0xFFFF is not"},
	} {
		if ch, err := r.Open(c.cid, c.mtu, nil); ch != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", c.name, ch, err)
		}
	}
	m := New(r.link, Config{})
	for mtu, ok := range map[int]bool{-1: false, 0: false, 22: false, 23: true, 65535: true, 65536: false} {
		_, err := New(r.link, Config{}).Open(CIDATT, mtu, nil)
		if (err == nil) != ok {
			t.Errorf("MTU %d: %v", mtu, err)
		}
	}
	if _, err := m.Open(CIDSMP, 65, nil); err != nil {
		t.Error(err)
	}
}

// A Mux hands each channel its own, in the order of arrival.
func TestChannelsAreApart(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	r.HandleFragment(true, pdu(CIDSMP, 1))
	r.HandleFragment(true, pdu(CIDATT, 2))
	r.HandleFragment(true, pdu(CIDSMP, 3))
	if got := strings.Join(r.got, ", "); got != "smp 01, att 02, smp 03" {
		t.Error(got)
	}
}

// A channel that nobody opened is not there: what comes for it is counted.
func TestChannelNotOpen(t *testing.T) {
	m := New(&fakeLink{mtu: 27}, Config{})
	m.HandleFragment(true, pdu(CIDATT, 1))
	m.HandleFragment(true, pdu(CIDSMP, 1))
	if s := m.Statistics(); s.UnknownChannel != 2 {
		t.Errorf("%+v", s)
	}
}

// Close tells its reason to all, once.
func TestClose(t *testing.T) {
	for _, c := range []struct{ reason, want error }{{hci.ConnectionTimeout, hci.ConnectionTimeout}, {nil, net.ErrClosed}} {
		r := newRig(t, hci.Central, Config{})
		if r.Err() != nil {
			t.Errorf("before: %v", r.Err())
		}
		select {
		case <-r.Done():
			t.Error("done before Close")
		default:
		}
		mustSend(t, r.att, []byte{1})
		r.Close(c.reason)
		r.Close(errors.New("too late"))
		<-r.Done()
		if !errors.Is(r.Err(), c.want) {
			t.Errorf("Err: %v, want %v", r.Err(), c.want)
		}
		if err := r.att.Send(t.Context(), []byte{1}); !errors.Is(err, c.want) {
			t.Errorf("Send: %v", err)
		}
		if err := r.att.SendUrgent([]byte{1}); !errors.Is(err, c.want) {
			t.Errorf("SendUrgent: %v", err)
		}
		if fragment, _ := r.next(); fragment != nil {
			t.Errorf("a dead link sends % X", fragment)
		}
	}
}

// A link that ends in the middle of a PDU sends nothing more of it, since its handle may be another's.
func TestCloseWithinAPDU(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	mustSend(t, r.att, counting(100))
	if fragment, start := r.next(); len(fragment) != 27 || !start {
		t.Fatalf("% X, start %v", fragment, start)
	}
	r.Close(hci.ConnectionTimeout)
	if fragment, _ := r.next(); fragment != nil {
		t.Errorf("a dead link sends % X", fragment)
	}
}
