//go:build lab

package lab

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/transport"
)

// TestPeripheralBond: BlueZ pairs with jelling advertise, comes back, is forgotten, forgets.
func TestPeripheralBond(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			d := newDesk(t)
			if !way.secureConnections {
				run(t, "btmgmt", "--index", "1", "sc", "off")
			}
			s := newSession(t, d.box.Address().String())
			h := s.advertise()
			d.does("find " + s.peer)
			d.does("pair")
			p := h.hears("connected", "paired")["paired"]
			if p.Address != d.address || !is(p.SecureConnections, way.secureConnections) || !is(p.Bonded, true) || !is(p.Authenticated, false) {
				t.Errorf("%+v", p)
			}
			d.is("resolved")
			if r := d.does("read cd11"); len(r.Value) != 2 {
				t.Errorf("read %q", r.Value)
			}
			d.drop(s.peer)
			h.hears("disconnected", "advertising")

			d.does("connect")
			if e := h.hears("connected", "encrypted")["encrypted"]; e.Key != "stored" {
				t.Errorf("%+v", e)
			}
			d.is("resolved")
			d.does("read cd11")
			d.drop(s.peer)
			h.hears("disconnected", "advertising")

			t.Log("the telephone forgets: its next pairing is one over a bond, which somebody here has to allow")
			d.does("remove")
			d.does("find " + s.peer)
			if r := d.tries("pair"); !strings.Contains(r.Error, "AuthenticationFailed") {
				t.Errorf("%+v", r)
			}
			h.hears("repair_refused", "disconnected")
			h.stop()
			h = s.advertise("--pairable-for", "1m")
			d.does("find " + s.peer)
			d.does("pair")
			h.hears("paired", "encrypted")
			d.is("resolved")
			d.drop(s.peer)
			h.hears("disconnected", "advertising")

			t.Log("the box forgets: the telephone's key is worth nothing, and it has to forget too")
			h.stop()
			if out, err := s.command("bonds", "forget", d.address).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			h = s.advertise()
			d.tell("connect") // and bluetoothd 5.66 mostly dies when its key is refused
			if e := h.hears("connected", "disconnected", "advertising")["disconnected"]; e.Status == nil || *e.Status != 0x05 {
				t.Errorf("%+v", e)
			}
			d.reset()
			if !way.secureConnections {
				run(t, "btmgmt", "--index", "1", "sc", "off")
			}
			d.does("find " + s.peer)
			d.does("pair")
			h.hears("paired", "encrypted")
		})
	}
}

// TestPeripheralBackOff: who enters the wrong passkey has to wait before he may try again.
func TestPeripheralBackOff(t *testing.T) {
	d := newDesk(t, "KeyboardOnly")
	s := newSession(t, d.box.Address().String())
	h := s.advertise("--io", "display", "--passkey", "271828", "--trust-passkey")
	d.does("find " + s.peer)
	enter := func(passkey string) said {
		d.does("passkey " + passkey)
		return d.tries("pair")
	}
	if r := enter("314159"); !strings.Contains(r.Error, "AuthenticationFailed") {
		t.Errorf("%+v", r)
	}
	h.hears("pairing_failed", "disconnected", "advertising")
	until(t, "refusal by Repeated Attempts", func() bool { // of the next attempt, if that comes within a second
		if r := enter("314159"); r.Error == "" {
			t.Errorf("%+v", r)
		}
		h.hears("connected", "disconnected", "advertising")
		return failedWith(t, output(t, "jelling-1.btsnoop"), 0x09)
	})
	until(t, "pairing after the wait", func() bool { return enter("271828").Error == "" })
	h.hears("paired")
	d.is("resolved")
	if r := d.does("read cd14"); r.Value != "666f7220667269656e6473" {
		t.Errorf("%+v", r)
	}
	d.drop(s.peer)
	h.hears("disconnected")
	h.stop()

	t.Log("the telephone has forgotten, and offers less than the bond has: no window allows that")
	h = s.advertise("--pairable-for", "1m")
	run(t, "btmgmt", "--index", "1", "sc", "off")
	d.does("remove")
	d.does("find " + s.peer)
	if r := d.tries("pair"); !strings.Contains(r.Error, "AuthenticationFailed") {
		t.Errorf("%+v", r)
	}
	h.hears("repair_refused", "disconnected")
	h.stop()

	t.Log("a box without bonds, with Secure Connections only, and a telephone that has none")
	other := &session{t: t, state: filepath.Join(t.TempDir(), "state"), peer: s.peer, runs: s.runs}
	h = other.advertise("--sc-only")
	d.does("find " + s.peer)
	if r := d.tries("pair"); !strings.Contains(r.Error, "AuthenticationFailed") {
		t.Errorf("%+v", r)
	}
	if e := h.hears("pairing_failed")["pairing_failed"]; e.Reason != "Authentication Requirements" || !failedWith(t, output(t, "jelling-3.btsnoop"), 0x03) {
		t.Errorf("%+v", e)
	}
}

// failedWith looks for our Pairing Failed with a reason in a capture.
func failedWith(t *testing.T, capture string, reason byte) bool {
	t.Helper()
	for _, r := range captured(t, capture) {
		if r.Opcode == transport.OpACLOut && len(r.Data) == 10 && r.Data[6] == 6 && r.Data[8] == 5 && r.Data[9] == reason {
			return true
		}
	}
	return false
}

// TestPeripheralUpgrade: a bond made by Just Works is not enough for a value, so that BlueZ pairs again on the encrypted
// link, by passkey. The new key refreshes the encryption.
func TestPeripheralUpgrade(t *testing.T) {
	d := newDesk(t, "KeyboardOnly")
	s := newSession(t, d.box.Address().String())
	h := s.advertise()
	d.does("find " + s.peer)
	d.does("pair")
	if p := h.hears("paired")["paired"]; p.Method != "just-works" {
		t.Errorf("%+v", p)
	}
	d.is("resolved")
	d.drop(s.peer)
	h.hears("disconnected")
	h.stop()

	h = s.advertise("--io", "display", "--passkey", "271828", "--trust-passkey")
	d.does("connect")
	h.hears("encrypted")
	d.is("resolved")
	d.does("passkey 271828")
	if r := d.does("read cd14"); r.Value != "666f7220667269656e6473" {
		t.Errorf("%+v", r)
	}
	p := h.hears("paired")["paired"]
	if p.Method != "passkey" || !is(p.Authenticated, true) {
		t.Errorf("%+v", p)
	}
	d.drop(s.peer)
	h.hears("disconnected", "advertising")
	d.does("connect")
	h.hears("encrypted")
	d.is("resolved")
	if r := d.does("read cd14"); r.Value != "666f7220667269656e6473" {
		t.Errorf("%+v", r)
	}
}
