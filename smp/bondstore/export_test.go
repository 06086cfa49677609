package bondstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

func TestExportRoundTrip(t *testing.T) {
	s := openModel(t, newModel())
	for _, r := range []smp.Record{bond(peerA, 1), {Local: host, Peer: peerB, Wish: smp.WishNone}} {
		if err := s.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	irk, err := s.LocalIRK(host)
	if err != nil {
		t.Fatal(err)
	}
	static, err := s.StaticAddress()
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Export().AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := ParseExport(text)
	if err != nil {
		t.Fatal(err)
	}
	if x.Static != static || x.IRKs[host] != irk || len(x.Records) != 2 || !x.Records[0].Keys.Equal(bond(peerA, 1).Keys) || x.Records[1].Wish != smp.WishNone {
		t.Errorf("exported %+v", x.Records)
	}
	if said := fmt.Sprintf("%v %+v %#v", x, x, x); !strings.HasPrefix(said, "2 records ") {
		t.Errorf("it prints as %s", said)
	}
	for n := range text {
		if _, err := ParseExport(text[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("the first %d octets: %v", n, err)
		}
	}
	again, err := x.AppendTo([]byte("x"))
	if err != nil || string(again) != "x"+string(text) {
		t.Errorf("another text after a round trip, %v", err)
	}
}

func TestParseExportRefuses(t *testing.T) {
	bonded, err := marshalBond(bond(peerA, 1))
	if err != nil {
		t.Fatal(err)
	}
	const head = "{\n  \"version\": 1, \"kind\": \"jelling bonds\""
	one := `{"local":"` + host.Text() + `","peer":"` + peerA.Text() + `","history":{}}`
	for _, c := range []struct {
		name string
		text []byte
		want error
	}{
		{"a bond's file", bonded, ErrDamaged},
		{"newer", sealed([]byte("{\n  \"version\": 99")), ErrNewer},
		{"twice the same", sealed([]byte(head + `, "bonds": [` + one + "," + one + "]")), ErrDamaged},
		{"too many", sealed([]byte(head + `, "bonds": [{}` + strings.Repeat(",{}", MaxRecords) + "]")), ErrDamaged},
		{"no record", sealed([]byte(head + `, "bonds": [{}]`)), ErrDamaged},
		{"no static address", sealed([]byte(head + `, "static_address": "` + peerA.Text() + `"`)), ErrDamaged},
		{"empty", nil, ErrDamaged},
	} {
		if _, err := ParseExport(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if x, err := ParseExport(sealed([]byte(head + `, "bonds": [` + one + "]"))); err != nil || len(x.Records) != 1 {
		t.Errorf("one record: %v", err)
	}
	if _, err := (Export{Records: []smp.Record{{}}}).AppendTo(nil); !errors.Is(err, ErrRecord) {
		t.Errorf("a record that is none: %v", err)
	}
}

func FuzzParseExport(f *testing.F) {
	text, err := Export{Records: []smp.Record{bond(peerA, 1)}, IRKs: map[hci.Address]smp.Key{host: {1}}}.AppendTo(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text[:len(text)-sealLength])
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = ParseExport(text)
		x, err := ParseExport(sealed(text))
		if err != nil {
			return
		}
		if again, err := x.AppendTo(nil); err != nil {
			t.Fatal(err)
		} else if _, err := ParseExport(again); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAdopt(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	static := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC0}}
	other := hci.Address{Type: hci.Random, Octets: [6]byte{9, 2, 3, 4, 5, 0xC0}}
	if _, known := s.KnownIRK(host); known {
		t.Error("an empty store has a key")
	}
	made, err := s.LocalIRK(host)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{s.AdoptIRK(host, smp.Key{1}), s.AdoptIRK(host, smp.Key{1}), s.AdoptStatic(other), s.AdoptStatic(static)} {
		if err != nil {
			t.Errorf("without a bond: %v", err)
		}
	}
	if irk, known := s.KnownIRK(host); !known || irk != (smp.Key{1}) || irk == made {
		t.Error("the key was not adopted")
	}
	bonded := bond(peerA, 1)
	elsewhere := bond(peerA, 2)
	elsewhere.Local = static
	if err := errors.Join(s.Save(bonded), s.Save(elsewhere)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.AdoptIRK(host, smp.Key{1}), s.AdoptStatic(static)); err != nil {
		t.Errorf("the same again: %v", err)
	}
	for _, c := range []struct{ got, want error }{
		{s.AdoptIRK(host, smp.Key{2}), ErrIdentity}, {s.AdoptStatic(other), ErrIdentity},
		{s.AdoptIRK(host, smp.Key{}), ErrRecord}, {s.AdoptIRK(hci.Address{}, smp.Key{2}), ErrRecord}, {s.AdoptStatic(host), ErrRecord},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openModel(t, m)
	if irk, _ := s.KnownIRK(host); irk != (smp.Key{1}) {
		t.Error("the key was not kept")
	}
	if a, _ := s.StaticAddress(); a != static {
		t.Errorf("static address %s", a)
	}
}
