package gap_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Directed advertising between bonded hosts: the central finds what is meant for it and connects, whoever of the two hides
// (Vol 6, Part B, 6.2.2 and 6.4). To one that hides it takes a resolving list: without one the controller would not know
// who answers.
func TestDirectedToAPrivateAddress(t *testing.T) {
	public := gap.Privacy{}
	for _, s := range []struct {
		name                string
		central, peripheral gap.Privacy
		peripheralRadio     virtual.ControllerConfig
	}{
		{"both hide", private, private, virtual.ControllerConfig{}},
		{"the central hides", private, public, virtual.ControllerConfig{}},
		{"the peripheral hides", public, private, virtual.ControllerConfig{}},
		{"nobody hides", public, public, virtual.ControllerConfig{}},
		{"a public central, the peripheral without a list", public, private, virtual.ControllerConfig{ResolvingListSize: -1}},
	} {
		for _, high := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, high duty %v", s.name, high), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					air := virtual.NewAir(virtual.AirConfig{})
					defer air.Close()
					ctx := t.Context()
					c := openStation(t, air, stationConfig{privacy: s.central, irk: 1})
					p := openStation(t, air, stationConfig{privacy: s.peripheral, radio: s.peripheralRadio, irk: 2})
					defer c.Close()
					defer p.Close()
					c.bond(ctx, p)
					time.Sleep(time.Hour)
					connected := make(chan *gap.Conn, 1)
					go func() {
						conn, err := c.Connect(ctx, p.Identity(), gap.ConnectConfig{NoGATT: true})
						if err != nil {
							t.Error(err)
						}
						connected <- conn
					}()
					time.Sleep(time.Second)
					attempt, cancel := context.WithTimeout(ctx, time.Minute)
					defer cancel()
					theirs, err := p.Advertise(attempt, gap.AdvertiseConfig{Peer: c.Identity(), HighDuty: high, Restart: gap.RestartNever})
					if err != nil {
						t.Fatal(err)
					}
					ours := <-connected
					if theirs.Peer() != c.Identity() || ours.Peer() != p.Identity() || !ours.Security().Encrypted {
						t.Errorf("%v and %v", theirs.Peer(), ours.Peer())
					}
					if hides := s.central.Own == gap.OwnResolvable; hides != c.isOf(theirs.OnAir()) {
						t.Errorf("the central is %v on air", theirs.OnAir().Text())
					}
					if hides := s.peripheral.Own == gap.OwnResolvable || p.Controller().Resolves(c.Identity()); hides != p.isOf(ours.OnAir()) {
						t.Errorf("the peripheral is %v on air", ours.OnAir().Text())
					}
				})
			})
		}
	}
}

// What a stranger sees of directed advertising to a peer that hides: a private address of that peer, another one each time
// that it begins.
func TestDirectedAdvertisingNamesNobody(t *testing.T) {
	for name, privacy := range map[string]gap.Privacy{"hidden": private, "public": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var targets []string
				air := virtual.NewAir(virtual.AirConfig{Trace: func(e virtual.Trace) {
					if e.PDU == "ADV_DIRECT_IND" {
						_, target, _ := strings.Cut(e.Detail, " to ")
						targets = append(targets, target)
					}
				}})
				defer air.Close()
				c := openStation(t, air, stationConfig{privacy: private, irk: 1})
				p := openStation(t, air, stationConfig{privacy: privacy, irk: 2})
				s := openStation(t, air, stationConfig{})
				c.bond(t.Context(), p)
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
				defer cancel()
				go func() {
					for range 2 {
						attempt, cancel := context.WithTimeout(ctx, 20*time.Minute)
						if conn, err := p.Advertise(attempt, gap.AdvertiseConfig{Peer: c.Identity()}); err == nil {
							t.Errorf("%v has connected", conn.Peer())
						}
						cancel()
					}
				}()
				for a, err := range s.Scan(ctx, gap.ScanConfig{Passive: true}) {
					t.Errorf("a stranger is told of %v, %v", a.Address, err)
				}
				for _, station := range []*station{c, p, s} {
					_ = station.Close()
				}
				different := map[string]bool{}
				for _, text := range targets {
					target, _, err := hci.ParseAddress(text)
					if err != nil || !c.isOf(target) {
						t.Fatalf("%q is named (%v)", text, err)
					}
					different[text] = true
				}
				if len(different) < 2 {
					t.Errorf("%d addresses in %d advertisements", len(different), len(targets))
				}
			})
		})
	}
}
