package gap_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Somebody who knows a peer's identity address from before it began to hide sends it: in network privacy mode he is
// neither heard nor connected to nor let in, whoever resolves; in device privacy mode he is, and has no key.
func TestReplayOfAnIdentityAddress(t *testing.T) {
	for _, hider := range hiders {
		for _, network := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, network %v", hider.name, network), func(t *testing.T) {
				inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
					privacy := hider.privacy
					if network {
						privacy.Network = func(hci.Address) bool { return true }
					}
					c := openStation(t, air, stationConfig{radio: hider.radio, privacy: privacy, irk: 1})
					p := openStation(t, air, stationConfig{privacy: private, irk: 2})
					defer c.Close()
					c.bond(ctx, p)
					ours, theirs, err := c.meet(ctx, p, p.Identity(), smp.LevelNone) // which is there for who has the key
					if err != nil {
						t.Fatal(err)
					}
					ours.Disconnect(hci.RemoteUserTerminatedConnection)
					<-theirs.Ended()
					_ = p.Close()
					before := c.log.count(is[gap.Connected])

					impostor := openStation(t, air, stationConfig{radio: virtual.ControllerConfig{Address: p.Identity().Octets}, irk: 3})
					defer impostor.Close()
					minute, cancel := context.WithTimeout(ctx, time.Minute)
					var wg sync.WaitGroup
					wg.Go(func() { _, _ = impostor.Advertise(minute, gap.AdvertiseConfig{}) })
					heard := 0
					for a, err := range c.Scan(minute, gap.ScanConfig{}) {
						if err != nil {
							t.Fatal(err)
						}
						if a.Identity == p.Identity() {
							heard++
						}
					}
					wg.Wait()
					cancel()
					if (heard == 0) != network {
						t.Errorf("heard %d times", heard)
					}

					minute, cancel = context.WithTimeout(ctx, time.Minute)
					_, _, err = c.meet(minute, impostor, p.Identity(), smp.LevelNone)
					cancel()
					var missing *gap.NotSeenError
					var lost *smp.LostBondError
					if network != errors.As(err, &missing) || network == errors.As(err, &lost) {
						t.Errorf("Connect: %v", err)
					}

					minute, cancel = context.WithTimeout(ctx, time.Minute)
					defer cancel()
					wg.Go(func() {
						if conn, err := c.Advertise(minute, gap.AdvertiseConfig{}); err == nil {
							<-conn.Ended()
						}
					})
					for a, err := range impostor.Scan(minute, gap.ScanConfig{}) {
						if err != nil {
							t.Fatal(err)
						}
						conn, err := impostor.Connect(minute, a.Address, gap.ConnectConfig{NoGATT: true})
						if err == nil {
							idle(10 * time.Second)
							if network != (conn.Err() != nil) {
								t.Errorf("the link of the impostor: %v", conn.Err())
							}
							conn.Disconnect(hci.RemoteUserTerminatedConnection)
						}
						break
					}
					cancel()
					wg.Wait()
					if n := c.log.count(is[gap.Connected]) - before; (n == 0) != network {
						t.Errorf("%d connections were told", n)
					}
				})
			})
		}
	}
}

// Peers have their modes each, and one that gave no IRK goes by its identity address in any.
func TestModesOfPeers(t *testing.T) {
	inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
		strict := map[hci.Address]bool{}
		var mu sync.Mutex
		privacy := private
		privacy.Network = func(peer hci.Address) bool { mu.Lock(); defer mu.Unlock(); return strict[peer] }
		c := openStation(t, air, stationConfig{privacy: privacy, irk: 1})
		defer c.Close()
		plain := openStation(t, air, stationConfig{irk: 2})
		keyless := openStation(t, air, stationConfig{irk: 3, security: smp.Config{ResponderKeys: smp.DistributeEnc, InitiatorKeys: smp.DistributeEnc | smp.DistributeID}})
		mu.Lock()
		strict[keyless.Identity()] = true
		mu.Unlock()
		for _, p := range []*station{plain, keyless} {
			defer p.Close()
			ours, theirs, err := c.meet(ctx, p, p.Identity(), smp.LevelEncrypted)
			if err != nil {
				t.Fatal(err)
			}
			idle(time.Second)
			ours.Disconnect(hci.RemoteUserTerminatedConnection)
			<-theirs.Ended()
			idle(20 * time.Minute)
			ours, theirs, err = c.meet(ctx, p, p.Identity(), smp.LevelNone)
			if err != nil {
				t.Fatal(err)
			}
			if ours.OnAir() != p.Identity() || !ours.Security().Encrypted {
				t.Errorf("%v on air, %+v", ours.OnAir().Text(), ours.Security())
			}
			ours.Disconnect(hci.RemoteUserTerminatedConnection)
			<-theirs.Ended()
		}
	})
}

// What a host goes by, and what it is kept as: complaint 25, public and random addresses mixed up.
func TestOwnAddress(t *testing.T) {
	static := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
	for _, s := range []struct {
		name     string
		own      gap.OwnAddress
		identity hci.Address // zero: the host's choice
		public   bool        // the identity is to be the controller's address
		hides    bool
	}{
		{"public", gap.OwnIdentity, hci.Address{}, true, false},
		{"a static one that is given", gap.OwnIdentity, static, false, false},
		{"static", gap.OwnStatic, hci.Address{}, false, false},
		{"public, hidden", gap.OwnResolvable, hci.Address{}, true, true},
		{"static, hidden", gap.OwnResolvable, static, false, true},
	} {
		t.Run(s.name, func(t *testing.T) {
			inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
				h := openStation(t, air, stationConfig{privacy: gap.Privacy{Own: s.own}, security: smp.Config{Identity: s.identity}, irk: 1})
				c := openStation(t, air, stationConfig{irk: 2})
				defer h.Close()
				defer c.Close()
				identity := h.Identity()
				if s.public != (identity == h.radio.Address()) || !s.public && !identity.IsStatic() || !s.identity.IsZero() && identity != s.identity {
					t.Errorf("identity %v", identity.Text())
				}
				onAir := c.find(ctx, h)
				if s.hides != h.isOf(onAir) || !s.hides && onAir != identity {
					t.Errorf("%v on air, %v behind it", onAir.Text(), identity.Text())
				}
				ours, theirs, err := c.meet(ctx, h, onAir, smp.LevelEncrypted)
				if err != nil {
					t.Fatal(err)
				}
				if ours.Peer() != identity || theirs.Link().LocalAddress() != onAir {
					t.Errorf("known as %v, connected as %v", ours.Peer().Text(), theirs.Link().LocalAddress().Text())
				}
			})
		})
	}
}

// A host that hides is the same to its peers after a restart: its static address and its key are kept with the bonds.
func TestIdentityIsKeptWithTheBonds(t *testing.T) {
	dir := t.TempDir()
	inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
		c := openStation(t, air, stationConfig{irk: 1})
		defer c.Close()
		radio := air.NewController(virtual.ControllerConfig{})
		h := &station{t: t}
		begin := func() (end func()) {
			store, err := bondstore.Open(dir, bondstore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			identity, err := store.StaticAddress()
			if err != nil {
				t.Fatal(err)
			}
			if h.irk, err = store.LocalIRK(identity); err != nil {
				t.Fatal(err)
			}
			h.Host, err = gap.Open(ctx, radio.Conn(), gap.Config{Privacy: private, Security: smp.Config{Store: store, Identity: identity}})
			if err != nil {
				t.Fatal(err)
			}
			return func() { _ = h.Close(); _ = store.Close() }
		}
		end := begin()
		first := h.Identity()
		c.bond(ctx, h)
		end()
		defer begin()()
		if h.Identity() != first {
			t.Errorf("%v, was %v", h.Identity(), first)
		}
		ours, theirs, err := c.meet(ctx, h, first, smp.LevelNone)
		if err != nil {
			t.Fatal(err)
		}
		idle(time.Second) // until it has heard of it too
		if !h.isOf(ours.OnAir()) || !theirs.Security().Encrypted {
			t.Errorf("%v on air, %+v", ours.OnAir().Text(), theirs.Security())
		}
	})
}

// A controller that comes back hides as the one before it, and knows the same peers (complaints 4 and 10: hangs, leaks).
func TestPrivacySurvivesRecovery(t *testing.T) {
	for _, hider := range hiders {
		t.Run(hider.name, func(t *testing.T) {
			inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
				var c *station
				recovery := gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) { return c.radio.Conn(), nil }}}}
				c = openStation(t, air, stationConfig{radio: hider.radio, privacy: hider.privacy, irk: 1, recovery: recovery})
				p := openStation(t, air, stationConfig{radio: hider.radio, privacy: hider.privacy, irk: 2})
				defer c.Close()
				defer p.Close()
				c.bond(ctx, p)
				for _, fail := range []func(){c.radio.Unplug, func() { c.radio.HoldCommands(true) }} {
					fail()
					idle(time.Minute)
					c.radio.HoldCommands(false)
					idle(20 * time.Minute)
					ours, theirs, err := c.meet(ctx, p, p.Identity(), smp.LevelNone)
					if err != nil {
						t.Fatal(err)
					}
					if !c.isOf(theirs.OnAir()) || !p.isOf(ours.OnAir()) || !ours.Security().Encrypted {
						t.Errorf("%v and %v on air", theirs.OnAir().Text(), ours.OnAir().Text())
					}
					ours.Disconnect(hci.RemoteUserTerminatedConnection)
					<-theirs.Ended()
				}
			})
		})
	}
}

// A set with an address of its own is what the peer has connected to: pairing is computed with that (complaint 19,
// extended advertising, and complaint 25).
func TestPairingByASetsOwnAddress(t *testing.T) {
	own := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
	for name, extended := range map[string]bool{"legacy advertisements": false, "extended advertisements": true} {
		for _, privacy := range []gap.Privacy{{}, private} {
			t.Run(fmt.Sprintf("%s, own address %d", name, privacy.Own), func(t *testing.T) {
				inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
					c, p := openStation(t, air, stationConfig{irk: 1}), openStation(t, air, stationConfig{privacy: privacy, irk: 2})
					defer c.Close()
					defer p.Close()
					a, err := p.NewAdvertising(ctx, gap.AdvertiseConfig{Address: own, Extended: extended})
					if err != nil {
						t.Fatal(err)
					}
					defer a.Close()
					ours, err := c.Connect(ctx, own, gap.ConnectConfig{Security: smp.LevelEncrypted, NoGATT: true})
					if err != nil {
						t.Fatal(err)
					}
					theirs, err := a.Accept(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if theirs.Link().LocalAddress() != own || ours.Peer() != own || !ours.Security().Encrypted {
						t.Errorf("connected as %v, known as %v", theirs.Link().LocalAddress().Text(), ours.Peer().Text())
					}
				})
			})
		}
	}
}

// An address that was heard before there was a bond is that peer's, whatever it is on air now.
func TestConnectByAnOldAddress(t *testing.T) {
	for _, hider := range hiders {
		t.Run(hider.name, func(t *testing.T) {
			inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
				c := openStation(t, air, stationConfig{radio: hider.radio, privacy: hider.privacy, irk: 1})
				p := openStation(t, air, stationConfig{privacy: private, irk: 2})
				defer c.Close()
				defer p.Close()
				old := c.find(ctx, p)
				c.bond(ctx, p)
				idle(time.Hour)
				ours, _, err := c.meet(ctx, p, old, smp.LevelNone)
				if err != nil {
					t.Fatal(err)
				}
				if ours.OnAir() == old || ours.Peer() != p.Identity() || !ours.Security().Encrypted {
					t.Errorf("%v on air, %v", ours.OnAir().Text(), ours.Peer())
				}
			})
		})
	}
}

// A controller that refuses a new address is asked again soon, and goes on with what it was at meanwhile.
func TestRotationRefused(t *testing.T) {
	inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
		p, s := openStation(t, air, stationConfig{privacy: private, irk: 1}), openStation(t, air, stationConfig{})
		defer p.Close()
		defer s.Close()
		before := s.find(ctx, p)
		a, err := p.NewAdvertising(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "meter"}})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		p.radio.Refuse(hci.OpLESetRandomAddress, hci.CommandDisallowed)
		heard := func() (last hci.Address) {
			short, cancel := context.WithTimeout(ctx, 4*time.Second)
			defer cancel()
			for a, err := range s.Scan(short, gap.ScanConfig{}) {
				if err != nil {
					t.Fatal(err)
				}
				last = a.Address
			}
			return last
		}
		idle(15 * time.Minute)
		if got := heard(); got != before {
			t.Errorf("%v, was %v", got, before)
		}
		idle(10 * time.Second)
		if got := heard(); got == before || !p.isOf(got) {
			t.Errorf("%v, was %v", got, before)
		}
	})
}
