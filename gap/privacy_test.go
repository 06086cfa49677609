package gap_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Two hosts that hide bond, and know each other when both have changed their address, whoever resolves it; what they are
// on air is what the pairing was computed with (Vol 3, Part H, 2.3.5.5 and 2.3.5.6.5: ia and ra), by legacy pairing as
// by Secure Connections, and never what they are kept as (complaints 12 and 25).
func TestPrivateBond(t *testing.T) {
	legacy := smp.Config{Policy: smp.Policy{SecureConnections: smp.SecureConnectionsOff}}
	for _, central := range hiders {
		for _, peripheral := range hiders {
			for name, security := range map[string]smp.Config{"legacy": legacy, "Secure Connections": {}} {
				t.Run(fmt.Sprintf("%s, %s, %s", central.name, peripheral.name, name), func(t *testing.T) {
					inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
						c := openStation(t, air, stationConfig{radio: central.radio, privacy: central.privacy, security: security, irk: 1})
						p := openStation(t, air, stationConfig{radio: peripheral.radio, privacy: peripheral.privacy, security: security, irk: 2})
						defer c.Close()
						defer p.Close()
						c.bond(ctx, p)
						seen := map[hci.Address]bool{}
						for range 3 {
							time.Sleep(16 * time.Minute)
							ours, theirs, err := c.meet(ctx, p, p.Identity(), smp.LevelNone)
							if err != nil {
								t.Fatal(err)
							}
							for _, s := range []struct {
								who  *station
								a    hci.Address
								self hci.Address
							}{{c, theirs.OnAir(), ours.Link().LocalAddress()}, {p, ours.OnAir(), theirs.Link().LocalAddress()}} {
								if !s.who.isOf(s.a) || s.a != s.self || seen[s.a] {
									t.Errorf("%v is %v on air, and takes itself for %v", s.who.Identity(), s.a.Text(), s.self.Text())
								}
								seen[s.a] = true
							}
							if ours.Peer() != p.Identity() || theirs.Peer() != c.Identity() || !ours.Security().Encrypted {
								t.Errorf("%v and %v, %+v", ours.Peer(), theirs.Peer(), ours.Security())
							}
							ours.Disconnect(hci.RemoteUserTerminatedConnection)
							<-ours.Ended()
							<-theirs.Ended()
						}
						if n := c.log.count(is[gap.Paired]); n != 1 {
							t.Errorf("paired %d times", n)
						}
					})
				})
			}
		}
	}
}

// A host that does not hide finds one that does, and the other way round.
func TestPrivateAndPublic(t *testing.T) {
	for _, hider := range hiders {
		for _, centralHides := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the central %v", hider.name, centralHides), func(t *testing.T) {
				inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
					cfg := [2]stationConfig{{irk: 1}, {irk: 2}}
					if centralHides {
						cfg[0].radio, cfg[0].privacy = hider.radio, hider.privacy
					} else {
						cfg[1].radio, cfg[1].privacy = hider.radio, hider.privacy
					}
					c, p := openStation(t, air, cfg[0]), openStation(t, air, cfg[1])
					defer c.Close()
					defer p.Close()
					c.bond(ctx, p)
					time.Sleep(time.Hour)
					ours, theirs, err := c.meet(ctx, p, p.Identity(), smp.LevelNone)
					if err != nil {
						t.Fatal(err)
					}
					if c.isOf(theirs.OnAir()) != centralHides || p.isOf(ours.OnAir()) == centralHides || !ours.Security().Encrypted {
						t.Errorf("%v and %v on air", theirs.OnAir().Text(), ours.OnAir().Text())
					}
				})
			})
		}
	}
}

// Our address changes every 15 minutes, or as often as it is told, and while we advertise.
func TestRotation(t *testing.T) {
	for _, c := range []struct {
		rotation time.Duration
		want     int // addresses in an hour
	}{{0, 4}, {time.Minute, 60}, {time.Millisecond, 3600}, {24 * time.Hour, 1}} {
		t.Run(fmt.Sprint(c.rotation), func(t *testing.T) {
			inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
				p := openStation(t, air, stationConfig{irk: 1, privacy: gap.Privacy{Own: gap.OwnResolvable, Rotation: c.rotation}})
				s := openStation(t, air, stationConfig{})
				defer p.Close()
				defer s.Close()
				hour, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = p.Advertise(hour, gap.AdvertiseConfig{}) })
				seen := map[hci.Address]bool{}
				for a, err := range s.Scan(hour, gap.ScanConfig{Passive: true, Interval: 100 * time.Millisecond, Window: 100 * time.Millisecond}) {
					if err != nil {
						t.Fatal(err)
					}
					if !p.isOf(a.Address) {
						t.Fatalf("%v on air", a.Address.Text())
					}
					seen[a.Address] = true
				}
				wg.Wait()
				if n := len(seen); n < c.want-c.want/50-1 || n > c.want+1 {
					t.Errorf("%d addresses in an hour, want %d", n, c.want)
				}
			})
		})
	}
}

// Both sides change their address every second while one advertises, scans and connects and the other waits to
// (complaints 3 and 18: connecting stops working, both roles at once): nothing is lost by it.
func TestRotationInMidway(t *testing.T) {
	for _, hider := range hiders {
		t.Run(hider.name, func(t *testing.T) {
			inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
				privacy := hider.privacy
				privacy.Rotation = time.Second
				c := openStation(t, air, stationConfig{radio: hider.radio, privacy: privacy, irk: 1})
				p := openStation(t, air, stationConfig{radio: hider.radio, privacy: privacy, irk: 2})
				defer c.Close()
				defer p.Close()
				c.bond(ctx, p)
				busy, stop := context.WithCancel(ctx)
				var wg sync.WaitGroup
				wg.Go(func() { // it scans and advertises all the time, as the central of others and for others
					for range c.Scan(busy, gap.ScanConfig{}) {
					}
				})
				wg.Go(func() { _, _ = c.Advertise(busy, gap.AdvertiseConfig{}) })
				for range 10 {
					var ours, theirs *gap.Conn
					done := make(chan error, 1)
					go func() {
						var err error
						ours, err = c.Connect(ctx, p.Identity(), gap.ConnectConfig{NoGATT: true})
						done <- err
					}()
					time.Sleep(5500 * time.Millisecond) // it looks for a peer that is not there yet
					theirs, err := p.Advertise(ctx, gap.AdvertiseConfig{})
					if err != nil {
						t.Fatal(err)
					}
					if err := <-done; err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second) // the link keeps the addresses that it was made with
					if !ours.Security().Encrypted || ours.Err() != nil || ours.OnAir() != theirs.Link().LocalAddress() {
						t.Errorf("%+v, %v", ours.Security(), ours.Err())
					}
					ours.Disconnect(hci.RemoteUserTerminatedConnection)
					<-theirs.Ended()
				}
				stop()
				wg.Wait()
				for _, s := range []*station{c, p} {
					if n := s.radio.Counters(); n.CommandsOverCredit+n.Malformed != 0 {
						t.Errorf("%+v", n)
					}
				}
			})
		})
	}
}

// More bonds than the controller's list holds: the rest are the host's (complaint 17: several peers).
func TestMoreBondsThanTheList(t *testing.T) {
	inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
		c := openStation(t, air, stationConfig{radio: virtual.ControllerConfig{ResolvingListSize: 2}, privacy: private, irk: 0xFF})
		defer c.Close()
		var peers []*station
		for n := range 5 {
			p := openStation(t, air, stationConfig{privacy: private, irk: byte(n + 1)})
			defer p.Close()
			c.bond(ctx, p)
			peers = append(peers, p)
		}
		time.Sleep(time.Hour)
		listed := 0
		for range 2 {
			for n, p := range peers {
				if c.Controller().Resolves(p.Identity()) {
					listed++
				}
				ours, theirs, err := c.meet(ctx, p, p.Identity(), smp.LevelNone)
				if err != nil {
					t.Fatalf("peer %d: %v", n, err)
				}
				if ours.Peer() != p.Identity() || !ours.Security().Encrypted || !p.isOf(ours.OnAir()) || !c.isOf(theirs.OnAir()) {
					t.Errorf("peer %d: %v on air, %v to it", n, ours.OnAir().Text(), theirs.OnAir().Text())
				}
				ours.Disconnect(hci.RemoteUserTerminatedConnection)
				<-theirs.Ended()
			}
			if err := c.Bonds().Delete(c.Identity(), peers[0].Identity()); err != nil { // and there is room for another
				t.Fatal(err)
			}
			peers = peers[1:]
		}
		if listed != 4 { // two of five, and of the four that are left
			t.Errorf("%d peers were the controller's", listed)
		}
	})
}

// A peer that has lost its bond comes back with a new IRK: it is a stranger, and what is told is since when it has not been
// seen; once, until it appears.
func TestPeerWithANewIRK(t *testing.T) {
	for _, hider := range hiders {
		t.Run(hider.name, func(t *testing.T) {
			inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
				c := openStation(t, air, stationConfig{radio: hider.radio, privacy: hider.privacy, irk: 1})
				defer c.Close()
				p := openStation(t, air, stationConfig{privacy: private, irk: 2, radio: virtual.ControllerConfig{Address: [6]byte{7}}})
				if _, bonded := c.LastSeen(p.Identity()); bonded {
					t.Error("it is seen before there is a bond")
				}
				c.bond(ctx, p)
				synctest.Wait()
				last, bonded := c.LastSeen(p.Identity())
				if !bonded || last.IsZero() || time.Since(last) > time.Minute {
					t.Errorf("seen %v, %v", last, bonded)
				}
				_ = p.Close()
				time.Sleep(time.Hour)
				var err error // the same device, reset to how it left the factory
				p.irk = smp.Key{3, 1}
				if p.Host, err = gap.Open(ctx, p.radio.Conn(), gap.Config{Security: smp.Config{IRK: p.irk}, Privacy: private}); err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				for range 3 {
					attempt, cancel := context.WithTimeout(ctx, time.Minute)
					_, _, err = c.meet(attempt, p, p.Identity(), smp.LevelNone)
					cancel()
					var missing *gap.NotSeenError
					if !errors.As(err, &missing) || missing.Since != last || missing.Peer != p.Identity() || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("Connect: %v", err)
					}
				}
				synctest.Wait()
				c.log.mu.Lock()
				told := 0
				for _, e := range c.log.events {
					if n, ok := e.Detail.(gap.NotSeen); ok {
						if told++; n.Since != last || e.Peer != p.Identity() {
							t.Errorf("%v: %+v", e.Peer, n)
						}
					}
				}
				c.log.mu.Unlock()
				if told != 1 {
					t.Errorf("told %d times", told)
				}
				if stranger := c.find(ctx, p); !p.isOf(stranger) {
					t.Errorf("it goes by %v", stranger.Text())
				}
			})
		})
	}
}
