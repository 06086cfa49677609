package gap_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// bondedHosts is two hosts with a bond, and what both have stored.
func bondedHosts(t *testing.T, central, peripheral smp.Config) (x *tapped, ours, theirs smp.Store) {
	t.Helper()
	ours, theirs = smp.NewMemoryStore(), smp.NewMemoryStore()
	central.Store, peripheral.Store = ours, theirs
	x = newTapped(t, pairConfig{central: central, peripheral: peripheral})
	bond(t, x.pair)
	return x, ours, theirs
}

// unharmed wants the central's bond to be what it was, and the two to connect by it.
func (p *tapped) unharmed(t *testing.T, before string) {
	t.Helper()
	if now, _ := keysOf(t, p.central, peripheralAddress); now != before {
		t.Error("the central's bond is not what it was")
	}
	central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
	if err != nil {
		t.Fatalf("the peer itself can't connect any more: %v", err)
	}
	if !central.Security().Encrypted || p.log.count(is[gap.Repaired]) != 0 {
		t.Errorf("%+v, %d repairs", central.Security(), p.log.count(is[gap.Repaired]))
	}
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-peripheral.Ended()
}

// once injects an SMP PDU in the peer's name, in front of the first packet on the link.
func once(pdu []byte) func([]byte) [][]byte {
	var done atomic.Bool
	return func(p []byte) [][]byte {
		if isConnection(p) && !done.Swap(true) {
			return [][]byte{p, acl(p, pdu)}
		}
		return [][]byte{p}
	}
}

// isLE tells an LE meta event of that kind.
func isLE(p []byte, kind hci.Subevent) bool {
	return isEvent(p, hci.EvLEMeta) && len(p) > 6 && hci.Subevent(p[3]) == kind
}

// acl is an SMP PDU on the link that a Connection Complete event announces.
func acl(connected, pdu []byte) []byte {
	handle := [2]byte{connected[5], connected[6]}
	return withSMP([]byte{hci.ACLPacket, handle[0], handle[1] | 0x20, 0, 0, 0, 0, 6, 0}, pdu)
}

// Spoofed Security Request: somebody sends one in the clear, in the name of a peer that wants its bond. The link is
// encrypted by the bond as ever, and the record still says what the peer wants, so that 0x06 from a spoofer later on
// repairs nothing.
func TestAttackSpoofedSecurityRequest(t *testing.T) {
	for _, request := range []byte{0x00, 0x01, 0x05, 0x0D} {
		synctest.Test(t, func(t *testing.T) {
			x, ours, _ := bondedHosts(t, smp.Config{}, smp.Config{})
			defer x.close()
			edit(t, ours, x.central.Identity(), peripheralAddress, func(r *smp.Record) { r.Wish = smp.WishBond })
			before, _ := keysOf(t, x.central, peripheralAddress)
			x.meddlers[0].set(once([]byte{0x0B, request}))
			x.unharmed(t, before)
			if n := x.log.count(is[gap.SecurityRequested]); n != 1 {
				t.Errorf("%d Security Requests were heard", n)
			}
			if r, _ := ours.Load(x.central.Identity(), peripheralAddress); r.Wish != smp.WishBond {
				t.Errorf("wish %s", r.Wish)
			}
			x.meddlers[0].set(nil)
			x.unharmed(t, before)
		})
	}
}

// Spoofed 0x06: somebody rejects our encryption in the peer's name. The reject is plaintext and proves nothing: the
// bond is kept, nothing goes out in the clear, and the peer itself comes back with the old key.
func TestAttackSpoofed0x06(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, ours, _ := bondedHosts(t, smp.Config{}, smp.Config{})
		defer x.close()
		edit(t, ours, x.central.Identity(), peripheralAddress, func(r *smp.Record) { r.Wish = smp.WishBond })
		before, _ := keysOf(t, x.central, peripheralAddress)
		x.meddlers[0].set(func(p []byte) [][]byte {
			if isEvent(p, hci.EvEncryptionChange) {
				p[3], p[6] = byte(hci.PINOrKeyMissing), 0
			}
			return [][]byte{p}
		})
		for range 3 {
			_, _, err := x.connect(t.Context(), gap.ConnectConfig{})
			var lost *smp.LostBondError
			if !errors.As(err, &lost) || lost.Decision.Why != smp.WhyWishBond {
				t.Errorf("Connect: %v", err)
			}
		}
		x.meddlers[0].set(nil)
		x.unharmed(t, before)
		if r, _ := ours.Load(x.central.Identity(), peripheralAddress); r.Lost || r.History.Lost != 3 {
			t.Errorf("%+v", r.Public())
		}
	})
}

// Identity theft: a stranger pairs, encrypts, and then says that it is somebody we have a bond with. Its keys are
// rejected, the old bond is kept.
func TestAttackIdentityTheft(t *testing.T) {
	for name, policy := range map[string]smp.Policy{
		"secure connections": {}, "legacy": {SecureConnections: smp.SecureConnectionsOff},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, ours, _ := bondedHosts(t, smp.Config{Policy: policy}, smp.Config{Policy: policy})
				defer x.close()
				before, _ := keysOf(t, x.central, peripheralAddress)
				_ = x.peripheral.Close()

				thief := &meddler{Conn: x.air.NewController(x.radioConfig).Conn()}
				thief.setOut(func(p []byte) []byte {
					if pdu := smpOf(p); len(pdu) == 8 && pdu[0] == 0x09 {
						return withSMP(p, append([]byte{0x09}, peripheralAddress.AppendTo(nil)...))
					}
					return p
				})
				x.openPeripheral(t, thief, smp.Config{Policy: policy, Store: smp.NewMemoryStore()})
				theft := x.peripheral.Identity()
				advertised, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() { _, _ = x.peripheral.Advertise(advertised, gap.AdvertiseConfig{}) }()
				_, err := x.central.Connect(t.Context(), theft, gap.ConnectConfig{Security: smp.LevelEncrypted})
				if !errors.Is(err, smp.KeyRejected) {
					t.Errorf("Connect: %v", err)
				}
				if now, _ := keysOf(t, x.central, peripheralAddress); now != before {
					t.Error("the victim's bond is not what it was")
				}
				if r, ok := ours.Load(x.central.Identity(), theft); ok && r.Bonded {
					t.Error("the thief has a bond")
				}
			})
		})
	}
}

// Downgrade on repair: 0x06 on a bond that is authenticated, or Secure Connections, or of sixteen octets, and then an
// offer of less. It is refused whatever a person says, reported, and the old bond is kept.
func TestAttackDowngradeOnRepair(t *testing.T) {
	for name, offer := range map[string]smp.Config{
		"just works":         {},
		"legacy":             {Policy: smp.Policy{SecureConnections: smp.SecureConnectionsOff}, Delegate: twoPeople{io: smp.DisplayYesNo}},
		"a key of 7 octets":  {Policy: smp.Policy{MaxKeySize: 7}, Delegate: twoPeople{io: smp.DisplayYesNo}},
		"everything is less": {Policy: smp.Policy{SecureConnections: smp.SecureConnectionsOff, MaxKeySize: 7}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := people(smp.DisplayYesNo, smp.DisplayYesNo)
				x, _, theirs := bondedHosts(t, smp.Config{Policy: smp.Policy{LostBond: smp.LostRepair}, Delegate: c}, smp.Config{Delegate: p})
				defer x.close()
				before, _ := keysOf(t, x.central, peripheralAddress)
				_ = x.peripheral.Close()
				x.openPeripheral(t, x.radios[1].Conn(), offer)
				_, _, err := x.connect(t.Context(), gap.ConnectConfig{})
				var lost *smp.LostBondError
				if !errors.As(err, &lost) {
					t.Errorf("Connect: %v", err)
				}
				if x.log.count(is[gap.BondLost]) != 1 || x.log.count(is[gap.Repaired]) != 0 {
					t.Error("not reported as lost, or as repaired")
				}
				if now, _ := keysOf(t, x.central, peripheralAddress); now != before {
					t.Error("the bond is not what it was")
				}
				_ = x.peripheral.Close()
				x.openPeripheral(t, x.radios[1].Conn(), smp.Config{Store: theirs, Delegate: p})
				x.unharmed(t, before)
			})
		})
	}
}

// Re-pairing over a bond on a plain link: somebody with the address of a bonded central pairs with us. Without consent,
// and without a window, it is refused; the central itself comes back with the old key, and its subscription is there.
func TestAttackPairingOverABondInTheClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, ours, theirs := bondedHosts(t, smp.Config{}, smp.Config{})
		defer x.close()
		subscribeOnce(t, x)
		before, _ := keysOf(t, x.peripheral, x.central.Identity())

		_ = x.central.Close()
		attacker := x.openCentral(t, smp.Config{Store: smp.NewMemoryStore()})
		accepted := make(chan *gap.Conn, 1)
		go func() {
			c, _ := x.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{})
			accepted <- c
		}()
		if _, err := attacker.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{Security: smp.LevelEncrypted}); !errors.Is(err, smp.PairingNotSupported) {
			t.Errorf("Connect: %v", err)
		}
		<-(<-accepted).Ended()
		if now, _ := keysOf(t, x.peripheral, x.central.Identity()); now != before {
			t.Error("the bond is not what it was")
		}
		_ = attacker.Close()
		x.central = x.openCentral(t, smp.Config{Store: ours})
		central, peripheral, err := x.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if x.server.Subscribers(x.reading) != 1 {
			t.Error("the central's subscription is gone")
		}
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-peripheral.Ended()
		_ = theirs
	})
}

// subscribeOnce has the central subscribe on a link of its own, and leaves the subscription there.
func subscribeOnce(t *testing.T, x *tapped) {
	t.Helper()
	central, peripheral, err := x.connect(t.Context(), gap.ConnectConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.subscribe(t.Context(), central, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-peripheral.Ended()
}

// openCentral puts another central on the first controller, whose host has been closed.
func (p *tapped) openCentral(t *testing.T, security smp.Config) *gap.Host {
	t.Helper()
	h, err := gap.Open(t.Context(), p.radios[0].Conn(), gap.Config{Security: security, Events: p.log.add})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// A central that has lost its bond pairs again while pairing is open to all. It could be anybody, so that what the one
// before subscribed to is cleared.
func TestRepairedByThePeerItIsNobodysSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, _, _ := bondedHosts(t, smp.Config{}, smp.Config{})
		defer x.close()
		subscribeOnce(t, x)
		_ = x.central.Close()
		x.peripheral.OpenPairing(time.Minute)
		x.central = x.openCentral(t, smp.Config{Store: smp.NewMemoryStore()})
		central, peripheral, err := x.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := x.server.Subscribers(x.reading); n != 0 {
			t.Errorf("%d subscribers", n)
		}
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-peripheral.Ended()

		central, peripheral, err = x.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := x.server.Subscribers(x.reading); n != 0 {
			t.Errorf("%d subscribers on the next link", n)
		}
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-peripheral.Ended()
	})
}

// A pairing on the link that the bond has encrypted is by the same peer: its subscription holds.
func TestPairedAgainByTheSamePeerItIsItsSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := people(smp.DisplayYesNo, smp.DisplayYesNo)
		all := &absent{}
		x, _, _ := bondedHosts(t, smp.Config{Delegate: latecomer{c, all}}, smp.Config{Delegate: latecomer{p, all}})
		defer x.close()
		subscribeOnce(t, x)
		all.here.Store(true)
		for range 2 { // on that link, and on the next
			central, peripheral, err := x.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelAuthenticated})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := x.server.Subscribers(x.reading); n != 1 {
				t.Errorf("%d subscribers", n)
			}
			central.Disconnect(hci.RemoteUserTerminatedConnection)
			<-peripheral.Ended()
		}
		if n := x.log.count(is[gap.Paired]); n != 2 {
			t.Errorf("paired %d times", n)
		}
	})
}

// Silence: somebody with a bonded peer's address and no key asks for nothing, rejects nothing and answers nothing. No
// ATT of ours goes out, in either role, and the attempt ends.
func TestAttackSilence(t *testing.T) {
	t.Run("as the peripheral", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x, _, theirs := bondedHosts(t, smp.Config{}, smp.Config{})
			defer x.close()
			before, _ := keysOf(t, x.central, peripheralAddress)
			_ = x.peripheral.Close()
			ear := &eavesdropper{Conn: &meddler{Conn: x.radios[1].Conn(), in: func(p []byte) [][]byte {
				if isLE(p, hci.EvLELongTermKeyRequest) || smpOf(p) != nil {
					return nil // its host does not hear of it
				}
				return [][]byte{p}
			}}}
			x.openPeripheral(t, ear, smp.Config{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, _, err := x.connect(ctx, gap.ConnectConfig{}); err == nil {
				t.Error("connected")
			}
			if n := ear.inTheClear(); n != 0 {
				t.Errorf("%d ATT PDUs of ours in the clear", n)
			}
			_ = x.peripheral.Close()
			x.openPeripheral(t, x.radios[1].Conn(), smp.Config{Store: theirs})
			x.unharmed(t, before)
		})
	})
	t.Run("as the central", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x, _, _ := bondedHosts(t, smp.Config{}, smp.Config{})
			defer x.close()
			subscribeOnce(t, x)
			_ = x.central.Close()
			ear := &eavesdropper{Conn: x.radios[0].Conn()}
			spoofer, err := gap.Open(t.Context(), ear, gap.Config{MTU: 23})
			if err != nil {
				t.Fatal(err)
			}
			defer spoofer.Close()
			accepted := make(chan *gap.Conn, 1)
			go func() {
				c, _ := x.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{})
				accepted <- c
			}()
			c, err := spoofer.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{})
			if err != nil {
				t.Fatal(err)
			}
			p := <-accepted
			if err := x.server.Notify(t.Context(), x.reading, []byte{1}); err != nil && !errors.Is(err, gap.ErrNotEncrypted) {
				t.Errorf("Notify: %v", err)
			}
			if _, err := p.Client().FindCharacteristics(t.Context(), x.reading.UUID); !errors.Is(err, gap.ErrNotEncrypted) {
				t.Errorf("as client: %v", err)
			}
			time.Sleep(time.Minute)
			if n := ear.inTheClear(); n != 0 {
				t.Errorf("%d ATT PDUs of ours in the clear", n)
			}
			c.Disconnect(hci.RemoteUserTerminatedConnection)
			<-p.Ended()
		})
	})
}

// Key PDUs injected before encryption: whoever sends keys in the clear in a peer's name ends the pairing, and neither
// has its keys taken nor the old bond lost.
func TestAttackInjectedKeys(t *testing.T) {
	identity := append([]byte{0x09}, peripheralAddress.AppendTo(nil)...)
	for name, pdu := range map[string][]byte{
		"LTK": pduOf(0x06, 17), "EDIV and Rand": pduOf(0x07, 11), "IRK": pduOf(0x08, 17), "identity": identity, "CSRK": pduOf(0x0A, 17),
	} {
		for _, bonded := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					x, ours, theirs := bondedHosts(t, smp.Config{Policy: smp.Policy{LostBond: smp.LostRepair}}, smp.Config{})
					defer x.close()
					before, _ := keysOf(t, x.central, peripheralAddress)
					if err := theirs.Delete(x.peripheral.Identity(), x.central.Identity()); err != nil {
						t.Fatal(err)
					}
					if !bonded {
						if err := ours.Delete(x.central.Identity(), peripheralAddress); err != nil {
							t.Fatal(err)
						}
						before = ""
					}
					x.meddlers[0].set(func(p []byte) [][]byte {
						if isEvent(p, hci.EvEncryptionChange) && p[3] == 0 {
							return [][]byte{x.link(pdu), p}
						}
						x.remember(p)
						return [][]byte{p}
					})
					_, _, err := x.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
					if !errors.Is(err, smp.UnspecifiedReason) {
						t.Errorf("Connect: %v", err)
					}
					if now, _ := keysOf(t, x.central, peripheralAddress); now != before {
						t.Error("the bond is not what it was")
					}
				})
			})
		}
	}
}

// Signatures of a connection are the session's: with signing keys in the bond the peer takes them, once.
func TestSignedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := smp.DistributeEnc | smp.DistributeID | smp.DistributeSign
		security := smp.Config{InitiatorKeys: all, ResponderKeys: all}
		x, _, _ := bondedHosts(t, security, security)
		defer x.close()
		central, peripheral, err := x.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		message := []byte{0xD2, 3, 0, 1}
		signature, err := central.Sign(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := peripheral.Verify(message, signature); err != nil {
			t.Error(err)
		}
		if err := peripheral.Verify(message, signature); !errors.Is(err, smp.ErrReplayed) {
			t.Errorf("again: %v", err)
		}
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-peripheral.Ended()
	})
}
