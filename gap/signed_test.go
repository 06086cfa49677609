package gap_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/smp"
)

// A signed write to a peer whose link is encrypted, as that of a bond is, goes as a write command (Vol 3, Part C, 10.4.1); one
// that is signed all the same counts once, if the signature is good.
func TestSignedWriteBetweenHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.stop()
		var got inbox
		control := &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.AuthenticatedSignedWrites,
			Write: func(_ context.Context, _ *gatt.ServerConn, value []byte) error { got.add(value); return nil }}
		x.services = []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{control}}}
		all := smp.DistributeEnc | smp.DistributeID | smp.DistributeSign
		for i := range x.security {
			x.security[i].InitiatorKeys, x.security[i].ResponderKeys = all, all
		}
		x.start(t)
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		defer part(central, peripheral)
		found, err := central.Client().FindCharacteristics(t.Context(), control.UUID)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		x.said()
		if err := central.Client().SignedWrite(t.Context(), found[0].ValueHandle, []byte("signed")); err != nil {
			t.Error(err)
		}
		got.want(t, "signed")
		if said := x.said(); !slices.Equal(said, []att.Opcode{att.OpWriteCommand}) {
			t.Errorf("the central has sent %v", said)
		}

		message := att.SignedWriteCommand{Handle: found[0].ValueHandle, Value: []byte("again")}.AppendTo(nil)
		message = message[:len(message)-att.SignatureLen]
		signature, err := central.Sign(message)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			signature [att.SignatureLen]byte
			want      []string
		}{{[att.SignatureLen]byte{1}, nil}, {signature, []string{"again"}}, {signature, nil}} {
			x.tap.setOut(func(p []byte) []byte {
				if attOf(p) == nil {
					return p
				}
				return withSMP(p, append(slices.Clone(message), c.signature[:]...))
			})
			if err := central.Client().WriteCommand(t.Context(), found[0].ValueHandle, []byte("replaced")); err != nil {
				t.Error(err)
			}
			got.want(t, c.want...)
		}
	})
}
