package bondstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/smp"
)

// sampleWaits is n waits.
func sampleWaits(n int) (all []smp.Wait) {
	for i := range n {
		peer := peerA
		peer.Octets[0] = byte(i)
		all = append(all, smp.Wait{Peer: peer, Failures: i + 1, Left: time.Duration(i) * 1500 * time.Millisecond})
	}
	return all
}

// TestWaits are what was saved last, over a restart, with a key and without.
func TestWaits(t *testing.T) {
	for _, k := range []*StateKey{nil, stateKey(t, 7)} {
		dir := filepath.Join(t.TempDir(), "state")
		for n := range 4 {
			s, err := Open(dir, Config{Key: k})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.LoadWaits()
			if want := sampleWaits(max(0, n-1)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%d: %v, %v, want %v", n, got, err, want)
			}
			if err := s.SaveWaits(sampleWaits(n)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := s.SaveWaits(nil); !errors.Is(err, os.ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, waitsName))
		if plain := strings.Contains(string(text), `"left_ms": 1500`); err != nil || plain != (k == nil) {
			t.Errorf("plain %v, %v", plain, err)
		}
	}
}

// TestNoWaitsNoFile: a host at which no pairing has failed has no file for that; one that had waits has one without.
func TestNoWaitsNoFile(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	if err := s.SaveWaits(nil); err != nil || strings.Contains(fmt.Sprint(m.files()), waitsName) {
		t.Errorf("%v, %v", err, m.files())
	}
	if err := errors.Join(s.SaveWaits(sampleWaits(1)), s.SaveWaits(nil)); err != nil {
		t.Error(err)
	}
	if all, err := s.LoadWaits(); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

// TestWaitsPowerCut cuts the power at every step of a save: the waits are the old ones or the new ones.
func TestWaitsPowerCut(t *testing.T) {
	base := newModel()
	s := openModel(t, base)
	if err := errors.Join(s.SaveWaits(sampleWaits(1)), s.Close()); err != nil {
		t.Fatal(err)
	}
	for cut := 1; ; cut++ {
		m := base.clone()
		m.cutAt = cut
		s, err := open(modelDir, Config{}, m, false)
		saved := err == nil && s.SaveWaits(sampleWaits(2)) == nil
		m.afterCut(func(left *model) {
			got, err := openModel(t, left).LoadWaits()
			if err != nil || len(got) != 2 && (saved || len(got) != 1) {
				t.Fatalf("cut at step %d: %v, %v\nfiles %q", cut, got, err, left.files())
			}
		})
		if saved && s.Close() == nil && m.steps < cut {
			break
		}
	}
}

// TestWaitsOfABadDisk are in memory only, and the error says so; a damaged file is told of and taken for none.
func TestWaitsOfABadDisk(t *testing.T) {
	for _, bad := range diskErrors {
		m := newModel()
		s := openModel(t, m)
		m.fail = always(bad)
		var memory *MemoryError
		if err := s.SaveWaits(sampleWaits(1)); !errors.As(err, &memory) || !errors.Is(err, bad) {
			t.Errorf("%v: %v", bad, err)
		}
		m.fail = nil
		if err := s.SaveWaits(sampleWaits(1)); err != nil {
			t.Errorf("%v, and then: %v", bad, err)
		}
	}
	s, err := OpenReadOnly(t.TempDir(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveWaits(nil); err != ErrReadOnly {
		t.Errorf("%v", err)
	}
	if all, err := s.LoadWaits(); all != nil || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

// TestWaitsFile refuses what can't be, and reads what it wrote before.
func TestWaitsFile(t *testing.T) {
	waits := func(text string) []byte { return []byte(document("1", ",\n  \"waits\": ["+text+"]")) }
	for name, text := range map[string][]byte{
		"nothing":             nil,
		"no checksum":         []byte("{}"),
		"a wait below zero":   waits(`{"peer": "00:1C:05:FF:F0:30/public", "failures": 1, "left_ms": -1}`),
		"failures below zero": waits(`{"peer": "00:1C:05:FF:F0:30/public", "failures": -1, "left_ms": 1}`),
		"for ever":            waits(`{"peer": "00:1C:05:FF:F0:30/public", "failures": 1, "left_ms": 9223372036854775807}`),
		"no address":          waits(`{"peer": "somebody", "failures": 1, "left_ms": 1}`),
		"a crowd":             waits(strings.TrimSuffix(strings.Repeat(`{},`, maxSavedWaits+1), ",")),
	} {
		if all, err := unmarshalWaits(text); !errors.Is(err, ErrDamaged) || all != nil {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
	if all, err := unmarshalWaits(waits(`{"peer": "00:1C:05:FF:F0:30/public", "failures": 2, "left_ms": 1500}`)); err != nil || len(all) != 1 || all[0] != (smp.Wait{Peer: peerA, Failures: 2, Left: 1500 * time.Millisecond}) {
		t.Errorf("%v, %v", all, err)
	}
}
