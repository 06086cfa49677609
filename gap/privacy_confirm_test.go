package gap_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// smpEar keeps the Security Manager's PDUs of a link, by who sent them and by their code.
type smpEar struct {
	transport.Conn
	mu   sync.Mutex
	sent [2]map[byte][]byte // by the peer, by us
}

func (e *smpEar) ReadPacket(b []byte) (int, error) {
	n, err := e.Conn.ReadPacket(b)
	if err == nil {
		e.keep(0, b[:n])
	}
	return n, err
}

func (e *smpEar) WritePacket(b []byte) error {
	e.keep(1, b)
	return e.Conn.WritePacket(b)
}

func (e *smpEar) keep(who int, b []byte) {
	const header, securityManager = 9, 6 // ACL and L2CAP; the fixed channel
	if len(b) <= header || b[0] != hci.ACLPacket || binary.LittleEndian.Uint16(b[7:]) != securityManager {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sent[who] == nil {
		e.sent[who] = map[byte][]byte{}
	}
	e.sent[who][b[header]] = append([]byte(nil), b[header:]...)
}

// The confirm values of legacy pairing, computed again from what went over the air, by the specification's function: ia and
// ra are what the devices went by on air, in both roles, and not who they are (Vol 3, Part H, 2.2.3 and 2.3.5.5;
// complaint 25).
func TestConfirmValuesOfHiddenHosts(t *testing.T) {
	const request, response, confirm, random = 0x01, 0x02, 0x03, 0x04
	for _, c := range hiders {
		for _, p := range hiders {
			t.Run(fmt.Sprintf("%s, %s", c.name, p.name), func(t *testing.T) {
				inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
					ear := &smpEar{}
					legacy := smp.Config{Policy: smp.Policy{SecureConnections: smp.SecureConnectionsOff}}
					central := openStation(t, air, stationConfig{radio: c.radio, privacy: c.privacy, security: legacy, irk: 1,
						tap: func(conn transport.Conn) transport.Conn { ear.Conn = conn; return ear }})
					peripheral := openStation(t, air, stationConfig{radio: p.radio, privacy: p.privacy, security: legacy, irk: 2})
					defer central.Close()
					defer peripheral.Close()
					ours, theirs, err := central.meet(ctx, peripheral, central.find(ctx, peripheral), smp.LevelEncrypted)
					if err != nil {
						t.Fatal(err)
					}
					ear.mu.Lock()
					defer ear.mu.Unlock()
					computed := func(who int, ia, ra hci.Address) (value [16]byte) {
						return btcrypto.C1([16]byte{}, [16]byte(ear.sent[who][random][1:]), [7]byte(ear.sent[1][request]), [7]byte(ear.sent[0][response]),
							byte(ia.Type), ia.Octets, byte(ra.Type), ra.Octets)
					}
					ia, ra := theirs.OnAir(), ours.OnAir()
					if !central.isOf(ia) || !peripheral.isOf(ra) {
						t.Fatalf("%v and %v on air", ia.Text(), ra.Text())
					}
					for who, name := range []string{"peripheral", "central"} {
						got := [16]byte(ear.sent[who][confirm][1:])
						if got != computed(who, ia, ra) {
							t.Errorf("the %s's is not made of what is on air", name)
						}
						if got == computed(who, central.Identity(), peripheral.Identity()) {
							t.Errorf("the %s's is made of identities", name)
						}
					}
				})
			})
		}
	}
}
