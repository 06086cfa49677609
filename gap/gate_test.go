package gap_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// A link that had to be encrypted and is so no more carries nothing of ours, and no value that comes on it is
// believed, until it is encrypted again.
func TestGateWhenEncryptionIsLost(t *testing.T) {
	for name, bonding := range map[string]smp.Bonding{"bond": smp.BondAlways, "no bond": smp.BondNever} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, pairConfig{central: smp.Config{Policy: smp.Policy{Bonding: bonding}}})
				defer p.close()
				central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
				if err != nil {
					t.Fatal(err)
				}
				values := 0
				if _, err := p.subscribe(t.Context(), central, func([]byte) { values++ }); err != nil {
					t.Fatal(err)
				}
				tell := func(want int) {
					t.Helper()
					if err := peripheral.Server().Notify(t.Context(), p.reading, []byte{1}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second) // on the air
					synctest.Wait()
					if values != want {
						t.Errorf("%d values, want %d", values, want)
					}
				}
				tell(1)

				p.radios[0].Inject(hci.AppendEvent(nil, hci.EncryptionChange{Handle: central.Link().Handle()}))
				synctest.Wait()
				tell(1)
				if _, err := central.Client().Read(t.Context(), 1); !errors.Is(err, gap.ErrNotEncrypted) {
					t.Errorf("read in the clear: %v", err)
				}
				if _, err := central.Dial(t.Context(), 0x80, l2cap.ChannelConfig{}); !errors.Is(err, gap.ErrNotEncrypted) {
					t.Errorf("channel in the clear: %v", err)
				}

				if err := central.Secure(t.Context(), smp.LevelEncrypted); err != nil {
					t.Fatal(err)
				}
				tell(2)
			})
		})
	}
}
