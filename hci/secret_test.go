package hci

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// A key must not be found in what any verb prints, in any of the forms in which verbs print octets.
func TestKeysAreHidden(t *testing.T) {
	key := [16]byte{0xDE, 0xAD, 0xBE, 0xEF, 0x17, 0x39, 0x5C, 0x71, 0x93, 0xB5, 0xD7, 0xF9, 0x1B, 0x3D, 0x5F, 0x81}
	type holder struct{ Command any }
	for _, c := range []interface {
		Command
		fmt.Stringer
	}{
		LEEncrypt{Key: key, Plaintext: key},
		LEEnableEncryption{Handle: 0x40, Key: key},
		LELongTermKeyRequestReply{Handle: 0x40, Key: key},
		LEAddDeviceToResolvingList{PeerIRK: key, LocalIRK: key},
	} {
		frame := CommandFrame{c.Opcode(), c.AppendTo(nil)}
		raw := Raw{c.Opcode(), c.AppendTo(nil)}
		for _, v := range []any{c, &c, frame, &frame, raw, &raw, holder{c}, &holder{frame}, []any{c}, map[int]any{1: raw}, fmt.Errorf("command %v failed", c)} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%# X", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%T", "%100v", "%.3s"} {
				wantHidden(t, verb, fmt.Sprintf(verb, v), key[:])
			}
		}
		if c.String() != c.Opcode().String() || fmt.Sprint(c) != c.String() {
			t.Errorf("%q and %q, want %q", c, fmt.Sprint(c), c.Opcode())
		}
	}
}

// wantHidden looks for four octets in a row of the key, as hex, as decimal and as they are.
func wantHidden(t *testing.T, verb, printed string, key []byte) {
	t.Helper()
	squeezed := strings.NewReplacer(" ", "", ",", "", "0x", "", "0X", "", `\x`, "").Replace(printed)
	for i := range len(key) - 3 {
		part := key[i : i+4]
		decimal := strings.Trim(fmt.Sprint(part), "[]")
		for _, form := range []string{hex.EncodeToString(part), strings.ReplaceAll(decimal, " ", ""), string(part)} {
			if strings.Contains(strings.ToLower(squeezed), form) || strings.Contains(printed, form) {
				t.Fatalf("%s prints %q, with the key in it", verb, printed)
			}
		}
	}
}

// The check above can fail: what holds no key prints its octets.
func TestOthersArePrinted(t *testing.T) {
	frame := CommandFrame{OpDisconnect, []byte{0x40, 0, 0x13}}
	if got := fmt.Sprintf("%v", frame); got != "Disconnect [40 00 13]" {
		t.Error(got)
	}
	if got := fmt.Sprintf("%+v", Raw{0xFC01, []byte{1, 0xAB}}); got != "command 0xFC01 [01 AB]" {
		t.Error(got)
	}
	if got := (CommandFrame{OpLEEncrypt, make([]byte, 32)}).String(); got != "LE Encrypt, 32 octets" {
		t.Error(got)
	}
}

// The key that the controller made is hidden too, in the event and in its octets; other events print.
func TestDHKeyIsHidden(t *testing.T) {
	e := LEGenerateDHKeyComplete{Key: [32]byte(append(unhex(t, "DEADBEEF17395C7193B5D7F91B3D5F81"), make([]byte, 16)...))}
	frame := EventFrame{EvLEMeta, e.AppendTo(nil)}
	for _, v := range []any{e, &e, frame, &frame, []any{e}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d"} {
			wantHidden(t, verb, fmt.Sprintf(verb, v), e.Key[:16])
		}
	}
	if got := fmt.Sprintf("%v, %v", frame, EventFrame{EvHardwareError, []byte{0x7F}}); got != "LE Generate DHKey Complete, 34 octets, Hardware Error [7F]" {
		t.Error(got)
	}
}
