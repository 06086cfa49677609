package bluez

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/smp"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var (
	host = hci.Address{Octets: [6]byte{0x77, 0x01, 0xF0, 0x85, 0x1D, 0x00}}
	peer = hci.Address{Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}}
)

// secureInfo is as BlueZ 5.66 writes it after a pairing with Secure Connections.
const secureInfo = `[General]
Name=Nonin3230_502543754
AddressType=public
SupportedTechnologies=LE;
Trusted=false
Blocked=false
WakeAllowed=true
Services=00001800-0000-1000-8000-00805f9b34fb;00001801-0000-1000-8000-00805f9b34fb;00001822-0000-1000-8000-00805f9b34fb;

[IdentityResolvingKey]
Key=0102030405060708090A0B0C0D0E0FF0

[PeripheralLongTermKey]
Key=A1A2A3A4A5A6A7A8A9AAABACADAEAFB0
Authenticated=2
EncSize=16
EDiv=0
Rand=0

[SlaveLongTermKey]
Key=A1A2A3A4A5A6A7A8A9AAABACADAEAFB0
Authenticated=2
EncSize=16
EDiv=0
Rand=0

[ConnectionParameters]
MinInterval=24
MaxInterval=40
Latency=0
Timeout=42
`

// legacyInfo is as BlueZ 5.66 writes it after a legacy pairing with a passkey.
const legacyInfo = `[General]
Name=Thing
AddressType=static
SupportedTechnologies=LE;
Trusted=true
Blocked=false

[LongTermKey]
Key=C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0
Authenticated=1
EncSize=16
EDiv=21078
Rand=578437695752307201

[PeripheralLongTermKey]
Key=D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0
Authenticated=1
EncSize=16
EDiv=258
Rand=8

[SlaveLongTermKey]
Key=D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0
Authenticated=1
EncSize=16
EDiv=258
Rand=8

[LocalSignatureKey]
Key=E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0
Counter=7
Authenticated=true

[RemoteSignatureKey]
Key=F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF00
Counter=9
Authenticated=true
`

func run(first byte) (k smp.Key) {
	for i := range k {
		k[i] = first + byte(i)
	}
	return k
}

func parse(t *testing.T, text string) Bond {
	t.Helper()
	b, err := ParseInfo([]byte(text), host, peer.Octets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSecureConnectionsIsStoredOnce(t *testing.T) {
	b := parse(t, secureInfo)
	r := b.Record
	k := r.Keys
	if r.Local != host || r.Peer != peer || !r.Bonded || r.Wish != smp.WishUnknown || r.Proven || r.Lost || len(b.Notes) != 0 {
		t.Errorf("record %+v, notes %q", r, b.Notes)
	}
	if !k.SecureConnections || k.Authenticated || k.KeySize != 16 || k.Local != nil || k.Peer != nil {
		t.Errorf("keys %+v", k)
	}
	if k.SC == nil || *k.SC != (smp.LTK{Key: run(0xA1)}) {
		t.Error("the key's octets are not in the order of the file")
	}
	if k.PeerIRK == nil || k.PeerIRK[0] != 1 || k.PeerIRK[15] != 0xF0 {
		t.Error("the identity resolving key's octets are not in the order of the file")
	}
	if k.ForRole(hci.Central) == nil || k.ForRole(hci.Peripheral) == nil {
		t.Error("the key is not good in both roles")
	}
}

func TestLegacyIsStoredByDistributor(t *testing.T) {
	random := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
	b, err := ParseInfo([]byte(legacyInfo), host, random.Octets)
	if err != nil {
		t.Fatal(err)
	}
	k := b.Record.Keys
	if b.Record.Peer != random || k.SecureConnections || !k.Authenticated || k.SC != nil {
		t.Errorf("record %+v", b.Record)
	}
	if want := (smp.LTK{Key: run(0xC1), EDIV: 0x5256, Rand: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}); *k.ForRole(hci.Central) != want {
		t.Error("the peer's key is not the one to use as central")
	}
	if want := (smp.LTK{Key: run(0xD1), EDIV: 0x0102, Rand: [8]byte{8}}); *k.ForRole(hci.Peripheral) != want {
		t.Error("our key is not the one to use as peripheral")
	}
	if *k.LocalCSRK != run(0xE1) || k.LocalSignCounter != 7 || *k.PeerCSRK != run(0xF1) || k.PeerSignCounter != 9 {
		t.Error("the signature keys are others")
	}
}

// TestVariants changes one thing of a file.
func TestVariants(t *testing.T) {
	both := strings.ReplaceAll(secureInfo, "[ConnectionParameters]", "[LongTermKey]\nKey=A1A2A3A4A5A6A7A8A9AAABACADAEAFB0\nAuthenticated=2\nEncSize=16\nEDiv=0\nRand=0\n\n[ConnectionParameters]")
	stale := strings.ReplaceAll(secureInfo, "[ConnectionParameters]", "[LongTermKey]\nKey=B1A2A3A4A5A6A7A8A9AAABACADAEAFB0\nAuthenticated=0\nEncSize=16\nEDiv=1\nRand=2\n\n[ConnectionParameters]")
	short := "[LongTermKey]\nKey=01020304050607FFFFFFFFFFFFFFFFFF\nAuthenticated=0\nEncSize=7\nEDiv=1\nRand=0x0102030405060708\n"
	for _, c := range []struct {
		name, text string
		good       func(Bond) bool
	}{
		{"the older name alone", strings.ReplaceAll(secureInfo, "PeripheralLongTermKey", "Unknown"), func(b Bond) bool { return b.Record.Keys.SC.Key == run(0xA1) }},
		{"the newer name first", strings.Replace(secureInfo, "[SlaveLongTermKey]\nKey=A1", "[SlaveLongTermKey]\nKey=FF", 1), func(b Bond) bool { return b.Record.Keys.SC.Key == run(0xA1) }},
		{"the peer's group alone", strings.NewReplacer("PeripheralLongTermKey", "LongTermKey", "SlaveLongTermKey", "Unknown").Replace(secureInfo), func(b Bond) bool { return b.Record.Keys.SC.Key == run(0xA1) && b.Record.Keys.Peer == nil }},
		{"the same in both", both, func(b Bond) bool { return len(b.Notes) == 0 && b.Record.Keys.Peer == nil }},
		{"a stale legacy key", stale, func(b Bond) bool {
			return len(b.Notes) == 1 && b.Record.Keys.Peer == nil && b.Record.Keys.SecureConnections
		}},
		{"authenticated", strings.ReplaceAll(secureInfo, "Authenticated=2", "Authenticated=3"), func(b Bond) bool { return b.Record.Keys.Authenticated }},
		{"0x", strings.ReplaceAll(secureInfo, "Key=A1", "Key=0xA1"), func(b Bond) bool { return b.Record.Keys.SC.Key == run(0xA1) }},
		{"lower case", strings.ReplaceAll(secureInfo, "A1A2A3", "a1a2a3"), func(b Bond) bool { return b.Record.Keys.SC.Key == run(0xA1) }},
		{"blanks and carriage returns", strings.ReplaceAll(strings.ReplaceAll(secureInfo, "=", " = "), "\n", "\r\n"), func(b Bond) bool { return b.Record.Keys.KeySize == 16 }},
		{"no type of address", strings.ReplaceAll(secureInfo, "AddressType=public\n", ""), func(b Bond) bool { return b.Record.Peer == peer }},
		{"a short key", short, func(b Bond) bool {
			k := b.Record.Keys
			return k.KeySize == 7 && k.Peer.Key == smp.Key{1, 2, 3, 4, 5, 6, 7} && k.Peer.Rand == [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
		}},
		{"kinds that differ", strings.Replace(strings.ReplaceAll(legacyInfo, "static", "public"), "Authenticated=1", "Authenticated=0", 1), func(b Bond) bool { return !b.Record.Keys.Authenticated && len(b.Notes) == 1 }},
		{"no resolving key", strings.ReplaceAll(secureInfo, "0102030405060708090A0B0C0D0E0FF0", strings.Repeat("0", 32)), func(b Bond) bool { return b.Record.Keys.PeerIRK == nil && len(b.Notes) == 1 }},
		{"one debug key", strings.Replace(strings.ReplaceAll(legacyInfo, "static", "public"), "Authenticated=1", "Authenticated=4", 1), func(b Bond) bool { return b.Record.Keys.Peer == nil && b.Record.Keys.Local != nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b := parse(t, c.text); !c.good(b) {
				t.Errorf("record %+v, notes %q", b.Record, b.Notes)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	secure := func(old, new string) string { return strings.ReplaceAll(secureInfo, old, new) }
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"debug key", secure("Authenticated=2", "Authenticated=4"), ErrDebugKey},
		{"key size 6", secure("EncSize=16", "EncSize=6"), ErrKeySize},
		{"key size 17", secure("EncSize=16", "EncSize=17"), ErrKeySize},
		{"no key size", secure("EncSize=16", ""), ErrKeySize},
		{"no identity address", secure("AddressType=public", "AddressType=static"), ErrAddress},
		{"type of address", secure("AddressType=public", "AddressType=random"), ErrDamaged},
		{"blocked", secure("Blocked=false", "Blocked=true"), ErrBlocked},
		{"link key only", "[General]\nAddressType=public\n[LinkKey]\nKey=00112233445566778899AABBCCDDEEFF\nType=4\nPINLength=0\n", ErrNoKey},
		{"resolving key only", "[IdentityResolvingKey]\nKey=00112233445566778899AABBCCDDEEFF\n", ErrNoKey},
		{"empty", "", ErrDamaged},
		{"zeros", strings.Repeat("\x00", 400), ErrDamaged},
		{"no group", "Key=1\n", ErrDamaged},
		{"no value", "[General]\nhello\n", ErrDamaged},
		{"too long", "[General]\n" + strings.Repeat("#\n", maxFile), ErrDamaged},
		{"key too short", secure("A1A2", "A1"), ErrDamaged},
		{"key not hexadecimal", secure("A1A2", "G1A2"), ErrDamaged},
		{"key of zeros", secure("A1A2A3A4A5A6A7A8A9AAABACADAEAFB0", strings.Repeat("0", 32)), ErrDamaged},
		{"no key in the group", secure("Key=A1A2A3A4A5A6A7A8A9AAABACADAEAFB0\n", ""), ErrDamaged},
		{"two sizes", strings.Replace(strings.ReplaceAll(legacyInfo, "static", "public"), "EncSize=16", "EncSize=9", 1), ErrDamaged},
		{"unknown kind", secure("Authenticated=2", "Authenticated=5"), ErrDamaged},
		{"negative kind", secure("Authenticated=2", "Authenticated=-1"), ErrDamaged},
		{"EDIV too large", secure("EDiv=0", "EDiv=65536"), ErrDamaged},
		{"EDIV with Secure Connections", secure("EDiv=0", "EDiv=1"), ErrDamaged},
		{"random too large", secure("Rand=0", "Rand=18446744073709551616"), ErrDamaged},
		{"random cut short", secure("Rand=0", "Rand=0x01"), ErrDamaged},
		{"random not hexadecimal", secure("Rand=0", "Rand=0xG102030405060708"), ErrDamaged},
		{"counter", strings.ReplaceAll(strings.ReplaceAll(legacyInfo, "static", "public"), "Counter=9", "Counter=-1"), ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseInfo([]byte(c.text), host, peer.Octets)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "A3A4") {
				t.Errorf("the error holds a key: %v", err)
			}
		})
	}
}

// TestTruncated cuts a file at every octet: what is read is a whole key or none.
func TestTruncated(t *testing.T) {
	for n := range len(secureInfo) {
		b, err := ParseInfo([]byte(secureInfo[:n]), host, peer.Octets)
		if err == nil && (b.Record.Keys.SC == nil || b.Record.Keys.SC.Key != run(0xA1)) {
			t.Errorf("%d octets give another key", n)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for name, text := range map[string]string{"secure": secureInfo, "legacy": strings.ReplaceAll(legacyInfo, "static", "public")} {
		t.Run(name, func(t *testing.T) {
			before := parse(t, text)
			for _, old := range [][]byte{nil, []byte(text)} {
				after, err := AppendInfo(nil, before.Record, old)
				if err != nil {
					t.Fatal(err)
				}
				b := parse(t, string(after))
				if len(b.Notes) != 0 || !sameKeys(b.Record.Keys, before.Record.Keys) || b.Record.Peer != before.Record.Peer {
					t.Errorf("other keys after a round trip: %q", b.Notes)
				}
			}
		})
	}
}

func TestFormatIsBlueZs(t *testing.T) {
	b := parse(t, secureInfo)
	text, err := AppendInfo([]byte("before"), b.Record, []byte(secureInfo))
	if err != nil {
		t.Fatal(err)
	}
	group := strings.Split(strings.Split(secureInfo, "[PeripheralLongTermKey]")[1], "\n\n")[0]
	want := "before" + secureInfo + "\n[LongTermKey]" + group + "\n"
	if string(text) != want {
		t.Errorf("a key of Secure Connections belongs in LongTermKey too, and the rest as it was; got\n%s", text)
	}
	text, err = AppendInfo(nil, b.Record, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"[General]\n", "AddressType=public\n", "SupportedTechnologies=LE;\n", "Trusted=false\n", "[SlaveLongTermKey]" + group} {
		if !bytes.Contains(text, []byte(line)) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
}

// TestOldKeysGo gives a file with legacy keys those of Secure Connections.
func TestOldKeysGo(t *testing.T) {
	old := strings.ReplaceAll(legacyInfo, "SupportedTechnologies=LE;", "SupportedTechnologies=BR/EDR;") + "\n[LinkKey]\nKey=00\n"
	text, err := AppendInfo(nil, parse(t, secureInfo).Record, []byte(old))
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"C1C2", "D1D2", "E1E2", "F1F2", "static", "SignatureKey"} {
		if bytes.Contains(text, []byte(gone)) {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, kept := range []string{"Name=Thing", "[LinkKey]", "SupportedTechnologies=BR/EDR;LE;", "AddressType=public"} {
		if !bytes.Contains(text, []byte(kept)) {
			t.Errorf("%s is gone", kept)
		}
	}
}

func TestCheck(t *testing.T) {
	good := parse(t, secureInfo).Record
	for _, c := range []struct {
		name   string
		change func(*smp.Record)
		want   error
	}{
		{"good", func(*smp.Record) {}, nil},
		{"no bond", func(r *smp.Record) { r.Bonded = false }, ErrNoKey},
		{"no key", func(r *smp.Record) { r.Keys.SC = nil }, ErrNoKey},
		{"no legacy key", func(r *smp.Record) { r.Keys.SecureConnections = false }, ErrNoKey},
		{"key size", func(r *smp.Record) { r.Keys.KeySize = 6 }, ErrKeySize},
		{"resolvable peer", func(r *smp.Record) { r.Peer = hci.Address{Type: hci.Random, Octets: [6]byte{5: 0x40}} }, ErrAddress},
		{"resolvable local", func(r *smp.Record) { r.Local = hci.Address{Type: hci.Random, Octets: [6]byte{5: 0x40}} }, ErrAddress},
	} {
		r := good.Clone()
		c.change(&r)
		if err := Check(r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if _, err := AppendInfo(nil, r, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: format says %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := AppendInfo(nil, good, []byte("nonsense")); !errors.Is(err, ErrDamaged) {
		t.Errorf("an old file that is none: %v", err)
	}
}

// FuzzParseInfo: whatever is taken can be written and is then the same.
func FuzzParseInfo(f *testing.F) {
	for _, seed := range []string{secureInfo, legacyInfo, "", "[General]\n", "[LongTermKey]\nKey=0x" + strings.Repeat("01", 16) + "\nEncSize=7\nRand=0x0000000000000001\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ParseInfo(text, host, peer.Octets)
		if err != nil {
			return
		}
		if err := Check(b.Record); err != nil {
			t.Fatalf("taken, and can't be given: %v", err)
		}
		again, err := AppendInfo(nil, b.Record, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > maxFile {
			return
		}
		after, err := ParseInfo(again, host, peer.Octets)
		if err != nil || !sameKeys(b.Record.Keys, after.Record.Keys) {
			t.Fatalf("after a round trip: %v", err)
		}
	})
}

func ExampleParseInfo() {
	b, err := ParseInfo([]byte(secureInfo), host, peer.Octets)
	fmt.Println(b.Record.Peer.Text(), b.Record.Keys.SecureConnections, b.Record.Keys.SC, err)
	// Output: 00:1C:05:FF:F0:30/public true (key) <nil>
}
