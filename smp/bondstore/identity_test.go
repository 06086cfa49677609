package bondstore

import (
	"bytes"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

var modelIdentity = filepath.Join(modelDir, identityName)

func TestIdentityIsMadeOnce(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	irk, err := s.LocalIRK(host)
	if err != nil || irk.IsZero() {
		t.Fatalf("a key that is zero is %v, %v", irk.IsZero(), err)
	}
	static, err := s.StaticAddress()
	if err != nil || !static.IsStatic() || !static.IsIdentity() {
		t.Fatalf("static address %v, %v", static.Text(), err)
	}
	other, err := s.LocalIRK(static)
	if err != nil || other == irk {
		t.Fatalf("the key of another identity is the same: %v, %v", other == irk, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	writes := len(m.touched)
	s = openModel(t, m)
	opened := len(m.touched)
	for range 2 {
		if again, err := s.LocalIRK(host); err != nil || again != irk {
			t.Errorf("the key is another after Open: %v", err)
		}
		if again, err := s.LocalIRK(static); err != nil || again != other {
			t.Errorf("the other key is another after Open: %v", err)
		}
		if again, err := s.StaticAddress(); err != nil || again != static {
			t.Errorf("static address %v after Open, %v, want %v", again.Text(), err, static.Text())
		}
	}
	if len(m.touched) != opened {
		t.Errorf("asking touched the disk: %v", m.touched[opened:])
	}
	for _, step := range m.touched[writes:opened] {
		if step == "write" || step == "rename" || step == "remove" {
			t.Errorf("Open wrote: %v", m.touched[writes:opened])
		}
	}
}

func TestNewStatic(t *testing.T) {
	for _, c := range []struct {
		name   string
		random func([]byte)
		want   string
	}{
		{"zeros", constant(0), "C0:00:00:00:00:01"},
		{"ones", constant(0xFF), "FF:FF:FF:FF:FF:FE"},
		{"something", constant(0x15), "D5:15:15:15:15:15"},
	} {
		if a := newStatic(c.random); a.String() != c.want || a.Type != hci.Random || !a.IsIdentity() {
			t.Errorf("%s: %v, want %s", c.name, a.Text(), c.want)
		}
	}
	if irk := newIRK(constant(0)); irk.IsZero() {
		t.Error("an identity resolving key of zeros")
	}
}

func TestIdentityOfNoAddress(t *testing.T) {
	s := openModel(t, newModel())
	if _, err := s.LocalIRK(hci.Address{}); !errors.Is(err, ErrRecord) {
		t.Errorf("a key for no address: %v", err)
	}
}

// modelWithIdentity is a disk with a static address and a key, and what they are.
func modelWithIdentity(t *testing.T) (*model, hci.Address, smp.Key) {
	t.Helper()
	m := newModel()
	s := openModel(t, m)
	irk, err := s.LocalIRK(host)
	if err != nil {
		t.Fatal(err)
	}
	static, err := s.StaticAddress()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return m, static, irk
}

// alter changes the octets of a file, durably.
func alter(t *testing.T, m *model, path string, octets []byte) {
	t.Helper()
	n, err := m.find(path)
	if err != nil {
		t.Fatal(err)
	}
	n.octets, n.durable = octets, octets
}

// problems keeps what is reported.
type problems []Problem

func (p *problems) config() Config { return Config{Report: func(q Problem) { *p = append(*p, q) }} }

func (p problems) String() string {
	var lines []string
	for _, q := range p {
		lines = append(lines, q.String())
	}
	return strings.Join(lines, "\n")
}

// TestIdentityDamaged damages one file of the identity: the other has all of it.
func TestIdentityDamaged(t *testing.T) {
	for _, octets := range [][]byte{nil, []byte("{"), make([]byte, 900)} {
		m, static, irk := modelWithIdentity(t)
		alter(t, m, modelIdentity, octets)
		var told problems
		s, err := open(modelDir, told.config(), m, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0].Path != modelIdentity || !errors.Is(told[0].Err, ErrDamaged) || !strings.Contains(told[0].Action, "identity.json.damaged-1; the previous generation is used") {
			t.Errorf("told %v", told)
		}
		if a, err := s.StaticAddress(); err != nil || a != static {
			t.Errorf("static address %v, %v, want %v", a.Text(), err, static.Text())
		}
		if k, err := s.LocalIRK(host); err != nil || k != irk {
			t.Errorf("another key, %v", err)
		}
		if n, err := m.find(modelIdentity); err != nil || len(n.octets) < sealLength {
			t.Errorf("there are not two files again: %v", err)
		}
		if got := m.files()[strings.TrimPrefix(modelIdentity+".damaged-1", string(filepath.Separator))]; got != string(octets) {
			t.Errorf("set aside was %q", got)
		}
	}
}

func TestIdentityLost(t *testing.T) {
	m, static, _ := modelWithIdentity(t)
	alter(t, m, modelIdentity, []byte("x"))
	alter(t, m, modelIdentity+previousEnding, []byte("y"))
	var told problems
	s, err := open(modelDir, told.config(), m, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || !strings.Contains(told[1].Action, "the host's identity is lost") {
		t.Errorf("told %v", told)
	}
	if a, err := s.StaticAddress(); err != nil || a == static {
		t.Errorf("static address %v, %v", a.Text(), err)
	}
}

// TestIdentityLeftAlone has an identity of a newer release, or one that can't be read: it is not replaced,
// and bonds are kept as always.
func TestIdentityLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, m *model)
		is      error
	}{
		{"newer", func(t *testing.T, m *model) { alter(t, m, modelIdentity, document("2", "")) }, ErrNewer},
		{"unreadable", func(t *testing.T, m *model) {
			m.fail = func(_ int, operation string) error {
				if operation == "read" {
					return syscall.EIO
				}
				return nil
			}
		}, syscall.EIO},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _, irk := modelWithIdentity(t)
			c.prepare(t, m)
			before := m.files()
			var told problems
			s, err := open(modelDir, told.config(), m, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(told) == 0 || !errors.Is(told[0].Err, c.is) || !strings.Contains(told[0].Action, "left alone") {
				t.Errorf("told %v", told)
			}
			k, err := s.LocalIRK(host)
			var memory *MemoryError
			if !errors.As(err, &memory) || !errors.Is(err, c.is) || k == irk || k.IsZero() {
				t.Errorf("error %v, want a *MemoryError with %v and a key of its own", err, c.is)
			}
			if again, err := s.LocalIRK(host); err == nil || again != k {
				t.Errorf("the key is another when asked again, %v", err)
			}
			for generation := range 2 { // the second finds the identity pending as well
				if err := s.Save(bond(peerA, byte(generation+1))); err != nil {
					t.Errorf("Save: %v", err)
				}
			}
			if err := s.Close(); !errors.Is(err, c.is) {
				t.Errorf("Close: %v, want %v", err, c.is)
			}
			after := m.files()
			for _, name := range []string{modelIdentity, modelIdentity + previousEnding} {
				name = strings.TrimPrefix(name, string(filepath.Separator))
				if after[name] != before[name] {
					t.Errorf("%s was changed", name)
				}
			}
		})
	}
}

func TestUnmarshalIdentity(t *testing.T) {
	for _, c := range []struct {
		name, rest string
		says       string
	}{
		{"nothing", "", ""},
		{"a static address", ",\n  \"static_address\": \"C1:02:03:04:05:06/random\"", ""},
		{"a public one", ",\n  \"static_address\": \"00:1C:05:FF:F0:30/public\"", "is no static address"},
		{"a private one", ",\n  \"static_address\": \"41:02:03:04:05:06/random\"", "is no static address"},
		{"all ones", ",\n  \"static_address\": \"FF:FF:FF:FF:FF:FF/random\"", "is no static address"},
		{"a key of zeros", ",\n  \"irks\": {\"00:1C:05:FF:F0:30/public\": \"" + strings.Repeat("0", 32) + "\"}", "no key for 00:1C:05:FF:F0:30/public"},
		{"half a key", ",\n  \"irks\": {\"00:1C:05:FF:F0:30/public\": \"" + strings.Repeat("1", 16) + "\"}", "16 digits where 32 belong"},
		{"a key of nobody", ",\n  \"irks\": {\"me\": \"" + strings.Repeat("1", 32) + "\"}", "an address that is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := unmarshalIdentity(document("1", c.rest))
			if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

func TestIdentityCut(t *testing.T) {
	id := identity{static: newStatic(constant(7))}
	id.setIRK(host, smp.Key{1})
	text, err := marshalIdentity(id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unmarshalIdentity(text); err != nil || !reflect.DeepEqual(got, id) {
		t.Errorf("read as %v, %v", got, err)
	}
	for n := range text {
		if _, err := unmarshalIdentity(text[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut after %d octets: %v", n, err)
		}
		changed := bytes.Clone(text)
		changed[n] ^= 0x20
		if _, err := unmarshalIdentity(changed); !errors.Is(err, ErrDamaged) {
			t.Fatalf("octet %d changed: %v", n, err)
		}
	}
}
