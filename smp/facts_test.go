package smp

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestMistakesOfOtherStacks names what other stacks have got wrong, each with the test that holds it here.
func TestMistakesOfOtherStacks(t *testing.T) {
	all := func(tests ...func(*testing.T)) func(*testing.T) {
		return func(t *testing.T) {
			for _, test := range tests {
				test(t)
			}
		}
	}
	for _, x := range []struct {
		name string
		test func(*testing.T)
	}{
		{"1: the old bond is deleted before the new pairing has completed", all(TestCutAtEveryPDU, TestKeyLostAtEveryPDU)},
		{"2: no back-off for Repeated Attempts (Vol 3, Part H, 2.3.6)", all(TestRepeatedAttempts, TestRepeatedAttemptsAsResponder)},
		{"3: public keys: (X, -Y), (0, 0), off the curve, our own, the debug key", all(TestPublicKeysThatAreRefused)},
		{"4: a key is given away before the DHKey checks, or in mid-pairing", all(TestNoKeyInMidPairing, TestOfferedKeyIsUsedOnce)},
		{"5: 0x05, 0x3D and 0x08 are taken for a lost bond", all(TestNotLost)},
		{"6: EDIV and Rand of zeros are taken for Secure Connections", all(TestLegacyKeyNamedByZeros)},
		{"7: state is keyed by the address on air, commands by the identity", all(TestPrivatePeer)},
		{"8: our LTK and the peer's are confused", all(TestForRole, TestNoKeyForOurRole)},
		{"9: an IRK of zeros, an identity address that is none", all(TestIdentitiesThatAreNone, TestResolve, TestForeignIRK)},
		{"10: a key refresh ends by Encryption Change on some controllers", all(TestBothEvents)},
		{"11: SMP goes on after 30 s without an answer", all(TestTimeout)},
		{"12: key sizes", all(TestKeySizes, TestFeaturesThatAreRefused)},
		{"13: more keys than were asked for, too early, twice, or out of order", all(TestFeaturesThatAreRefused, TestKeyPDUsThatAreRefused)},
		{"14: keys overtake Encryption Change on USB", all(TestKeysThatOvertakeEncryption, TestHeldKeysAreBounded)},
		{"15: reserved bits of AuthReq", all(TestReservedAuthReqBits)},
		{"16: an ATT error starts a second encryption with the dead key", all(TestOneProcedure, TestDeadKeyIsNotOfferedAgain)},
		{"17: CTKD, keypress notifications and CT2 confuse", all(TestFeaturesThatArePeculiar, TestKeypressIsBounded)},
	} {
		t.Run(x.name, x.test)
	}
}

// TestDocumentNamesTests that there are: docs/security.md says of what it promises which tests hold it.
func TestDocumentNamesTests(t *testing.T) {
	text, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "../gap/*_test.go", "../hci/driver/*_test.go", "bondstore/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(source)
		}
	}
	named := regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(string(text), -1)
	if len(named) < 10 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestGAPSecAutBV25C is the qualification case: a central whose peer has lost its bond pairs again by itself.
func TestGAPSecAutBV25C(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{Policy: Policy{LostBond: LostRepair}})
		config := Config{Identity: addressOf(t, oximeterText)}
		a := join(t, central, hostText, newManager(t, config), oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		a = join(t, central, hostText, newManager(t, config), oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := names(a.central.notes.take()); got != "BondLost Paired Encrypted Repaired" || a.isDown() {
			t.Errorf("%s", got)
		}
		a.drop()
	})
}

// TestTable2_9 is what the specification wants after encryption with a stored key has failed for want of it: where
// bonding was not performed and the key is not authenticated, pairing by itself; else somebody is told, or asked.
// Strict never pairs by itself where there is a bond (Vol 3, Part H, Table 2.9).
func TestTable2_9(t *testing.T) {
	for _, bond := range []BondKind{UnauthenticatedBond, AuthenticatedBond} {
		for _, lost := range []LostBond{LostNotify, LostRepair, LostStrict} {
			d := Decide(Situation{Happened: KeyMissing, Bond: bond, Wish: WishBond, LostBond: lost})
			if pairs := d.Action == PairAgain; pairs != (lost == LostRepair && bond == UnauthenticatedBond) {
				t.Errorf("%s, %v: %v", bond, lost, d)
			}
		}
	}
	if d := Decide(Situation{Happened: Wanted, Bond: NoBond}); d.Action != Pair {
		t.Errorf("bonding was not performed: %v", d)
	}
}

// TestSecurityRequestForMore: on an encrypted link the peer itself asks for protection that the link lacks. It is
// paired with again, once, or told that it is not.
func TestSecurityRequestForMore(t *testing.T) {
	bonded := func(t *testing.T, d Delegate) (*Manager, *script) {
		m := newManager(t, Config{Delegate: d, Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))})
		l := newScript(t, m, hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.HandleEncryption(hci.Success, true, false)
		l.did()
		return m, l
	}
	t.Run("we have the means", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, l := bonded(t, sitter{desk: newDesk(), has: Capabilities{IO: DisplayYesNo}})
			l.hears("0b05")
			l.want("send 0101000d100303")
			l.hears("0508")
			l.want()
			l.hears("0b05") // and again
			l.want("send 0505")
			if l.Security().Level() != LevelEncrypted {
				t.Error("the link has lost what it had")
			}
		})
	})
	t.Run("too many pairings have failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, l := bonded(t, sitter{desk: newDesk(), has: Capabilities{IO: DisplayYesNo}})
			m.countFailure(addressOf(t, oximeterText))
			l.hears("0b05")
			l.want("send 0509")
			time.Sleep(firstWait)
			l.hears("0b05")
			l.want("send 0101000d100303")
		})
	})
	t.Run("in the clear, where anybody may have sent it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{
				Delegate: sitter{desk: newDesk(), has: Capabilities{IO: DisplayYesNo}},
				Store:    storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond)),
			})
			l := newScript(t, m, hci.Central, oximeterText)
			l.hears("0b05")
			l.want("encrypt 0000")
			l.HandleEncryption(hci.Success, true, false)
			l.want()
		})
	})
	t.Run("the two pair", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk()
			side := sitter{desk: d, has: Capabilities{IO: DisplayYesNo}}
			store, theirs := NewMemoryStore(), NewMemoryStore()
			oximeter := Config{Identity: addressOf(t, oximeterText), Store: theirs}
			a := join(t, newManager(t, Config{Store: store}), hostText, newManager(t, oximeter), oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			a.drop()
			oximeter.Delegate = side
			a = join(t, newManager(t, Config{Store: store, Delegate: side}), hostText, newManager(t, oximeter), oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			if err := secured(t, a.peripheral, LevelAuthenticated); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			events := a.central.notes.take()
			if p := find[Paired](t, events); !p.SamePeer || !p.Authenticated {
				t.Errorf("%+v", p)
			}
			a.drop()
		})
	})
}

// TestSamePeer is told by the link that a pairing was made on.
func TestSamePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{Policy: Policy{LostBond: LostRepair}})
		config := Config{Identity: addressOf(t, oximeterText)}
		for i, want := range []string{"the first", "a repair"} {
			a := join(t, central, hostText, newManager(t, config), oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for _, e := range []*end{a.central, a.peripheral} {
				if find[Paired](t, e.notes.take()).SamePeer {
					t.Errorf("%d, %s: it could be anybody", i, want)
				}
			}
			a.drop()
		}
	})
}

// TestTimeoutOnAnEncryptedLink leaves the link alone: it is good for what it was good for.
func TestTimeoutOnAnEncryptedLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Delegate: sitter{desk: newDesk(), has: Capabilities{IO: DisplayYesNo}},
			Store:    storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond)),
		})
		l := newScript(t, m, hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.HandleEncryption(hci.Success, true, false)
		answer := l.asks(LevelAuthenticated)
		l.did()
		time.Sleep(pairingTimeout)
		if err := answered(t, answer); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
		l.want()
		if l.Security().Level() != LevelEncrypted {
			t.Error("the link has lost what it had")
		}
	})
}
