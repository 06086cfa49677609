package gap_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// goodbyes notes the reason of each HCI_Disconnect that a host sends.
type goodbyes struct {
	transport.Conn

	mute bool // what is for peers is lost

	mu      sync.Mutex
	reasons []hci.Status
}

func (g *goodbyes) WritePacket(p []byte) error {
	if len(p) == 7 && p[0] == hci.CommandPacket && p[1] == 0x06 && p[2] == 0x04 {
		g.mu.Lock()
		g.reasons = append(g.reasons, hci.Status(p[6]))
		g.mu.Unlock()
	}
	if g.mute && p[0] == hci.ACLPacket {
		return nil
	}
	return g.Conn.WritePacket(p)
}

func (g *goodbyes) want(t *testing.T, reasons ...hci.Status) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Equal(g.reasons, reasons) {
		t.Errorf("HCI_Disconnect with %v, want %v", g.reasons, reasons)
	}
	g.reasons = nil
}

// overheard is a pair whose central's goodbyes are noted.
func overheard(t *testing.T, cfg pairConfig) (*pair, *goodbyes) {
	g := &goodbyes{}
	cfg.tap = func(conn transport.Conn) transport.Conn { g.Conn = conn; return g }
	return newPair(t, cfg), g
}

// A handler of values may end the connection that they come from.
func TestDisconnectFromHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.subscribe(t.Context(), central, func([]byte) { central.Disconnect(hci.RemoteUserTerminatedConnection) }); err != nil {
			t.Fatal(err)
		}
		if err := peripheral.Server().Notify(t.Context(), p.reading, []byte{1}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-central.Ended():
		case <-time.After(time.Minute):
			t.Error("the handler waits for its own end")
		}
		<-peripheral.Ended()
	})
}

// However many want the end of a link, the controller is told once.
func TestOneDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := smp.NewMemoryStore()
		p, goodbyes := overheard(t, pairConfig{peripheral: smp.Config{Store: theirs}})
		defer p.close()
		bond(t, p)
		goodbyes.want(t, hci.RemoteUserTerminatedConnection)

		// The Security Manager ends it for a lost bond, and then Connect, which fails.
		if err := theirs.Delete(p.peripheral.Identity(), p.central.Identity()); err != nil {
			t.Fatal(err)
		}
		var lost *smp.LostBondError
		if _, _, err := p.connect(t.Context(), gap.ConnectConfig{}); !errors.As(err, &lost) {
			t.Fatal(err)
		}
		goodbyes.want(t, hci.AuthenticationFailure)
	})
}

// A user who loses patience is no failure of the peer's key.
func TestConnectCancelledWhileSecuring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, goodbyes := overheard(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancelCause(t.Context())
		impatient := errors.New("impatient")
		time.AfterFunc(10*time.Second, func() { cancel(impatient) })
		goodbyes.mute = true // no pairing gets anywhere
		if _, _, err := p.connect(ctx, gap.ConnectConfig{Security: smp.LevelEncrypted}); !errors.Is(err, impatient) {
			t.Errorf("Connect: %v", err)
		}
		goodbyes.want(t, hci.RemoteUserTerminatedConnection)
	})
}
