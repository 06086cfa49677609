package gap_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/smp"
)

// As peripheral we are a client too: what the central refuses for want of authentication is asked again when the central has
// paired, at our request, and that is waited for as long as the Security Manager waits.
func TestPeripheralAsksForSecurityAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		central, peripheral, handle := x.secretOfTheCentral(t, 25*time.Second)
		defer part(central, peripheral)
		began := time.Now()
		value, err := peripheral.Client().Read(t.Context(), handle)
		if err != nil || !bytes.Equal(value, []byte{42}) {
			t.Errorf("%x, %v", value, err)
		}
		if !peripheral.Security().Authenticated {
			t.Error("read without authentication")
		}
		if took := time.Since(began); took < 25*time.Second {
			t.Errorf("took %v, and a person 25 s", took)
		}
	})
}

// A central that does not heed a Security Request leaves the refusal standing, when the Security Manager has waited for it.
func TestPeripheralAsksForSecurityInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		central, peripheral, handle := x.secretOfTheCentral(t, 0)
		defer part(central, peripheral)
		x.tap.set(func(p []byte) [][]byte {
			if smpOf(p) != nil {
				return nil
			}
			return [][]byte{p}
		})
		began := time.Now()
		_, err := peripheral.Client().Read(t.Context(), handle)
		if refusal, ok := errors.AsType[*att.Error](err); !ok || refusal.Code != att.ErrInsufficientAuthentication && refusal.Code != att.ErrInsufficientEncryption {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("took %v: %v", took, err)
		}
	})
}

// secretOfTheCentral makes a connection to a central with a value that takes authentication to read, and a person who thinks
// before confirming.
func (x *acquainted) secretOfTheCentral(t *testing.T, thinks time.Duration) (central, peripheral *gap.Conn, handle uint16) {
	t.Helper()
	secret := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Permissions: gatt.Permissions{Read: gatt.Authenticated}, Value: []byte{42}}
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "phone", Services: []*gatt.Service{{UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{secret}}}})
	if err != nil {
		t.Fatal(err)
	}
	x.stop()
	c, p := people(smp.DisplayYesNo, smp.DisplayYesNo)
	x.security[1].Delegate = p
	x.start(t)
	_ = x.central.Close()
	x.tap = &meddler{Conn: x.radios[0].Conn()}
	if x.central, err = gap.Open(t.Context(), x.tap, gap.Config{Security: smp.Config{Store: x.bonds[0], Delegate: thinker{c, thinks}}, Server: server}); err != nil {
		t.Fatal(err)
	}
	central, peripheral = x.connect(t, smp.LevelNone)
	found, err := peripheral.Client().FindCharacteristics(t.Context(), gatt.BatteryLevel)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return central, peripheral, found[0].ValueHandle
}

// A thinker takes its time to confirm.
type thinker struct {
	twoPeople
	time.Duration
}

func (d thinker) Confirm(ctx context.Context, q smp.Question, number uint32) error {
	select {
	case <-time.After(d.Duration):
		return d.twoPeople.Confirm(ctx, q, number)
	case <-ctx.Done():
		return ctx.Err()
	}
}
