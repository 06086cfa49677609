package smp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// desk is where two people sit, one on each side, who see what the other side shows.
type desk struct {
	mu      sync.Mutex
	shown   chan uint32 // the passkey that is displayed
	numbers []uint32    // that were to be compared
}

func newDesk() *desk { return &desk{shown: make(chan uint32, 4)} }

// sitter is one of them.
type sitter struct {
	*desk
	has   Capabilities
	made  uint32               // the passkey that both enter, where neither side shows one
	sees  error                // what is said to a number
	asked func(Question)       // if not nil, told of each question
	types func(func(Keypress)) // if not nil, presses keys while entering
	heard chan Keypress        // if not nil, gets what the peer's user presses
}

func (s sitter) Capabilities() Capabilities { return s.has }

func (s sitter) note(q Question) {
	if s.asked != nil {
		s.asked(q)
	}
}

func (s sitter) Display(ctx context.Context, q Question, proposed uint32) (uint32, error) {
	s.note(q)
	s.shown <- proposed
	if s.heard != nil && q.Pressed != nil {
		go func() {
			for {
				select {
				case k := <-q.Pressed:
					s.heard <- k
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return proposed, nil
}

func (s sitter) Enter(ctx context.Context, q Question) (uint32, error) {
	s.note(q)
	if s.types != nil {
		s.types(q.Press)
	}
	if s.made != 0 {
		return s.made, nil
	}
	select {
	case n := <-s.shown:
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s sitter) Confirm(_ context.Context, q Question, number uint32) error {
	s.note(q)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers = append(s.numbers, number)
	return s.sees
}

func (s sitter) Consent(_ context.Context, q Question) error {
	s.note(q)
	return s.sees
}

// TestEveryCapability pairs every IO capability with every other, both ways to pair, through whole sessions: the
// method is that of Table 2.8, the level is honest, and the bond says so afterwards.
func TestEveryCapability(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for ci := DisplayOnly; ci <= KeyboardDisplay; ci++ {
			for pi := DisplayOnly; pi <= KeyboardDisplay; pi++ {
				t.Run(fmt.Sprintf("%v to %v, secure connections %v", ci, pi, secure), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { pairCapabilities(t, ci, pi, secure) })
				})
			}
		}
	}
}

func pairCapabilities(t *testing.T, ci, pi IOCapability, secure bool) {
	d := newDesk()
	policy := Policy{SecureConnections: SecureConnectionsOff}
	if secure {
		policy.SecureConnections = SecureConnectionsAllowed
	}
	made := uint32(0)
	if ci == KeyboardOnly && pi == KeyboardOnly {
		made = 271828
	}
	side := func(io IOCapability) Delegate {
		return sitter{desk: d, has: Capabilities{IO: io}, made: made}
	}
	central := newManager(t, Config{Policy: policy, Delegate: side(ci)})
	peripheral := newManager(t, Config{Policy: policy, Delegate: side(pi), Identity: addressOf(t, oximeterText)})
	a := join(t, central, hostText, peripheral, oximeterText)
	if err := secured(t, a.central, LevelEncrypted); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	want := legacyModels[pi][ci].method
	if secure && ci.compares() && pi.compares() {
		want = NumericComparison
	}
	paired := find[Paired](t, a.central.notes.take())
	if paired.Method != want || paired.Authenticated != (want != JustWorks) || paired.SecureConnections != secure {
		t.Errorf("%+v, want %s", paired, want)
	}
	if want == NumericComparison && (len(d.numbers) != 2 || d.numbers[0] != d.numbers[1] || d.numbers[0] >= digits) {
		t.Errorf("compared %d", d.numbers)
	}
	for _, r := range []Record{load(t, central, oximeterText), load(t, peripheral, hostText)} {
		if !r.Bonded || r.Keys.Method != want || r.Keys.Authenticated != (want != JustWorks) {
			t.Errorf("%+v", r.Public())
		}
	}
	level := LevelEncrypted
	switch {
	case want != JustWorks && secure:
		level = LevelSC
	case want != JustWorks:
		level = LevelAuthenticated
	}
	if a.central.Security().Level() != level || a.peripheral.Security().Level() != level {
		t.Errorf("level %s and %s, want %s", a.central.Security().Level(), a.peripheral.Security().Level(), level)
	}
	a.drop()
}

// TestNumbersDiffer: who sees another number says no, on either side; nothing is stored, and both know why.
func TestNumbersDiffer(t *testing.T) {
	for _, victim := range []hci.Role{hci.Central, hci.Peripheral} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk()
			says := map[hci.Role]error{victim: errors.New("another number")}
			side := func(role hci.Role) Delegate {
				return sitter{desk: d, has: Capabilities{IO: DisplayYesNo}, sees: says[role]}
			}
			central := newManager(t, Config{Delegate: side(hci.Central)})
			peripheral := newManager(t, Config{Delegate: side(hci.Peripheral), Identity: addressOf(t, oximeterText)})
			a := join(t, central, hostText, peripheral, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); !errors.Is(err, NumericComparisonFailed) {
				t.Errorf("%v", err)
			}
			synctest.Wait()
			for _, e := range []*end{a.central, a.peripheral} {
				if failed := find[PairingFailed](t, e.notes.take()); failed.Reason != NumericComparisonFailed || failed.ByPeer == (e.role == victim) {
					t.Errorf("%v: %+v", e.role, failed)
				}
			}
			if _, ok := central.load(addressOf(t, oximeterText)); ok {
				t.Error("stored")
			}
			a.drop()
		})
	}
}

// TestHeadless is what a host without a Delegate has.
func TestHeadless(t *testing.T) {
	var nobody Delegate = Headless{}
	q := Question{}
	if c := nobody.Capabilities(); c != (Capabilities{IO: NoInputNoOutput}) || c.authenticates() {
		t.Errorf("%+v", c)
	}
	_, display := nobody.Display(t.Context(), q, 1)
	_, enter := nobody.Enter(t.Context(), q)
	for _, err := range []error{display, enter, nobody.Confirm(t.Context(), q, 1), nobody.Consent(t.Context(), q)} {
		if !errors.Is(err, errNobody) {
			t.Errorf("%v", err)
		}
	}
	if m := newManager(t, Config{}); m.config.Delegate != nobody {
		t.Errorf("%v", m.config.Delegate)
	}
}

// TestFixedPasskey counts as not authenticated on the side that has it, unless it is said to be.
func TestFixedPasskey(t *testing.T) {
	for _, x := range []struct {
		name    string
		fixed   FixedPasskey
		peerHas IOCapability
		honest  bool
	}{
		{"on a label", FixedPasskey{Passkey: 123456}, KeyboardOnly, false},
		{"on a label that nobody else sees", FixedPasskey{Passkey: 123456, Authenticates: true}, KeyboardOnly, true},
		{"of the peer", FixedPasskey{Passkey: 123456, Entered: true}, DisplayOnly, false},
		{"of the peer, known to nobody else", FixedPasskey{Passkey: 123456, Entered: true, Authenticates: true}, DisplayOnly, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				knows := somebodyFixed{io: x.peerHas, passkey: 123456}
				central := newManager(t, Config{Delegate: x.fixed})
				a := join(t, central, hostText, newManager(t, Config{Delegate: knows, Identity: addressOf(t, oximeterText)}), oximeterText)
				if err := secured(t, a.central, LevelEncrypted); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				paired := find[Paired](t, a.central.notes.take())
				if paired.Method != PasskeyEntry || paired.Authenticated != x.honest {
					t.Errorf("%+v", paired)
				}
				if r := load(t, central, oximeterText); r.Keys.Authenticated != x.honest || r.Keys.Method != PasskeyEntry {
					t.Errorf("%+v", r.Public())
				}
				if theirs := find[Paired](t, a.peripheral.notes.take()); !theirs.Authenticated {
					t.Errorf("the peer, which does not know: %+v", theirs)
				}
				a.drop()
			})
		})
	}
	fixed := FixedPasskey{Passkey: 1}
	if fixed.Confirm(t.Context(), Question{}, 1) == nil || fixed.Consent(t.Context(), Question{}) == nil {
		t.Error("a label says yes")
	}
	if fixed.Capabilities().IO != DisplayOnly || (FixedPasskey{Entered: true}).Capabilities().IO != KeyboardOnly {
		t.Error("capabilities")
	}
}

// somebodyFixed shows or enters one passkey, without saying so.
type somebodyFixed struct {
	Headless
	io      IOCapability
	passkey uint32
}

func (s somebodyFixed) Capabilities() Capabilities { return Capabilities{IO: s.io} }
func (s somebodyFixed) Display(context.Context, Question, uint32) (uint32, error) {
	return s.passkey, nil
}
func (s somebodyFixed) Enter(context.Context, Question) (uint32, error) { return s.passkey, nil }

// TestFixedPasskeyIsNotEnough for a level that has to be authenticated: no pairing is begun for it.
func TestFixedPasskeyIsNotEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{Delegate: FixedPasskey{Passkey: 1}}), hci.Central, oximeterText)
		if _, ok := errors.AsType[*LevelError](answered(t, l.asks(LevelAuthenticated))); !ok {
			t.Error("an authenticated level by a fixed passkey")
		}
		l.want()
	})
}

// TestKeypress goes both ways: who enters tells, who displays is told, if both sides want it.
func TestKeypress(t *testing.T) {
	for _, secure := range []SecureConnections{SecureConnectionsAllowed, SecureConnectionsOff} {
		for _, both := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				heard := make(chan Keypress, 100)
				pressing := func(press func(Keypress)) {
					if (press != nil) != both {
						t.Errorf("press is nil: %v", press == nil)
					}
					if press != nil {
						for range 6 {
							press(DigitEntered)
						}
						press(DigitErased)
						press(Cleared)
					}
				}
				enters := sitter{desk: d, has: Capabilities{IO: KeyboardOnly, Keypress: both}, types: pressing}
				shows := sitter{desk: d, has: Capabilities{IO: DisplayOnly, Keypress: true}, heard: heard}
				policy := Policy{SecureConnections: secure}
				a := join(t, newManager(t, Config{Policy: policy, Delegate: enters}), hostText,
					newManager(t, Config{Policy: policy, Delegate: shows, Identity: addressOf(t, oximeterText)}), oximeterText)
				if err := secured(t, a.central, LevelAuthenticated); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				close(heard)
				var got []Keypress
				for k := range heard {
					got = append(got, k)
				}
				want := []Keypress{EntryStarted, DigitEntered, DigitEntered, DigitEntered, DigitEntered, DigitEntered, DigitEntered, DigitErased, Cleared, EntryCompleted}
				if !both {
					want = nil
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("heard %v, want %v", got, want)
				}
				a.drop()
			})
		}
	}
}

// TestKeypressIsBounded: neither a person nor a peer that presses keys for ever fills anything.
func TestKeypressIsBounded(t *testing.T) {
	presses := keyboard{func(press func(Keypress)) {
		for range 10 * maxPressed {
			press(DigitEntered)
		}
	}}
	central, peripheral := bondingSides(true, presses, yes{io: DisplayOnly, passkey: 5})
	peripheral.delegate = keypressed{yes{io: DisplayOnly, passkey: 5}}
	told := 0
	c, p := newAir(func(_ int, _ hci.Role, pdu []byte) [][]byte {
		if code(pdu[0]) == codeKeypress {
			told++
			return [][]byte{pdu, {byte(codeKeypress), 0xFF}, pdu, pdu}
		}
		return [][]byte{pdu}
	}).run(t.Context(), central, peripheral)
	if c.err != nil || p.err != nil || told != maxPressed+2 {
		t.Errorf("%v, %v, told %d times", c.err, p.err, told)
	}
}

// keyboard enters 5 after pressing keys; keypressed admits to Keypress.
type keyboard struct{ types func(func(Keypress)) }

func (keyboard) capabilities() Capabilities { return Capabilities{IO: KeyboardOnly, Keypress: true} }
func (keyboard) display(context.Context, uint32, <-chan Keypress) (uint32, error) {
	return 0, errNobody
}
func (keyboard) compare(context.Context, uint32) error { return errNobody }
func (k keyboard) enter(_ context.Context, press func(Keypress)) (uint32, error) {
	k.types(press)
	return 5, nil
}

type keypressed struct{ yes }

func (k keypressed) capabilities() Capabilities { return Capabilities{IO: k.io, Keypress: true} }

// TestQuestion is told what there is to know, and no key.
func TestQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []Question
		d := newDesk()
		remembers := sitter{desk: d, has: Capabilities{IO: DisplayYesNo}, asked: func(q Question) { asked = append(asked, q) }}
		m := newManager(t, Config{
			Policy: Policy{LostBond: LostRepair}, Delegate: remembers,
			Store: storeOf(t, bondWith(t, oximeterText, authenticated(secureKeys(1)), WishBond)),
		})
		a := join(t, m, hostText, newManager(t, Config{
			Delegate: sitter{desk: d, has: Capabilities{IO: DisplayYesNo}}, Identity: addressOf(t, oximeterText),
		}), oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(asked) != 2 { // consent, and the number
			t.Fatalf("%d questions", len(asked))
		}
		for _, q := range asked {
			if q.Peer != addressOf(t, oximeterText) || q.Role != hci.Central || !q.Bond.Bonded || q.Bond.Keys.any() || q.Press != nil || q.Pressed != nil {
				t.Errorf("%+v", q)
			}
		}
		if got := names(a.central.notes.take()); got != "BondLost Paired Encrypted Repaired" {
			t.Errorf("%s", got)
		}
		a.drop()
	})
}

// TestQuestionsHaveADeadline that SMP sets, and one that is over is the pairing's time-out.
func TestQuestionsHaveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Int64 // both sides ask at once
		waits := waiting{func(ctx context.Context) error {
			deadline, ok := ctx.Deadline()
			if left.Store(int64(time.Until(deadline))); !ok {
				t.Error("no deadline")
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		a := join(t, newManager(t, Config{Delegate: waits}), hostText,
			newManager(t, Config{Delegate: waits, Identity: addressOf(t, oximeterText)}), oximeterText)
		start := time.Now()
		if err := secured(t, a.central, LevelEncrypted); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took != pairingTimeout || left.Load() != int64(pairingTimeout) {
			t.Errorf("took %v, the question had %v", took, time.Duration(left.Load()))
		}
		a.drop()
	})
}

// waiting is asked to confirm a number.
type waiting struct {
	confirms func(context.Context) error
}

func (waiting) Capabilities() Capabilities { return Capabilities{IO: DisplayYesNo} }
func (waiting) Display(context.Context, Question, uint32) (uint32, error) {
	return 0, errNobody
}
func (waiting) Enter(context.Context, Question) (uint32, error) { return 0, errNobody }
func (w waiting) Confirm(ctx context.Context, _ Question, _ uint32) error {
	return w.confirms(ctx)
}
func (waiting) Consent(context.Context, Question) error { return nil }

// TestCapabilitiesThatAreNone are NoInputNoOutput.
func TestCapabilitiesThatAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{Delegate: sitter{desk: newDesk(), has: Capabilities{IO: 9, Keypress: true}}}), hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.want(requestBond)
	})
}
