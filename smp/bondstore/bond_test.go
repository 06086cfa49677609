package bondstore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// oximeter is the bond of the recorded oximeter: its LTK is as the controller got it.
func oximeter(t testing.TB) smp.Record {
	t.Helper()
	ltk := smp.LTK{EDIV: 0x5256, Rand: [8]byte{0xE6, 0x8B, 0xE5, 0x4B, 0xF5, 0x07, 0x80, 0xA3}}
	if _, err := hex.Decode(ltk.Key[:], []byte("080b10bacd048f5bd98e72fb1ae5527b")); err != nil {
		t.Fatal(err)
	}
	return smp.Record{
		Local: host, Peer: peerA, Bonded: true, Wish: smp.WishNone, Proven: true, Lost: true,
		Keys:    smp.Keys{KeySize: 16, Method: smp.JustWorks, Peer: &ltk},
		History: smp.History{Lost: 1, LastLost: "PIN or Key Missing (0x06)"},
	}
}

const oximeterFile = `{
  "version": 1,
  "byte_order": "keys and random values are in on-air order, least significant octet first",
  "local": "00:1D:85:F0:01:77/public",
  "peer": "00:1C:05:FF:F0:30/public",
  "bonded": true,
  "wish": "none",
  "lost": true,
  "proven": true,
  "keys": {
    "method": "just-works",
    "authenticated": false,
    "secure_connections": false,
    "key_size": 16,
    "peer_ltk": {
      "key": "080b10bacd048f5bd98e72fb1ae5527b",
      "ediv": "0x5256",
      "rand": "e68be54bf50780a3"
    }
  },
  "history": {
    "lost": 1,
    "suspect": 0,
    "repaired": 0,
    "refused": 0,
    "last_lost": "PIN or Key Missing (0x06)"
  },
  "checksum": "sha256:CHECKSUM"
}
`

// TestBondFile holds the file to its form: other releases read it.
func TestBondFile(t *testing.T) {
	text, err := marshalBond(oximeter(t))
	if err != nil {
		t.Fatal(err)
	}
	sum := string(text[len(text)-len(sealTail)-64 : len(text)-len(sealTail)])
	if want := strings.Replace(oximeterFile, "CHECKSUM", sum, 1); string(text) != want {
		t.Errorf("the file is\n%swant\n%s", text, want)
	}
	if want := "c85f84364460a4de"; !strings.HasPrefix(sum, want) {
		t.Errorf("checksum %s, want one that begins with %s", sum, want)
	}
	got, err := unmarshalBond(text, host, peerA)
	if err != nil || !reflect.DeepEqual(got, oximeter(t)) {
		t.Errorf("read as %v, %v", got, err)
	}
}

// fill sets every field below v to something that is not zero.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(7 + *n%9))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(*n%251 + 1))
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	default:
		t.Fatalf("a field of type %v, which the file has no form for", v.Type())
	}
}

// full is a record in which no field is zero, for a field that is added to a record is added to its file.
func full(t *testing.T) smp.Record {
	t.Helper()
	var r smp.Record
	n := 0
	fill(t, reflect.ValueOf(&r).Elem(), &n)
	r.Local, r.Peer, r.Wish = host, peerB, smp.WishBond
	o := &r.Override // whose words are not any number
	*o.Bonding, *o.LostBond, *o.SecureConnections, *o.MinLevel = smp.BondNever, smp.LostRepair, smp.SecureConnectionsOnly, smp.LevelSC
	o.MinKeySize, o.MaxKeySize = 8, 16
	return r
}

func TestBondRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name string
		r    smp.Record
	}{
		{"every field", full(t)},
		{"the oximeter", oximeter(t)},
		{"no bond, and a wish", smp.Record{Local: host, Peer: peerA, Wish: smp.WishUnknown}},
		{"nothing but names", smp.Record{Local: peerB, Peer: peerA}},
		{"keys that are zeros", smp.Record{Local: host, Peer: peerA, Keys: smp.Keys{KeySize: 7, SC: &smp.LTK{}, LocalCSRK: &smp.Key{}}, Prior: &smp.Keys{}}},
		{"text with everything in it", smp.Record{Local: host, Peer: peerA, History: smp.History{LastLost: "\"<&>\\\n\x00 ü"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := marshalBond(c.r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := unmarshalBond(text, c.r.Local, c.r.Peer)
			if err != nil || !reflect.DeepEqual(got, c.r) {
				t.Errorf("read as %+v, %v, want %+v\n%s", got, err, c.r, text)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*smp.Record)
	}{
		{"no local address", func(r *smp.Record) { r.Local = hci.Address{} }},
		{"no peer address", func(r *smp.Record) { r.Peer = hci.Address{} }},
		{"an address of type 2", func(r *smp.Record) { r.Peer.Type = 2 }},
		{"a wish that is none", func(r *smp.Record) { r.Wish = "perhaps" }},
		{"a key of 6 octets", func(r *smp.Record) { r.Keys.KeySize = 6 }},
		{"a key of 17 octets", func(r *smp.Record) { r.Keys.KeySize = 17 }},
		{"a prior key of 6 octets", func(r *smp.Record) { r.Prior = &smp.Keys{KeySize: 6, SC: &smp.LTK{}} }},
		{"a method of a novel's length", func(r *smp.Record) { r.Keys.Method = smp.Method(strings.Repeat("x", maxText+1)) }},
		{"a history below zero", func(r *smp.Record) { r.History.Refused = -1 }},
		{"a policy that is none", func(r *smp.Record) { r.Override.Bonding = new(smp.Bonding(9)) }},
		{"a policy of keys of 6 octets", func(r *smp.Record) { r.Override.MinKeySize = 6 }},
		{"a history of a novel's length", func(r *smp.Record) { r.History.LastLost = strings.Repeat("x", maxText+1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := oximeter(t)
			c.change(&r)
			s := openModel(t, newModel())
			if err := s.Save(r); !errors.Is(err, ErrRecord) {
				t.Errorf("Save: %v, want ErrRecord", err)
			}
			if _, ok := s.Load(r.Local, r.Peer); ok || s.Err() != nil {
				t.Errorf("it was kept all the same; Err is %v", s.Err())
			}
			if _, err := marshalBond(r); !errors.Is(err, ErrRecord) {
				t.Errorf("marshalBond: %v, want ErrRecord", err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name string
		peer string // empty: it belongs to none
	}{
		{"00-1C-05-FF-F0-30-public.json", "00:1C:05:FF:F0:30/public"},
		{"C1-02-03-04-05-06-random.json", "C1:02:03:04:05:06/random"},
		{"C1-02-03-04-05-06-random.json.previous", "C1:02:03:04:05:06/random"},
		{"C1-02-03-04-05-06-random.json.new", "C1:02:03:04:05:06/random"},
		{"C1-02-03-04-05-06-random.json.damaged-9", "C1:02:03:04:05:06/random"},
		{"C1-02-03-04-05-06-random.json.previous.damaged-1", "C1:02:03:04:05:06/random"},
		{"00-1c-05-ff-f0-30-public.json", ""},
		{"00:1C:05:FF:F0:30-public.json", ""},
		{"00-1C-05-FF-F0-30.json", ""},
		{"00-1C-05-FF-F0-30-public", ""},
		{"00-1C-05-FF-F0-30-static.json", ""},
		{"00-1C-05-FF-F0-30-public.json~", ""},
		{"00-1C-05-FF-F0-30-public.json.damaged-", ""},
		{"identity.json", ""},
		{".json", ""},
		{"", ""},
		{".new", ""},
		{"-", ""},
	} {
		peer, ok := peerOf(c.name)
		if ok != (c.peer != "") || ok && peer.Text() != c.peer {
			t.Errorf("%q belongs to %v, %v, want %q", c.name, peer.Text(), ok, c.peer)
		}
	}
}
