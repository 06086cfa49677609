package smp

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// reparse reads a PDU by the parser of its code and writes it again. Every code has its line.
func reparse(b []byte) ([]byte, error) {
	c := code(0)
	if len(b) > 0 {
		c = code(b[0])
	}
	switch c {
	case codePairingRequest, codePairingResponse:
		p, err := parseFeatures(b, c)
		return p.appendTo(nil), err
	case codePairingFailed:
		p, err := parsePairingFailed(b)
		return p.appendTo(nil), err
	case codeCentralIdentification:
		p, err := parseCentralIdentification(b)
		return p.appendTo(nil), err
	case codeIdentityAddress:
		p, err := parseIdentityAddress(b)
		return p.appendTo(nil), err
	case codeSecurityRequest:
		p, err := parseSecurityRequest(b)
		return p.appendTo(nil), err
	case codePublicKey:
		p, err := parsePublicKey(b)
		return p.appendTo(nil), err
	case codePairingConfirm, codePairingRandom, codeEncryptionInformation, codeIdentityInformation,
		codeSigningInformation, codeDHKeyCheck:
		p, err := parseValue(b, c)
		return appendValue(nil, c, p), err
	case codeKeypress:
		return b, check(b, c)
	}
	return nil, check(b, codePairingRequest)
}

const sixteen = "000102030405060708090a0b0c0d0e0f"

// pdus is one PDU of each code, named after where the specification draws it.
var pdus = []struct{ name, hex string }{
	{"3.5.1 Pairing Request", "01030001100001"},
	{"3.5.2 Pairing Response", "0204012d070307"},
	{"3.5.3 Pairing Confirm", "03" + sixteen},
	{"3.5.4 Pairing Random", "04" + sixteen},
	{"3.5.5 Pairing Failed", "050b"},
	{"3.6.2 Encryption Information", "06" + sixteen},
	{"3.6.3 Central Identification", "075652e68be54bf50780a3"},
	{"3.6.4 Identity Information", "08" + sixteen},
	{"3.6.5 Identity Address Information", "09010102030405c6"},
	{"3.6.6 Signing Information", "0a" + sixteen},
	{"3.6.7 Security Request", "0b2d"},
	{"3.5.6 Pairing Public Key", "0c" + sixteen + sixteen + sixteen + sixteen},
	{"3.5.7 Pairing DHKey Check", "0d" + sixteen},
	{"3.5.8 Pairing Keypress Notification", "0e04"},
}

func TestPDUs(t *testing.T) {
	seen := map[code]bool{}
	for _, p := range pdus {
		t.Run(p.name, func(t *testing.T) {
			b := unhex(t, p.hex)
			seen[code(b[0])] = true
			if !code(b[0]).known() || !strings.HasSuffix(p.name, code(b[0]).String()) {
				t.Errorf("code 0x%02X is %v", b[0], code(b[0]))
			}
			again, err := reparse(b)
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("%x, %v, want %x", again, err, b)
			}
			for n := range b {
				if _, err := reparse(b[:n:n]); err == nil {
					t.Errorf("taken when cut to %d octets", n)
				}
			}
			if _, err := reparse(append(b, 0)); err == nil {
				t.Error("taken with an octet too many")
			}
		})
	}
	for c := range code(0xFF) {
		if c.known() != seen[c] {
			t.Errorf("0x%02X: known %t, in the table %t", uint8(c), c.known(), seen[c])
		}
	}
}

func TestParsersRefuseOtherCodes(t *testing.T) {
	for _, p := range pdus {
		b := unhex(t, p.hex)
		for c := range code(0x10) {
			if c == code(b[0]) {
				continue
			}
			if err := check(b, c); err == nil {
				t.Errorf("%s is taken for %v", p.name, c)
			}
		}
	}
}

func TestFeatures(t *testing.T) {
	b := unhex(t, "0204012d070307")
	got, err := parseFeatures(b, codePairingResponse)
	want := features{
		code: codePairingResponse, io: KeyboardDisplay, oob: true, auth: authBonding | authMITM | authSecure | authCT2,
		maxKeySize: 7, initiator: DistributeEnc | DistributeID, responder: everyKey,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if c := got.ioCap(); c != [3]byte{4, 1, 0x2d} {
		t.Errorf("IOcap %x", c)
	}
	for name, text := range map[string]string{
		"reserved IO capability": "01050001100001",
		"reserved OOB flag":      "01030201100001",
		"key size 17":            "01030001110001",
		"key size 255":           "01030001ff0001",
	} {
		if f, err := parseFeatures(unhex(t, text), codePairingRequest); err == nil || f != (features{}) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for _, size := range []byte{0, 6} { // refused by a Reason of its own, not by the parser
		b[4] = size
		if f, err := parseFeatures(b, codePairingResponse); err != nil || f.maxKeySize != int(size) {
			t.Errorf("key size %d: %+v, %v", size, f, err)
		}
	}
}

// Peers that mirror reserved AuthReq bits: 72, 136, 200.
func TestReservedAuthReqBits(t *testing.T) {
	for _, a := range []AuthReq{0x08, 72, 136, 200} {
		if a.Bonding() || a.MITM() || !a.SecureConnections() || a.Keypress() || a.CT2() {
			t.Errorf("AuthReq %d is misread", a)
		}
	}
	for a, want := range map[AuthReq]bool{0: false, 1: true, 2: false, 3: false, 0xC1: true} {
		if a.Bonding() != want {
			t.Errorf("AuthReq 0x%02X: bonding %t", uint8(a), a.Bonding())
		}
	}
	all := AuthReq(0x3D)
	if !all.Bonding() || !all.MITM() || !all.SecureConnections() || !all.Keypress() || !all.CT2() {
		t.Error("a flag of AuthReq 0x3D is not seen")
	}
}

func TestKeyPDUs(t *testing.T) {
	id, err := parseCentralIdentification(unhex(t, "075652e68be54bf50780a3"))
	if want := (centralIdentification{0x5256, [8]byte{0xe6, 0x8b, 0xe5, 0x4b, 0xf5, 0x07, 0x80, 0xa3}}); err != nil || id != want {
		t.Errorf("%+v, %v", id, err)
	}
	a, err := parseIdentityAddress(unhex(t, "0930010203040506")[:0])
	if err == nil {
		t.Errorf("nothing is taken for %v", a)
	}
	a, err = parseIdentityAddress(unhex(t, "09010102030405c6"))
	if err != nil || a.address != airPeripheral {
		t.Errorf("%v, %v", a.address.Text(), err)
	}
	for _, kind := range []byte{2, 3, 0xFF} {
		b := unhex(t, "09010102030405c6")
		b[1] = kind
		if a, err := parseIdentityAddress(b); err == nil || a.address != (hci.Address{}) {
			t.Errorf("address type %d: %v", kind, a.address.Text())
		}
	}
	k, err := parsePublicKey(unhex(t, "0c"+sixteen+sixteen+sixteen+sixteen))
	if err != nil || k.key != btcrypto.PublicKey(bytes.Repeat(unhex(t, sixteen), 4)) {
		t.Errorf("%x, %v", k.key, err)
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"SMP code 0x0F":      code(0x0F).String(),
		"SMP code 0x00":      code(0).String(),
		"DisplayOnly":        DisplayOnly.String(),
		"KeyboardDisplay":    KeyboardDisplay.String(),
		"IO capability 0x05": IOCapability(5).String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzPDU wants of any octets either a refusal or the same octets again.
func FuzzPDU(f *testing.F) {
	for _, p := range pdus {
		b, err := hex.DecodeString(p.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := reparse(b)
		if err == nil && !bytes.Equal(again, b) {
			t.Errorf("%x is read as %x", b, again)
		}
	})
}
