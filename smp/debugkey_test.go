package smp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
)

// TestDebugKeys by explicit choice only, on one side or both: marked, not authenticated, and never stored.
func TestDebugKeys(t *testing.T) {
	for _, x := range []struct {
		name                string
		central, peripheral bool
		want                Reason
	}{
		{"neither", false, false, 0},
		{"both", true, true, 0},
		{"the central, and the peripheral does not want it", true, false, DHKeyCheckFailed},
		{"the peripheral, and the central does not want it", false, true, DHKeyCheckFailed},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				central := newManager(t, Config{DebugKeys: x.central})
				peripheral := newManager(t, Config{DebugKeys: x.peripheral, Identity: addressOf(t, oximeterText)})
				a := join(t, central, hostText, peripheral, oximeterText)
				err := secured(t, a.central, LevelEncrypted)
				synctest.Wait()
				if x.want != 0 {
					if !errors.Is(err, x.want) {
						t.Errorf("%v, want %v", err, x.want)
					}
					a.drop()
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				debug := x.central || x.peripheral
				for _, e := range []*end{a.central, a.peripheral} {
					if p := find[Paired](t, e.notes.take()); p.Debug != debug || p.Bonded == debug || p.Authenticated {
						t.Errorf("%v: %+v", e.role, p)
					}
				}
				if _, stored := central.load(addressOf(t, oximeterText)); stored == debug {
					t.Errorf("stored: %v", stored)
				}
				a.drop()
			})
		})
	}
}

// TestDebugKeysOfThePeer are taken where we have chosen so, with a key of our own on our side or not; and never for
// a level that has to be authenticated.
func TestDebugKeysOfThePeer(t *testing.T) {
	for _, mitm := range []bool{false, true} {
		want := Reason(0)
		if mitm {
			want = AuthenticationRequirements
		}
		c, p := attack{name: "debug", secure: true, victim: hci.Central, want: want, sides: func(c, p *pairingParameters) {
			c.debugKeys, p.debugKeys, p.privateKey = true, true, newManager(t, Config{DebugKeys: true}).config.PrivateKey
			c.delegate, p.delegate, c.mitm = yes{io: DisplayYesNo}, yes{io: DisplayYesNo}, mitm
			c.flags = authMITM
		}}.run(t)
		if !mitm && (!c.debug || !p.debug || c.method != NumericComparison || c.keys.Authenticated || p.keys.Authenticated) {
			t.Errorf("%+v, %+v", c.agreement, p.agreement)
		}
	}
}

// TestDebugKeysOverABond leave it alone, and are refused where it would be weaker.
func TestDebugKeysOverABond(t *testing.T) {
	for _, x := range []struct {
		name   string
		keys   Keys
		weaker bool
	}{
		{"unauthenticated", secureKeys(1), false},
		{"authenticated", authenticated(secureKeys(1)), true},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				record := bondWith(t, oximeterText, x.keys, WishNone)
				d := newDesk()
				side := sitter{desk: d, has: Capabilities{IO: DisplayYesNo}}
				central := newManager(t, Config{DebugKeys: true, Policy: Policy{LostBond: LostRepair}, Store: storeOf(t, record), Delegate: side})
				a := join(t, central, hostText, newManager(t, Config{DebugKeys: true, Delegate: side, Identity: addressOf(t, oximeterText)}), oximeterText)
				err := secured(t, a.central, LevelEncrypted)
				synctest.Wait()
				if (err != nil) != x.weaker {
					t.Errorf("%v", err)
				}
				if r := load(t, central, oximeterText); !r.Bonded || !sameKeys(&r.Keys, &record.Keys) || r.Prior != nil || !r.Lost {
					t.Errorf("%+v", r.Public())
				}
				if got := names(a.central.notes.take()); strings.Contains(got, "Repaired") {
					t.Errorf("%s", got)
				}
				a.drop()
			})
		})
	}
}

// TestDebugKeysAreLoud when they are switched on.
func TestDebugKeysAreLoud(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	newManager(t, Config{DebugKeys: true, Logger: log})
	if !strings.Contains(out.String(), "debug keys are on") {
		t.Errorf("the log says %q", &out)
	}
}
