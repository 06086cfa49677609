package gap_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// fault does something to one PDU of a pairing on its way to one host.
type fault struct {
	mu    sync.Mutex
	at    int // counted from 0
	n     int
	kind  string
	extra []byte // comes before it, if kind is none of the others
	held  []byte // reordered: waits for the next
	drop  func()
}

// mostPDUs is more than any pairing has, twice; two sides that never end have more.
const mostPDUs = 200

// hit tells whether there was such a PDU.
func (f *fault) hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n > f.at
}

func (f *fault) in(p []byte) [][]byte {
	pdu := smpOf(p)
	if pdu == nil {
		return [][]byte{p}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if held := f.held; held != nil {
		f.held = nil
		return [][]byte{p, held}
	}
	if f.n-1 != f.at {
		return [][]byte{p}
	}
	switch f.kind {
	case "duplicated":
		return [][]byte{p, p}
	case "reordered":
		f.held = p
		return nil
	case "truncated":
		return [][]byte{withSMP(p, pdu[:len(pdu)-1])}
	case "lost":
		return nil
	case "disconnected":
		go f.drop()
		return [][]byte{p}
	}
	return [][]byte{withSMP(p, f.extra), p}
}

// everyPDU is one of each kind, well formed.
var everyPDU = [][]byte{
	{0x01, 3, 0, 9, 16, 3, 3}, {0x02, 3, 0, 9, 16, 3, 3}, pduOf(0x03, 17), pduOf(0x04, 17), {0x05, 8}, pduOf(0x06, 17), pduOf(0x07, 11),
	pduOf(0x08, 17), pduOf(0x09, 8), pduOf(0x0A, 17), {0x0B, 1}, pduOf(0x0C, 65), pduOf(0x0D, 17), {0x0E, 1}, {0x0F}, {0xFF, 1, 2},
}

func pduOf(code byte, octets int) []byte {
	p := bytes.Repeat([]byte{1}, octets)
	p[0] = code
	return p
}

// upgrades are ways to make a bond an authenticated one.
var upgrades = map[string]struct {
	policy              smp.Policy
	central, peripheral smp.IOCapability
	pdus                int // to the central
}{
	"secure connections, numeric comparison": {smp.Policy{}, smp.DisplayYesNo, smp.DisplayYesNo, 7},
	"secure connections, passkey":            {smp.Policy{}, smp.DisplayOnly, smp.KeyboardOnly, 45},
	"legacy, passkey":                        {smp.Policy{SecureConnections: smp.SecureConnectionsOff}, smp.KeyboardOnly, smp.DisplayOnly, 7},
}

// Every SMP PDU of a pairing over a bond, on its way to either side, is duplicated, reordered, truncated or lost, or the
// link drops with it. Whatever comes of that, each side then has the old bond or the new one, whole, and the two can
// encrypt with one of them.
func TestEveryFaultInEveryState(t *testing.T) {
	for name := range upgrades {
		for side := range 2 {
			for _, kind := range []string{"duplicated", "reordered", "truncated", "lost", "disconnected"} {
				t.Run(fmt.Sprintf("%s, %s, to side %d", name, kind, side), func(t *testing.T) {
					everywhere(t, name, side, kind, nil)
				})
			}
		}
	}
}

// Every SMP PDU there is comes before every PDU of a pairing, to either side.
func TestEveryPDUInEveryState(t *testing.T) {
	for _, name := range []string{"secure connections, numeric comparison", "legacy, passkey"} {
		for side := range 2 {
			for _, pdu := range everyPDU {
				t.Run(fmt.Sprintf("%s, 0x%02X, to side %d", name, pdu[0], side), func(t *testing.T) {
					everywhere(t, name, side, "", pdu)
				})
			}
		}
	}
}

// everywhere has the fault at the first PDU to that side, then at the second, until there is none any more.
func everywhere(t *testing.T, name string, side int, kind string, extra []byte) {
	x := upgrades[name]
	at := 0
	for hit := true; hit && !t.Failed(); at++ {
		synctest.Test(t, func(t *testing.T) {
			c, p := people(x.central, x.peripheral)
			f := &fault{at: at, kind: kind, extra: extra}
			if hit = upgradeWith(t, x.policy, c, p, side, f); f.n > mostPDUs {
				t.Errorf("%d PDUs came to this side: the two find no end", f.n)
			}
			if t.Failed() {
				t.Logf("at PDU %d", at)
			}
		})
	}
	if at-1 < x.pdus-1 && !t.Failed() {
		t.Errorf("%d PDUs came to this side", at-1)
	}
}

// absent is people who are not there to begin with, so that the first pairing is nobody's.
type absent struct {
	here atomic.Bool
}

// latecomer is one of them.
type latecomer struct {
	smp.Delegate
	*absent
}

func (l latecomer) Capabilities() smp.Capabilities {
	if !l.here.Load() {
		return smp.Headless{}.Capabilities()
	}
	return l.Delegate.Capabilities()
}

// upgradeWith bonds two hosts without anybody's help, then has people make that bond an authenticated one, with a fault
// on the way, and connects them once more. It tells whether the fault came to pass.
func upgradeWith(t *testing.T, policy smp.Policy, c, p smp.Delegate, side int, f *fault) (hit bool) {
	people := &absent{}
	x := newTapped(t, pairConfig{
		central:    smp.Config{Policy: policy, Store: smp.NewMemoryStore(), Delegate: latecomer{c, people}},
		peripheral: smp.Config{Policy: policy, Store: smp.NewMemoryStore(), Delegate: latecomer{p, people}},
	})
	defer x.close()
	bond(t, x.pair)
	sides := []struct {
		host *gap.Host
		peer hci.Address
	}{{x.central, peripheralAddress}, {x.peripheral, x.central.Identity()}}
	var old [2]string
	for i, s := range sides {
		if old[i], _ = keysOf(t, s.host, s.peer); old[i] == "" {
			t.Fatal("no bond to begin with")
		}
	}

	people.here.Store(true)
	f.drop = func() { x.radios[0].DropLinks(hci.ConnectionTimeout) }
	central, peripheral, err := x.connect(t.Context(), gap.ConnectConfig{})
	if err != nil {
		t.Fatal(err)
	}
	x.meddlers[side].set(f.in)
	err = central.Secure(t.Context(), smp.LevelAuthenticated)
	settle()
	x.meddlers[side].set(nil)
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-peripheral.Ended()

	renewed := 0
	for i, s := range sides {
		now, before := keysOf(t, s.host, s.peer)
		r, _ := s.host.Bonds().Load(s.host.Identity(), s.peer)
		switch {
		case now == "":
			t.Errorf("side %d has no bond", i)
		case now != old[i] && before != old[i]:
			t.Errorf("side %d has a new bond, and not the old one beside it", i)
		case r.Keys.Authenticated != (now != old[i]) || r.Keys.KeySize != 16:
			t.Errorf("side %d has a bond of two halves: %+v", i, r.Public())
		case now != old[i]:
			renewed++
		}
	}
	if !f.hit() && (err != nil || renewed != 2) {
		t.Errorf("without any fault: %v, %d new bonds", err, renewed)
	}
	x.reconnect(t)
	return f.hit()
}
