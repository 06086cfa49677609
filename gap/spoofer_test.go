package gap_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// eavesdropper counts the ATT PDUs that arrive on a controller's link while it is not encrypted.
type eavesdropper struct {
	transport.Conn

	mu        sync.Mutex
	encrypted bool
	clear     int
}

func (e *eavesdropper) ReadPacket(b []byte) (int, error) {
	n, err := e.Conn.ReadPacket(b)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case n > 6 && b[0] == hci.EventPacket && hci.EventCode(b[1]) == hci.EvEncryptionChange:
		e.encrypted = b[3] == 0 && b[6] == 1
	case n > 1 && b[0] == hci.EventPacket && hci.EventCode(b[1]) == hci.EvDisconnectionComplete:
		e.encrypted = false
	case n >= 9 && b[0] == hci.ACLPacket && b[2]>>4&3 != byte(hci.Continuing) && !e.encrypted && binary.LittleEndian.Uint16(b[7:]) == l2cap.CIDATT:
		e.clear++
	}
	return n, err
}

func (e *eavesdropper) inTheClear() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clear
}

// The policy's table for a lost bond, row by row and column by column, against somebody who has the peer's
// address and no key: one that asks for security without a bond, and one that never asks for anything. Where
// the table says notify, there is no repair, no ATT of ours goes out in the clear, and afterwards the peer
// itself connects with the old key as if nothing had been.
func TestSpoofer(t *testing.T) {
	records := []struct {
		name          string
		wish          smp.Wish
		authenticated bool
		pairsAgain    map[smp.LostBond]bool
	}{
		{"unauthenticated, wish none", smp.WishNone, false, map[smp.LostBond]bool{smp.LostNotify: true, smp.LostRepair: true}},
		{"unauthenticated, wish bond", smp.WishBond, false, map[smp.LostBond]bool{smp.LostRepair: true}},
		{"unauthenticated, wish unknown", smp.WishUnknown, false, map[smp.LostBond]bool{smp.LostRepair: true}},
		{"authenticated, wish bond", smp.WishBond, true, nil},
		{"authenticated, wish none", smp.WishNone, true, nil},
	}
	for _, r := range records {
		for _, policy := range []smp.LostBond{smp.LostNotify, smp.LostRepair, smp.LostStrict} {
			for _, asks := range []bool{true, false} {
				name := fmt.Sprintf("%s/%v/asks %v", r.name, policy, asks)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { spoof(t, r.wish, r.authenticated, policy, asks, r.pairsAgain[policy]) })
				})
			}
		}
	}
}

func spoof(t *testing.T, wish smp.Wish, authenticated bool, policy smp.LostBond, asks, pairsAgain bool) {
	ours, theirs := smp.NewMemoryStore(), smp.NewMemoryStore()
	p := newPair(t, pairConfig{
		central:    smp.Config{Policy: smp.Policy{Bonding: smp.BondAlways, LostBond: policy}, Store: ours},
		peripheral: smp.Config{Store: theirs},
	})
	defer p.close()
	bond(t, p)
	edit(t, ours, p.central.Identity(), peripheralAddress, func(r *smp.Record) { r.Wish, r.Keys.Authenticated = wish, authenticated })
	edit(t, theirs, p.peripheral.Identity(), p.central.Identity(), func(r *smp.Record) { r.Keys.Authenticated = authenticated })
	before, _ := ours.Load(p.central.Identity(), peripheralAddress)

	// The peer is switched off, and the spoofer on.
	_ = p.peripheral.Close()
	ear := &eavesdropper{Conn: p.radios[1].Conn()}
	p.openPeripheral(t, ear, smp.Config{RequestNoBond: true})
	accepted := make(chan *gap.Conn, 1)
	go func() {
		c, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{})
		if err == nil && asks {
			_ = c.Secure(t.Context(), smp.LevelEncrypted)
		}
		accepted <- c
	}()
	c, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{})
	if n := p.log.count(is[gap.BondLost]); n != 1 {
		t.Errorf("%d times BondLost", n)
	}
	if pairsAgain {
		if err != nil {
			t.Fatalf("Connect: %v, want a repair", err)
		}
		synctest.Wait()
		if n := p.log.count(is[gap.Repaired]); n != 1 || !c.Security().Encrypted {
			t.Errorf("%d times Repaired, the link has %+v", n, c.Security())
		}
		c.Disconnect(hci.RemoteUserTerminatedConnection)
		<-(<-accepted).Ended()
	} else {
		var lost *smp.LostBondError
		if !errors.As(err, &lost) || !errors.Is(err, hci.PINOrKeyMissing) {
			t.Errorf("Connect: %v, want a lost bond", err)
		}
		if n := p.log.count(is[gap.Repaired]); n != 0 {
			t.Errorf("%d times Repaired", n)
		}
		if spoofer := <-accepted; spoofer != nil {
			<-spoofer.Ended()
		}
	}
	if n := ear.inTheClear(); n != 0 {
		t.Errorf("%d ATT PDUs of ours in the clear", n)
	}
	if pairsAgain {
		return
	}

	// The peer comes back.
	after, ok := ours.Load(p.central.Identity(), peripheralAddress)
	if !ok || !after.Bonded || *after.Keys.SC != *before.Keys.SC {
		t.Fatal("the old bond is not what it was")
	}
	_ = p.peripheral.Close()
	p.openPeripheral(t, p.radios[1].Conn(), smp.Config{Store: theirs})
	central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
	if err != nil {
		t.Fatalf("the peer itself can't connect any more: %v", err)
	}
	if s := central.Security(); !s.Encrypted || s.Authenticated != authenticated {
		t.Errorf("the link to the peer has %+v", s)
	}
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-peripheral.Ended()
}

// bond makes a bond between the two.
func bond(t *testing.T, p *pair) {
	t.Helper()
	central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // the last keys are on their way
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-peripheral.Ended()
}

// edit changes a record behind its owner's back.
func edit(t *testing.T, store smp.Store, local, peer hci.Address, f func(*smp.Record)) {
	t.Helper()
	r, ok := store.Load(local, peer)
	if !ok || !r.Bonded {
		t.Fatalf("no bond of %v with %v", local, peer)
	}
	f(&r)
	if err := store.Save(r); err != nil {
		t.Fatal(err)
	}
}
