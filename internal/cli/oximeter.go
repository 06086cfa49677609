package cli

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// oximeter is a pulse oximeter on the virtual radio. It has the address of the one in the recorded failure,
// and its habits: it asks for security by itself, its readings need encryption, and it can forget its keys.
type oximeter struct {
	host    *gap.Host
	server  *gatt.Server
	reading *gatt.Characteristic
	store   *smp.MemoryStore
	cfg     oximeterConfig
	cancel  context.CancelFunc
	done    chan struct{}

	listener *l2cap.Listener // of echo, nil without
}

type oximeterConfig struct {
	wantsBond bool          // its Security Request asks for a bond
	interval  time.Duration // between readings
	readings  int           // it disconnects after so many on a connection; 0: never
	legacy    bool          // it can't do Secure Connections
}

// oximeterAddress is 00:1C:05:FF:F0:30.
var oximeterAddress = [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}

const oximeterName = "Pulse oximeter"

func startOximeter(ctx context.Context, air *virtual.Air, cfg oximeterConfig) (*oximeter, error) {
	return wakeOximeter(ctx, air.NewController(virtual.ControllerConfig{Name: "oximeter", Address: oximeterAddress}), smp.NewMemoryStore(), cfg)
}

// wakeOximeter switches an oximeter on that has what is in the store.
func wakeOximeter(ctx context.Context, controller *virtual.Controller, store *smp.MemoryStore, cfg oximeterConfig) (*oximeter, error) {
	o := &oximeter{cfg: cfg, store: store, done: make(chan struct{})}
	o.reading = &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify,
		Permissions: gatt.Permissions{Notify: gatt.Encrypted}}
	var err error
	if o.server, err = gatt.NewServer(gatt.ServerConfig{Name: oximeterName, Services: []*gatt.Service{
		{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{o.reading}}}}); err != nil {
		return nil, err
	}
	policy := smp.Policy{}
	if cfg.legacy {
		policy.SecureConnections = smp.SecureConnectionsOff
	}
	o.host, err = gap.Open(ctx, controller.Conn(), gap.Config{Server: o.server,
		Security: smp.Config{Policy: policy, Store: store, RequestNoBond: !cfg.wantsBond}})
	if err != nil {
		return nil, fmt.Errorf("start the virtual oximeter: %w", err)
	}
	ctx, o.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go o.serve(ctx)
	return o, nil
}

// serve advertises, and serves one connection after the other.
func (o *oximeter) serve(ctx context.Context) {
	defer close(o.done)
	for ctx.Err() == nil {
		c, err := o.host.Advertise(ctx, gap.AdvertiseConfig{Interval: 30 * time.Millisecond,
			Payload: gap.Payload{Name: oximeterName, Services: []att.UUID{gatt.PulseOximeter}}})
		if err != nil {
			return
		}
		o.stream(ctx, c)
	}
}

// stream asks for security, as the real one does, and notifies readings to whoever subscribes.
func (o *oximeter) stream(ctx context.Context, c *gap.Conn) {
	secured := make(chan struct{})
	go func() {
		defer close(secured)
		_ = c.Secure(ctx, smp.LevelEncrypted) // the central's refusal is the central's business
	}()
	defer func() { <-secured }()
	ticker := time.NewTicker(o.cfg.interval)
	defer ticker.Stop()
	for sent := 0; ; {
		select {
		case <-ticker.C:
			if o.cfg.readings > 0 && sent == o.cfg.readings {
				c.Disconnect(hci.RemoteUserTerminatedConnection) // a tick after the last, which is on the air by now
				return
			}
			switch err := c.Server().Notify(ctx, o.reading, plxReading(97-sent%3, 61+sent%5)); {
			case err == nil:
				sent++
			case !errors.Is(err, gatt.ErrNotSubscribed) && !errors.Is(err, gatt.ErrInsecure):
				c.Link().Disconnect(hci.RemoteUserTerminatedConnection)
			}
		case <-c.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// plxReading is a PLX Continuous Measurement without optional fields: SpO2 in % and pulse rate per minute,
// as SFLOATs (PLXS 3.2.1).
func plxReading(spo2, pulse int) []byte {
	b := []byte{0}
	b = binary.LittleEndian.AppendUint16(b, uint16(spo2))
	return binary.LittleEndian.AppendUint16(b, uint16(pulse))
}

// readPLX undoes plxReading, for people; ok is false for anything else.
func readPLX(b []byte) (spo2, pulse int, ok bool) {
	if len(b) < 5 {
		return 0, 0, false
	}
	return int(binary.LittleEndian.Uint16(b[1:]) & 0x0FFF), int(binary.LittleEndian.Uint16(b[3:]) & 0x0FFF), true
}

// forget makes the oximeter lose its keys, as a flat battery does.
func (o *oximeter) forget() {
	for _, r := range o.store.List(o.host.Identity()) {
		_ = o.store.Delete(r.Local, r.Peer) // memory does not fail
	}
}

func (o *oximeter) Close() error {
	o.cancel()
	if o.listener != nil {
		_ = o.listener.Close() // never fails
	}
	err := o.host.Close()
	<-o.done
	return err
}
