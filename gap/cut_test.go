package gap_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
	"github.com/jelling-ble/jelling/transport"
)

// scissors cuts the link when the host and its controller have exchanged so many packets.
type scissors struct {
	transport.Conn
	cut func()

	mu   sync.Mutex
	left int // packets before the cut; negative: never
}

func (s *scissors) arm(packets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = packets
}

func (s *scissors) ReadPacket(b []byte) (int, error) {
	n, err := s.Conn.ReadPacket(b)
	s.count()
	return n, err
}

func (s *scissors) WritePacket(p []byte) error {
	s.count()
	return s.Conn.WritePacket(p)
}

func (s *scissors) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.left == 0:
		s.left = -1
		s.cut()
	case s.left > 0:
		s.left--
	}
}

// A repair that is cut at any packet leaves, on both sides, the old bond or the new one, whole: in the file
// too, and the next connections come back to an encrypted link without a person.
func TestRepairCutAtEveryPacket(t *testing.T) {
	for name, policy := range map[string]smp.Policy{
		"secure connections": {Bonding: smp.BondAlways, LostBond: smp.LostRepair},
		"legacy":             {Bonding: smp.BondAlways, LostBond: smp.LostRepair, SecureConnections: smp.SecureConnectionsOff},
	} {
		t.Run(name, func(t *testing.T) {
			for packets := 0; ; packets++ {
				whole := false
				synctest.Test(t, func(t *testing.T) { whole = cutRepair(t, policy, packets) })
				if t.Failed() {
					t.Fatalf("cut after %d packets", packets)
				}
				if whole {
					if packets < 20 {
						t.Errorf("a repair took %d packets only", packets)
					}
					return
				}
				if packets == 1000 {
					t.Fatal("no repair is ever whole")
				}
			}
		})
	}
}

// cutRepair bonds, has the peripheral forget, and cuts the repair after so many packets. It tells whether the
// repair came first.
func cutRepair(t *testing.T, policy smp.Policy, packets int) (whole bool) {
	dir := t.TempDir()
	store, err := bondstore.Open(dir, bondstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	memory := smp.NewMemoryStore()
	var s *scissors
	p := newPair(t, pairConfig{
		central:    smp.Config{Policy: policy, Store: store},
		peripheral: smp.Config{Policy: smp.Policy{SecureConnections: policy.SecureConnections}, Store: memory},
		tap: func(conn transport.Conn) transport.Conn {
			s = &scissors{Conn: conn, left: -1}
			return s
		},
	})
	defer p.close()
	s.cut = func() { go p.radios[0].DropLinks(hci.ConnectionTimeout) }

	secure := gap.ConnectConfig{Security: smp.LevelEncrypted}
	session := func() error {
		central, peripheral, err := p.connect(t.Context(), secure)
		if err != nil {
			return err
		}
		synctest.Wait() // the last keys are on their way
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-peripheral.Ended()
		return nil
	}
	if err := session(); err != nil {
		t.Fatal(err)
	}
	before := wantBonded(t, dir, p.central.Identity())
	if err := memory.Delete(p.peripheral.Identity(), p.central.Identity()); err != nil {
		t.Fatal(err)
	}

	s.arm(packets)
	err = session()
	s.mu.Lock()
	whole = err == nil && s.left >= 0
	s.mu.Unlock()
	s.arm(-1)
	if after := wantBonded(t, dir, p.central.Identity()); whole && after == before {
		t.Error("the repair is complete and the file has the old key")
	}
	for attempt := 1; ; attempt++ {
		if err = session(); err == nil {
			break
		}
		if attempt == 4 {
			t.Fatalf("the link is not encrypted after %d attempts: %v", attempt, err)
		}
		var wait *smp.WaitError
		if errors.As(err, &wait) {
			time.Sleep(wait.Left)
		}
	}
	wantBonded(t, dir, p.central.Identity())
	p.close()
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	return whole
}

// wantBonded reads the bond from its file, as after a power cut, and returns a text that differs with its key.
func wantBonded(t *testing.T, dir string, local hci.Address) string {
	t.Helper()
	store, err := bondstore.OpenReadOnly(dir, bondstore.Config{Report: func(p bondstore.Problem) { t.Error(p) }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, ok := store.Load(local, peripheralAddress)
	if !ok || !r.Bonded || r.Keys.ForRole(hci.Central) == nil {
		t.Fatalf("no whole bond in the file: %+v", r)
	}
	key := r.Keys.ForRole(hci.Central)
	return fmt.Sprint([16]byte(key.Key), key.EDIV, key.Rand)
}
