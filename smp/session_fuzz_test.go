package smp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// FuzzSessionWithPeople has a host with everything: somebody who consents, shows and enters, out of band data both
// ways, pairing open to all, debug keys, keys held as on USB. Whatever a peer without keys says, and in whatever order
// the controller's events come, the bond stays what it is, and what the session says of its link holds together.
func FuzzSessionWithPeople(f *testing.F) {
	f.Add(byte(0), byte(0), []byte{7, 1, 4, 0, 13, 16, 7, 7, 0xF3, 2, 14, 1, 2, 5, 8})
	f.Add(byte(1), byte(4), []byte{2, 0x0B, 5, 0xF3, 2, 0x0B, 5, 7, 2, 1, 0, 13, 16, 3, 3})
	f.Add(byte(2), byte(2), []byte{7, 1, 3, 1, 9, 16, 3, 3, 2, 14, 0, 0xF4})
	f.Add(byte(3), byte(1), []byte{0xF0, 0xF2, 7, 2, 3, 1, 9, 16, 3, 3, 0xF3, 17, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, kind, io byte, input []byte) {
		input = input[:min(len(input), 256)]
		synctest.Test(t, func(t *testing.T) {
			record := bondWith(t, oximeterText, authenticated(secureKeys(1)), WishBond)
			who := sitter{desk: newDesk(), has: Capabilities{IO: IOCapability(io % 5), Keypress: true}, made: 5}
			m := newManager(t, Config{
				Policy: Policy{LostBond: LostRepair}, Store: storeOf(t, record), Delegate: who,
				DebugKeys: kind&2 != 0, HoldKeys: 100 * time.Millisecond, InitiatorKeys: everyKey, ResponderKeys: everyKey,
			})
			m.OpenPairing(time.Hour)
			told(t, m, nil)
			if err := m.AddOOB(OOB{Address: record.Peer, Random: Key{1}, Confirm: Key{2}, TK: Key{3}}); err != nil {
				t.Fatal(err)
			}
			l := newScript(t, m, hci.Role(kind&1), oximeterText)
			for len(input) > 0 {
				op := input[0]
				input = input[1:]
				switch op {
				case 0xF0:
					l.asks(Level(io>>4) % 4)
				case 0xF1:
					l.LongTermKey([8]byte{}, 0)
				case 0xF2:
					l.HandleEncryption(hci.PINOrKeyMissing, false, false)
				case 0xF3:
					l.HandleEncryption(hci.Success, true, false)
				case 0xF4:
					time.Sleep(pairingTimeout)
				case 0xF5:
					l.HandleDisconnect(hci.PINOrKeyMissing)
				case 0xF6:
					_ = l.Verify(input, [12]byte{})
				default:
					n := min(int(op), len(input))
					l.HandlePDU(input[:n])
					input = input[n:]
				}
				synctest.Wait()
				if s := l.Security(); s.Level() > LevelNone && s != record.Keys.Security() && s.WeakerThan(record.Keys.Security()) && l.Session.bonded {
					t.Fatalf("a weaker bond: %+v", s)
				}
			}
			if r := load(t, m, oximeterText); !r.Bonded || !sameKeys(&r.Keys, &record.Keys) && r.Prior == nil {
				t.Fatalf("%+v", r.Public())
			}
		})
	})
}
