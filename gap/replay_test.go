package gap_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/smp"
)

// The oximeter and the host of the recordings.
var (
	oximeter = hci.Address{Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}}
	recorder = hci.Address{Octets: [6]byte{0x77, 0x01, 0xF0, 0x85, 0x1D, 0x00}}
)

// recordedHost is a host configured as the one that was recorded: legacy pairing, always bonding, asking for
// the peripheral's encryption key alone, with its random value and no traffic of its own.
func recordedHost(t *testing.T, conn *hcitest.Script, store smp.Store) *gap.Host {
	t.Helper()
	h, err := gap.Open(t.Context(), conn, gap.Config{
		MTU: 23,
		Connect: driver.ConnectParameters{ScanInterval: 0x60, ScanWindow: 0x30,
			ConnectionParameters: hci.ConnectionParameters{IntervalMin: 0x28, IntervalMax: 0x38, SupervisionTimeout: 0x2A}},
		Security: smp.Config{
			Policy:        smp.Policy{Bonding: smp.BondAlways, SecureConnections: smp.SecureConnectionsOff},
			ResponderKeys: smp.DistributeEnc,
			Store:         store,
			Random:        func(b []byte) { copy(b, unhex(t, "61f4f3ca92d349923f52f0fc5fba4d9b")) },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordedBond is what the recorded pairing left behind.
func recordedBond(t *testing.T) smp.Record {
	t.Helper()
	ltk := smp.LTK{EDIV: 0x5256}
	copy(ltk.Key[:], unhex(t, "080b10bacd048f5bd98e72fb1ae5527b"))
	copy(ltk.Rand[:], unhex(t, "e68be54bf50780a3"))
	return smp.Record{Local: recorder, Peer: oximeter, Bonded: true, Wish: smp.WishNone,
		Keys: smp.Keys{KeySize: 16, Method: smp.JustWorks, Peer: &ltk}}
}

// ended answers a Disconnect, and nothing else.
func ended(packet []byte) [][]byte {
	f, err := hci.ParseCommand(packet[1:])
	if packet[0] != hci.CommandPacket || err != nil || f.Opcode != hci.OpDisconnect {
		return nil
	}
	return [][]byte{
		hci.AppendEvent(nil, hci.CommandStatus{NumPackets: 1, Opcode: hci.OpDisconnect}),
		hci.AppendEvent(nil, hci.DisconnectionComplete{Handle: 16, Reason: hci.ConnectionTerminatedByLocalHost}),
	}
}

// The first recorded connection: every packet of ours is the recorded one, octet for octet, and the key that
// the oximeter distributed is in the store.
func TestRecordedPairing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets, err := hcitest.Recording("paired")
		if err != nil {
			t.Fatal(err)
		}
		script := hcitest.NewScript(t, packets, hcitest.ScriptConfig{After: ended})
		store := smp.NewMemoryStore()
		h := recordedHost(t, script, store)
		defer h.Close()
		c, err := h.Connect(t.Context(), oximeter, gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		<-script.Played()
		synctest.Wait()
		got, ok := store.Load(recorder, oximeter)
		want := recordedBond(t)
		if !ok || !got.Bonded || got.Keys.Peer == nil || *got.Keys.Peer != *want.Keys.Peer || got.Wish != smp.WishNone {
			t.Errorf("stored %+v (%v), want the recorded key and the wish none", got, ok)
		}
		if s := c.Security(); !s.Encrypted || s.Authenticated || s.SecureConnections {
			t.Errorf("the link has %+v", s)
		}
	})
}

// The second recorded connection, up to the 0x06. The host of the recording disconnected with Authentication
// Failure and did so for ever after; ours pairs again on the link.
func TestRecordedKeyMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets, err := hcitest.Recording("key-missing")
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range packets {
			if p.FromHost && p.Data[1] == 0x06 && p.Data[2] == 0x04 {
				packets = packets[:i] // the recorded host's Disconnect
				break
			}
		}
		next := make(chan []byte, 8)
		script := hcitest.NewScript(t, packets, hcitest.ScriptConfig{Early: true, After: func(packet []byte) [][]byte {
			next <- append([]byte(nil), packet...)
			return ended(packet)
		}})
		store := smp.NewMemoryStore()
		if err := store.Save(recordedBond(t)); err != nil {
			t.Fatal(err)
		}
		h := recordedHost(t, script, store)
		defer h.Close()
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := h.Connect(ctx, oximeter, gap.ConnectConfig{})
			result <- err
		}()
		const pairingRequest = "0210000b000700060001030001100001" // as recorded the first time
		if got := hex.EncodeToString(<-next); got != pairingRequest {
			t.Errorf("after the 0x06 the host sent %s, want the Pairing Request %s", got, pairingRequest)
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Connect: %v, want the caller's cancellation", err)
		}
		if got, ok := store.Load(recorder, oximeter); !ok || got.Keys.Peer == nil || *got.Keys.Peer != *recordedBond(t).Keys.Peer {
			t.Error("the old bond is gone although no new pairing was completed")
		}
	})
}
