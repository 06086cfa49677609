package gap_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// station is a host on a controller of its own, whose IRK the test knows.
type station struct {
	*gap.Host
	t     testing.TB
	radio *virtual.Controller
	irk   smp.Key
	log   *eventLog
}

// stationConfig is what differs from test to test.
type stationConfig struct {
	tap      func(transport.Conn) transport.Conn
	radio    virtual.ControllerConfig
	privacy  gap.Privacy
	security smp.Config
	recovery gap.Recovery
	irk      byte
}

func openStation(t testing.TB, air *virtual.Air, cfg stationConfig) *station {
	t.Helper()
	s := &station{t: t, radio: air.NewController(cfg.radio), irk: smp.Key{cfg.irk, 1}, log: &eventLog{}}
	cfg.security.IRK = s.irk
	conn := s.radio.Conn()
	if cfg.tap != nil {
		conn = cfg.tap(conn)
	}
	var err error
	if s.Host, err = gap.Open(t.Context(), conn, gap.Config{Security: cfg.security, Privacy: cfg.privacy, Recovery: cfg.recovery,
		Events: s.log.add, Logger: talkativeLog()}); err != nil {
		t.Fatal(err)
	}
	tellSecrets(t, s.Host)
	return s
}

// private is a host that hides.
var private = gap.Privacy{Own: gap.OwnResolvable}

// isOf tells whether an address on air was made by the station.
func (s *station) isOf(a hci.Address) bool {
	return a.IsResolvable() && btcrypto.NewCipher(s.irk).Resolves(a.Octets)
}

// meet connects two stations by that address, bonds them if asked to, and gives both ends.
func (s *station) meet(ctx context.Context, other *station, peer hci.Address, level smp.Level) (ours, theirs *gap.Conn, err error) {
	advertising, cancel := context.WithCancel(ctx)
	defer cancel()
	arrived := make(chan *gap.Conn, 1)
	go func() {
		c, _ := other.Advertise(advertising, gap.AdvertiseConfig{Payload: gap.Payload{Name: "meter"}})
		arrived <- c
	}()
	ours, err = s.Connect(ctx, peer, gap.ConnectConfig{Security: level, NoGATT: true})
	if err != nil {
		cancel()
		<-arrived
		return nil, nil, err
	}
	return ours, <-arrived, nil
}

// find is the address of another station on air, as a stranger hears it.
func (s *station) find(ctx context.Context, other *station) (found hci.Address) {
	s.t.Helper()
	advertising, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = other.Advertise(advertising, gap.AdvertiseConfig{Payload: gap.Payload{Name: "meter"}}) })
	defer wg.Wait()
	defer cancel()
	for a, err := range s.Scan(ctx, gap.ScanConfig{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if a.Data.Name() == "meter" {
			return a.Address
		}
	}
	s.t.Fatal("not found")
	return found
}

// bond makes a bond with a station whose address on air is looked for.
func (s *station) bond(ctx context.Context, other *station) {
	s.t.Helper()
	ours, theirs, err := s.meet(ctx, other, s.find(ctx, other), smp.LevelEncrypted)
	if err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(time.Second) // for the last key, which is ours
	if ours.Peer() != other.Identity() || theirs.Peer() != s.Identity() {
		s.t.Errorf("they are taken for %v and %v", ours.Peer().Text(), theirs.Peer().Text())
	}
	ours.Disconnect(hci.RemoteUserTerminatedConnection)
	<-theirs.Ended()
	<-ours.Ended()
}

// idle lets time go by in a bubble.
func idle(d time.Duration) { time.Sleep(d) }

// inAir runs a test in a bubble with an air.
func inAir(t *testing.T, f func(t *testing.T, ctx context.Context, air *virtual.Air)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		f(t, ctx, air)
		_ = air.Close()
	})
}

// hiders are the ways in which a host hides: with the controller's list and without.
var hiders = []struct {
	name    string
	radio   virtual.ControllerConfig
	privacy gap.Privacy
}{
	{"controller", virtual.ControllerConfig{}, private},
	{"host", virtual.ControllerConfig{ResolvingListSize: -1}, private},
	{"host, since the controller is of Core 4.2", virtual.ControllerConfig{Version: 0x08}, private},
	{"controller with the legacy commands", virtual.ControllerConfig{Features: hci.FeatureLEEncryption | hci.FeatureLLPrivacy}, private},
	{"host by choice", virtual.ControllerConfig{}, gap.Privacy{Own: gap.OwnResolvable, HostOnly: true}},
}
