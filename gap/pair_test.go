package gap_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// pair is two whole hosts on one air: a central, and a peripheral with one characteristic that needs
// encryption to be subscribed to.
type pair struct {
	air         *virtual.Air
	radios      [3]*virtual.Controller // the third is a spare
	radioConfig virtual.ControllerConfig
	central     *gap.Host
	peripheral  *gap.Host
	server      *gatt.Server
	reading     *gatt.Characteristic
	bearers     int // the peripheral's
	log         eventLog
}

// eventLog keeps the central's events.
type eventLog struct {
	mu     sync.Mutex
	events []gap.Event
}

func (l *eventLog) add(e gap.Event) {
	show(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// count is how many events satisfy f.
func (l *eventLog) count(f func(any) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if f(e.Detail) {
			n++
		}
	}
	return n
}

func is[T any](detail any) bool { _, ok := detail.(T); return ok }

// core42 is a radio that has the legacy commands alone, for tests that name them.
const core42 = 0x08

// pairConfig is what differs from test to test; nil means a default.
type pairConfig struct {
	air                 virtual.AirConfig
	radio               virtual.ControllerConfig
	central, peripheral smp.Config
	tap                 func(transport.Conn) transport.Conn // around the central's
	recovery            gap.Recovery                        // the central's
	bearers             [2]int                              // enhanced ones, of each
	services            []*gatt.Service                     // the peripheral's, beside the oximeter
}

var peripheralAddress = hci.Address{Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}}

func newPair(t testing.TB, cfg pairConfig) *pair {
	t.Helper()
	p := &pair{air: virtual.NewAir(cfg.air), radioConfig: cfg.radio, bearers: cfg.bearers[1]}
	t.Cleanup(func() { _ = p.air.Close() })
	p.reading = &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify | gatt.Indicate | gatt.WriteWithoutResponse,
		Permissions: gatt.Permissions{Notify: gatt.Encrypted, Write: gatt.Encrypted}}
	var err error
	if p.server, err = gatt.NewServer(gatt.ServerConfig{Name: "meter", Enhanced: p.bearers > 0, Services: append(cfg.services,
		&gatt.Service{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{p.reading}})}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		radio := cfg.radio
		if i == 1 {
			radio.Address = peripheralAddress.Octets
		}
		p.radios[i] = p.air.NewController(radio)
	}
	conn := p.radios[0].Conn()
	if cfg.tap != nil {
		conn = cfg.tap(conn)
	}
	if p.central, err = gap.Open(t.Context(), conn, gap.Config{Security: cfg.central, Recovery: cfg.recovery, Bearers: cfg.bearers[0], Events: p.log.add, Logger: talkativeLog()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.central.Close() })
	tellSecrets(t, p.central)
	p.openPeripheral(t, p.radios[1].Conn(), cfg.peripheral)
	return p
}

// openPeripheral puts a peripheral on the other controller; the one before has been closed.
func (p *pair) openPeripheral(t testing.TB, conn transport.Conn, security smp.Config) {
	t.Helper()
	h, err := gap.Open(t.Context(), conn, gap.Config{Security: security, Server: p.server, Bearers: p.bearers, Logger: talkativeLog()})
	if err != nil {
		t.Fatal(err)
	}
	p.peripheral = h
	tellSecrets(t, h)
	t.Cleanup(func() { _ = h.Close() })
}

func (p *pair) close() {
	_ = p.central.Close()
	_ = p.peripheral.Close()
	_ = p.air.Close()
}

// connect connects the two and returns both ends.
func (p *pair) connect(ctx context.Context, cfg gap.ConnectConfig) (central, peripheral *gap.Conn, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	accepted := make(chan *gap.Conn, 1)
	go func() {
		c, _ := p.peripheral.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "meter", Services: []att.UUID{gatt.PulseOximeter}}})
		accepted <- c
	}()
	central, err = p.central.Connect(ctx, peripheralAddress, cfg)
	if err != nil {
		cancel()
		if c := <-accepted; c != nil {
			<-c.Ended()
		}
		return nil, nil, err
	}
	return central, <-accepted, nil
}

// subscribe subscribes to the reading, which raises the link's security by itself.
func (p *pair) subscribe(ctx context.Context, c *gap.Conn, handle func([]byte)) (*gatt.Subscription, error) {
	found, err := c.Client().FindCharacteristics(ctx, p.reading.UUID)
	if err != nil {
		return nil, err
	}
	return c.Client().Subscribe(ctx, found[0], handle)
}
