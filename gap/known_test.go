package gap_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/statestore"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// acquainted is two hosts that keep what they know of each other on disk, and can be started again. The PDUs of ATT that
// the central sends are counted.
type acquainted struct {
	air                 *virtual.Air
	radios              [2]*virtual.Controller
	bonds               [2]smp.Store
	states              [2]gatt.Store // of the client, of the server
	tap                 *meddler
	security            [2]smp.Config
	central, peripheral *gap.Host
	server              *gatt.Server
	reading             *gatt.Characteristic
	services            []*gatt.Service
	log                 eventLog

	mu   sync.Mutex
	sent [][]byte // by the central
}

func newAcquainted(t *testing.T) *acquainted {
	t.Helper()
	x := &acquainted{air: virtual.NewAir(virtual.AirConfig{})}
	for i := range 2 {
		cfg := virtual.ControllerConfig{}
		if i == 1 {
			cfg.Address = peripheralAddress.Octets
		}
		x.radios[i] = x.air.NewController(cfg)
		x.bonds[i] = smp.NewMemoryStore()
		x.states[i] = statestore.Open(t.TempDir())
	}
	x.reading = &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify, Permissions: gatt.Permissions{Notify: gatt.Encrypted}}
	x.services = []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{x.reading}}}
	x.start(t)
	return x
}

// start starts both hosts.
func (x *acquainted) start(t *testing.T) {
	t.Helper()
	var err error
	if x.server, err = gatt.NewServer(gatt.ServerConfig{Name: "meter", Services: x.services, Store: x.states[1]}); err != nil {
		t.Fatal(err)
	}
	x.tap = &meddler{Conn: x.radios[0].Conn(), out: x.count}
	x.security[0].Store, x.security[1].Store = x.bonds[0], x.bonds[1]
	if x.central, err = gap.Open(t.Context(), x.tap, gap.Config{Security: x.security[0], GATTStore: x.states[0], Events: x.log.add}); err != nil {
		t.Fatal(err)
	}
	if x.peripheral, err = gap.Open(t.Context(), x.radios[1].Conn(), gap.Config{Security: x.security[1], Server: x.server}); err != nil {
		t.Fatal(err)
	}
}

func (x *acquainted) stop() {
	_ = x.central.Close()
	_ = x.peripheral.Close()
}

func (x *acquainted) close() {
	x.stop()
	_ = x.air.Close()
}

// attOf is the PDU of ATT in an ACL packet, whole in one fragment, nil for anything else.
func attOf(p []byte) []byte {
	if len(p) < 10 || p[0] != hci.ACLPacket || binary.LittleEndian.Uint16(p[7:]) != l2cap.CIDATT {
		return nil
	}
	return p[9:]
}

func (x *acquainted) count(p []byte) []byte {
	if pdu := attOf(p); pdu != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.sent = append(x.sent, pdu)
	}
	return p
}

// said is what the central has sent since the last call, by its opcodes.
func (x *acquainted) said() (all []att.Opcode) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, pdu := range x.sent {
		all = append(all, att.Opcode(pdu[0]))
	}
	x.sent = nil
	return all
}

// connect connects the two; the caller ends it.
func (x *acquainted) connect(t *testing.T, level smp.Level) (central, peripheral *gap.Conn) {
	t.Helper()
	p := &pair{central: x.central, peripheral: x.peripheral}
	central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: level})
	if err != nil {
		t.Fatal(err)
	}
	return central, peripheral
}

// rest lets everything happen that is under way.
func rest() {
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

func part(central, peripheral *gap.Conn) {
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-central.Ended()
	<-peripheral.Ended()
}

// A bonded peer whose database is known costs no discovery, also when both hosts have been started anew in between: what the
// client knows of the server, what the server knows of the client and what is subscribed to is all on disk.
func TestKnownPeerCostsNoDiscovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		first, err := central.Client().Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := central.Client().FindCharacteristics(t.Context(), x.reading.UUID)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		var got inbox
		if _, err := central.Client().Subscribe(t.Context(), found[0], got.add); err != nil {
			t.Fatal(err)
		}
		part(central, peripheral)
		x.stop()
		x.start(t)
		defer x.close()
		x.said()

		central, peripheral = x.connect(t, smp.LevelNone)
		defer part(central, peripheral)
		again, err := central.Client().Discover(t.Context())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(first) {
			t.Errorf("%v, %v; the first time %v", again, err, first)
		}
		if found, err = central.Client().FindCharacteristics(t.Context(), x.reading.UUID); err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if _, err := central.Client().Resume(found[0], got.add); err != nil {
			t.Fatal(err)
		}
		if err := x.server.Notify(t.Context(), x.reading, []byte("value")); err != nil {
			t.Error(err)
		}
		got.want(t, "value")
		if said := x.said(); !slices.Equal(said, []att.Opcode{att.OpExchangeMTURequest}) {
			t.Errorf("the central has sent %v", said)
		}
	})
}

// A slowStore answers Load when until is closed.
type slowStore struct {
	gatt.Store
	until chan struct{}
	loads atomic.Int32
}

func (s *slowStore) Load(name string) ([]byte, error) {
	s.loads.Add(1)
	<-s.until
	return s.Store.Load(name)
}

// A store that is slow is waited for neither by the Security Manager nor by the link, and what the client asks meanwhile is
// answered when the server knows whom it has before it.
func TestSlowStoreHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.central.Subscribe(peripheralAddress, x.reading.UUID, func([]byte) {})
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		rest()
		cccd := cccdOf(t, central, x.reading.UUID)
		part(central, peripheral)

		slow := &slowStore{Store: x.states[1], until: make(chan struct{})}
		x.stop()
		x.states[1] = slow
		x.start(t)
		connected := make(chan *gap.Conn)
		go func() {
			c, _ := x.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{NoGATT: true})
			connected <- c
		}()
		peripheral, err := x.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		central = <-connected
		rest()
		if n := slow.loads.Load(); n == 0 {
			t.Error("nobody has asked the store")
		}
		if err := peripheral.Secure(t.Context(), smp.LevelEncrypted); err != nil { // the session's goroutine is free
			t.Error(err)
		}
		answered := make(chan struct{})
		var value []byte
		go func() {
			defer close(answered)
			value, err = central.Client().Read(t.Context(), cccd)
		}()
		rest()
		select {
		case <-answered:
			t.Errorf("answered %x, %v before the server knows the client", value, err)
		default:
		}
		close(slow.until)
		<-answered
		if err != nil || !bytes.Equal(value, []byte{1, 0}) {
			t.Errorf("%x, %v", value, err)
		}
		part(central, peripheral)
	})
}

// cccdOf is the handle of a characteristic's CCCD.
func cccdOf(t *testing.T, c *gap.Conn, uuid att.UUID) uint16 {
	t.Helper()
	found, err := c.Client().FindCharacteristics(t.Context(), uuid)
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	descriptors := found[0].Descriptors
	if len(descriptors) == 0 {
		if descriptors, err = c.Client().DiscoverDescriptors(t.Context(), found[0]); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range descriptors {
		if d.UUID == gatt.ClientCharacteristicConfiguration {
			return d.Handle
		}
	}
	t.Fatal("no CCCD")
	return 0
}
