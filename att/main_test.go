package att_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// octets are what hexadecimal text with free spaces stands for.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// wantOctets compares octets with hexadecimal text.
func wantOctets(t testing.TB, got []byte, want string) {
	t.Helper()
	if !bytes.Equal(got, octets(t, want)) {
		t.Errorf("got %x, want %s", got, want)
	}
}
