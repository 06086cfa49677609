package smp

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// row is one line of the truth table in the documentation of the package.
type row struct {
	text     string
	happened Happened
	when     []string
	then     string
	why      Why
}

// conditions is what the words in the second column of the table mean.
var conditions = map[string]func(Situation) bool{
	"enough":          func(s Situation) bool { return s.Enough },
	"bond":            func(s Situation) bool { return s.Bond != NoBond },
	"no bond":         func(s Situation) bool { return s.Bond == NoBond },
	"authenticated":   func(s Situation) bool { return s.Bond == AuthenticatedBond },
	"unauthenticated": func(s Situation) bool { return s.Bond == UnauthenticatedBond },
	"dead":            func(s Situation) bool { return s.Dead },
	"no key":          func(s Situation) bool { return s.NoKey },
	"plain":           func(s Situation) bool { return !s.Encrypted },
	"encrypted":       func(s Situation) bool { return s.Encrypted },
	"weaker":          func(s Situation) bool { return s.Weaker },
	"short":           func(s Situation) bool { return s.Short },
	"waiting":         func(s Situation) bool { return s.Waiting },
	"other":           func(s Situation) bool { return s.Other },
	"gone":            func(s Situation) bool { return s.Gone },
	"strict":          func(s Situation) bool { return s.LostBond == LostStrict },
	"notify":          func(s Situation) bool { return s.LostBond == LostNotify },
	"wish bond":       func(s Situation) bool { return s.Wish == WishBond },
	"wish none":       func(s Situation) bool { return s.Wish == WishNone },
	"wish unknown":    func(s Situation) bool { return s.Wish == "" || s.Wish == WishUnknown },
	"repaired":        func(s Situation) bool { return s.Repaired },
	"no consent":      func(s Situation) bool { return !s.Consent },
	"closed":          func(s Situation) bool { return s.Closed },
	"open":            func(s Situation) bool { return s.Open },
	"not open":        func(s Situation) bool { return !s.Open },
	"no leave":        func(s Situation) bool { return s.Ask && !s.Open && !s.Consent },
	"often":           func(s Situation) bool { return s.Often },
}

// documented reads the truth table out of doc.go.
func documented(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimPrefix(strings.TrimSpace(line), "//"), "|")
		if len(cells) != 4 || strings.Contains(cells[0], "---") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[0] == "what happened" {
			continue
		}
		r := row{text: strings.TrimSpace(line), happened: Happened(cells[0]), then: cells[2], why: Why(cells[3])}
		for c := range strings.SplitSeq(cells[1], ",") {
			if c = strings.TrimSpace(c); c != "" {
				r.when = append(r.when, c)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// holds tells whether a row is about a situation.
func (r row) holds(t *testing.T, s Situation) bool {
	return r.happened == s.Happened && !slices.ContainsFunc(r.when, func(c string) bool {
		condition := conditions[c]
		if condition == nil {
			t.Fatalf("%s: no condition is called %q", r.text, c)
		}
		return !condition(s)
	})
}

// situations calls visit with every situation there is.
func situations(visit func(Situation)) {
	for _, happened := range []Happened{Wanted, KeyMissing, KeyFailed, LinkFailed, PairingAsked} {
		for _, bond := range []BondKind{NoBond, UnauthenticatedBond, AuthenticatedBond} {
			for _, wish := range []Wish{"", WishUnknown, WishBond, WishNone} {
				for _, lost := range []LostBond{LostNotify, LostRepair, LostStrict} {
					for bits := range 1 << 14 {
						bit := func(i int) bool { return bits>>i&1 == 1 }
						if happened != PairingAsked && (bit(12) != bit(3) || bit(13) != bit(3)) {
							continue // who may pair with us is nothing to it: all three together will do
						}
						visit(Situation{
							Happened: happened, Bond: bond, Wish: wish, LostBond: lost,
							NoKey: bit(0), Other: bit(1), Often: bit(2), Closed: bit(3), Weaker: bit(4), Short: bit(5),
							Waiting: bit(6), Consent: bit(7), Enough: bit(8), Encrypted: bit(9), Dead: bit(10),
							Repaired: bit(11), Ask: bit(12), Open: bit(13),
						})
					}
				}
			}
		}
	}
}

// TestTruthTable holds every situation against the table in the documentation, with a link and without.
func TestTruthTable(t *testing.T) {
	rows := documented(t)
	used := make([]int, len(rows))
	first := func(s Situation) int {
		return slices.IndexFunc(rows, func(r row) bool { return r.holds(t, s) })
	}
	wrong := 0
	check := func(s Situation) {
		i := first(s)
		if i >= 0 && rows[i].then == "as key missing" {
			used[i]++
			missing := s
			missing.Happened, missing.Other = KeyMissing, false // it has no key, and so no other one either
			i = first(missing)
		}
		if i < 0 {
			t.Fatalf("%+v: no row", s)
		}
		used[i]++
		want := Decision{Action(rows[i].then), rows[i].why}
		if got := Decide(s); got != want && wrong < 10 {
			wrong++
			t.Errorf("%+v:\n got %v\nwant %v by %s", s, got, want, rows[i].text)
		}
	}
	situations(func(s Situation) {
		check(s)
		s.Gone = true
		check(s)
	})
	for i, n := range used {
		if n == 0 {
			t.Errorf("no situation comes to the row %s", rows[i].text)
		}
	}
}

// TestLostBondTable is the table of a lost bond, cell by cell, as the policy is explained to people.
func TestLostBondTable(t *testing.T) {
	for _, c := range []struct {
		bond    BondKind
		wish    Wish
		lost    LostBond
		consent bool
		want    Action
	}{
		{UnauthenticatedBond, WishNone, LostNotify, false, PairAgain},
		{UnauthenticatedBond, WishNone, LostRepair, false, PairAgain},
		{UnauthenticatedBond, WishNone, LostStrict, true, RefuseAndReport},
		{UnauthenticatedBond, WishBond, LostNotify, true, RefuseAndReport},
		{UnauthenticatedBond, WishBond, LostRepair, false, PairAgain},
		{UnauthenticatedBond, WishBond, LostStrict, true, RefuseAndReport},
		{UnauthenticatedBond, WishUnknown, LostNotify, true, RefuseAndReport},
		{UnauthenticatedBond, WishUnknown, LostRepair, false, PairAgain},
		{UnauthenticatedBond, WishUnknown, LostStrict, true, RefuseAndReport},
		{UnauthenticatedBond, "", LostNotify, true, RefuseAndReport},
		{AuthenticatedBond, WishNone, LostNotify, true, RefuseAndReport},
		{AuthenticatedBond, WishNone, LostRepair, false, RefuseAndReport},
		{AuthenticatedBond, WishNone, LostRepair, true, PairAgain},
		{AuthenticatedBond, WishBond, LostRepair, false, RefuseAndReport},
		{AuthenticatedBond, WishBond, LostRepair, true, PairAgain},
		{AuthenticatedBond, WishBond, LostStrict, true, RefuseAndReport},
	} {
		s := Situation{Happened: KeyMissing, Bond: c.bond, Wish: c.wish, LostBond: c.lost, Consent: c.consent}
		if got := Decide(s); got.Action != c.want {
			t.Errorf("%s, wish %q, %s, consent %v: %v, want %s", c.bond, c.wish, c.lost, c.consent, got, c.want)
		}
	}
}

// TestPolicyNever holds what no situation may lead to.
func TestPolicyNever(t *testing.T) {
	never := func(s Situation, what string, bad bool) {
		if bad {
			t.Fatalf("%s: %+v: %v", what, s, Decide(s))
		}
	}
	situations(func(s Situation) {
		d := Decide(s)
		pairs := d.Action == Pair || d.Action == PairAgain
		never(s, "no action or no reason", d.Action == "" || d.Why == "")
		never(s, "a weaker bond", pairs && s.Bond != NoBond && s.Weaker)
		never(s, "a pairing while waiting", pairs && s.Waiting)
		never(s, "pair, over a bond", d.Action == Pair && s.Bond != NoBond)
		never(s, "pair again, without one", d.Action == PairAgain && s.Bond == NoBond)
		never(s, "a pairing under strict after a lost key", pairs && s.Happened == KeyMissing && s.LostBond == LostStrict)
		never(s, "two repairs", pairs && s.Happened == KeyMissing && s.Repaired)
		never(s, "a pairing for anything but 0x06", pairs && (s.Happened == KeyFailed || s.Happened == LinkFailed))
		never(s, "the same key again on the same link", d.Action == Encrypt && s.Happened == Wanted && s.Dead)
		opened := s.Open && s.Happened == PairingAsked
		never(s, "an authenticated bond replaced in the clear without consent",
			pairs && s.Bond == AuthenticatedBond && !s.Encrypted && !s.Consent && !opened)
		never(s, "a stranger where they may not", pairs && s.Happened == PairingAsked && s.Bond == NoBond && s.Closed && !opened)
		never(s, "a stranger whom nobody let in", pairs && s.Happened == PairingAsked && s.Bond == NoBond && s.Ask && !s.Consent && !opened)
	})
}

func TestHappenedBy(t *testing.T) {
	for status := range 0x100 {
		want := LinkFailed
		switch status {
		case 0x06:
			want = KeyMissing
		case 0x3D, 0x05:
			want = KeyFailed
		}
		if got := HappenedBy(hci.Status(status)); got != want {
			t.Errorf("0x%02X: %s, want %s", status, got, want)
		}
	}
}
