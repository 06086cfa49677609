//go:build lab

package lab

import (
	"testing"

	"github.com/jelling-ble/jelling/transport"
)

// pairings counts the Pairing Requests in a capture.
func pairings(t *testing.T, capture string) (n int) {
	t.Helper()
	for _, r := range captured(t, capture) {
		// handle, length, L2CAP length, CID of SMP, Pairing Request
		if (r.Opcode == transport.OpACLOut || r.Opcode == transport.OpACLIn) && len(r.Data) == 15 && r.Data[6] == 6 && r.Data[7] == 0 && r.Data[8] == 1 {
			n++
		}
	}
	return n
}

// TestBondsFromBlueZ takes over what BlueZ has on hci0: a bond with an oximeter, which notices nothing.
func TestBondsFromBlueZ(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			r := newRoom(t)
			o := &oximeter{secureConnections: way.secureConnections}
			o.boot(t)
			before := &central{adapter: "hci0"}
			before.boot(t)
			before.does("find " + o.address)
			before.does("pair")
			before.is("resolved")
			before.drop(o.address)
			o.gone()
			before.stays = false
			before.stop()
			run(t, "btmgmt", "--index", "0", "power", "off")

			s := newSession(t, o.address)
			if out, err := s.command("bonds", "import", "--from-bluez", "auto", "--local", r.box.Address().String()).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			h := s.subscribe("--count", "5")
			h.want(connected, encrypted("stored"), disconnected(0x16))
			h.ends(0)
			if b := s.bond(); !b.Bonded || b.SecureConnections != way.secureConnections {
				t.Errorf("%+v", b)
			}
			o.gone()

			t.Log("and the other way round")
			p := s.advertise()
			after := &central{adapter: "hci1"}
			after.boot(t)
			after.does("find " + r.box.Address().String())
			after.does("connect")
			if e := p.hears("connected", "encrypted")["encrypted"]; e.Key != "stored" {
				t.Errorf("%+v", e)
			}
			after.is("resolved")
			after.does("read cd11")
			if n := pairings(t, output(t, "monitor.btsnoop")); n != 2 { // each side's
				t.Errorf("%d Pairing Requests, want the one when BlueZ had hci0", n)
			}
		})
	}
}

// TestBondsToBlueZ gives what Jelling has on hci0 to BlueZ.
func TestBondsToBlueZ(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			newRoom(t)
			o := &oximeter{secureConnections: way.secureConnections}
			o.boot(t)
			s := newSession(t, o.address)
			h := s.subscribe("--count", "3")
			h.want(connected, paired(way.secureConnections), encrypted("new"), disconnected(0x16))
			h.ends(0)
			o.gone()

			o.stays, o.daemon.stays = false, false
			o.stop()
			o.daemon.stop()
			if out, err := s.command("bonds", "export", "--to-bluez", "auto").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			o.daemon = daemonAgain(t)
			o.attach(t)
			c := &central{adapter: "hci0"}
			c.boot(t)
			c.does("find " + o.address)
			c.does("connect")
			c.is("resolved")
			if r := c.does("read cd01"); len(r.Value) != 8 {
				t.Errorf("%+v", r)
			}
			if n := pairings(t, output(t, "monitor.btsnoop")); n != 2 {
				t.Errorf("%d Pairing Requests, want the one when Jelling had hci0", n)
			}
		})
	}
}
