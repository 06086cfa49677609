package hci

import (
	"bytes"
	"errors"
	"testing"
)

// fixed gives return parameters that are a plain value their octets to compare with.
type fixed []byte

func (f fixed) AppendTo(b []byte) []byte { return append(b, f...) }

func TestReturnParameters(t *testing.T) {
	var commands SupportedCommands
	commands[5], commands[63] = 0x20, 0x80
	runCodec(t, []codecCase{
		{name: "Read Local Version Information: return", layout: `
			HCI_Version         0D
			HCI_Subversion      3412
			LMP_Version         0C
			Company_Identifier  0F00
			LMP_Subversion      7856`,
			value: LocalVersion{13, 0x1234, 12, 15, 0x5678}, parse: parser(ParseLocalVersion)},
		{name: "Read Buffer Size: return", layout: `
			ACL_Data_Packet_Length              FD03
			Synchronous_Data_Packet_Length      40
			Total_Num_ACL_Data_Packets          0800
			Total_Num_Synchronous_Data_Packets  0100`,
			value: BufferSize{1021, 64, 8, 1}, parse: parser(ParseBufferSize)},
		{name: "LE Read Buffer Size: return", layout: "LE_ACL_Data_Packet_Length FB00 Total_Num_LE_ACL_Data_Packets 01",
			value: LEBufferSize{251, 1}, parse: parser(ParseLEBufferSize)},
		{name: "LE Read Buffer Size: return", layout: "LE_ACL_Data_Packet_Length 0000 Total_Num_LE_ACL_Data_Packets 00",
			value: LEBufferSize{}, parse: parser(ParseLEBufferSize)},
		{name: "Read Local Supported Commands: return", layout: "Supported_Commands " + hexOf(commands[:]), value: fixed(commands[:]),
			parse: octetsOf(func(b []byte) ([]byte, error) { r, err := ParseSupportedCommands(b); return r[:], err })},
		{name: "LE Read Local Supported Features: return", layout: "Features " + octets8, value: fixed(array8[:]),
			parse: octetsOf(func(b []byte) ([]byte, error) {
				f, err := ParseFeatures(OpLEReadLocalSupportedFeatures, b)
				return LESetEventMask{f}.AppendTo(nil), err
			})},
		{name: "Read BD_ADDR: return", layout: "BD_ADDR 30F0FF051C00", value: fixed{0x30, 0xF0, 0xFF, 5, 0x1C, 0},
			parse: octetsOf(func(b []byte) ([]byte, error) { a, err := ParseBDADDR(b); return a.Octets[:], err })},
		{name: "LE Connection Update: return", layout: "Connection_Handle 4000", value: fixed{0x40, 0},
			parse: octetsOf(func(b []byte) ([]byte, error) {
				h, err := ParseHandle(OpLEConnectionUpdate, b)
				return []byte{byte(h), byte(h >> 8)}, err
			})},
		{name: "LE Encrypt: return", layout: "Encrypted_Data " + octets16, value: fixed(array16[:]),
			parse: octetsOf(func(b []byte) ([]byte, error) { r, err := ParseLEEncryptReturn(b); return r[:], err })},
		{name: "LE Rand: return", layout: "Random_Number " + octets8, value: fixed(array8[:]),
			parse: octetsOf(func(b []byte) ([]byte, error) { r, err := ParseLERandReturn(b); return r[:], err })},
	})
}

func octetsOf(parse func([]byte) ([]byte, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) { r, err := parse(b); return fixed(r), err }
}

func hexOf(b []byte) string {
	const digits = "0123456789ABCDEF"
	var s []byte
	for _, v := range b {
		s = append(s, digits[v>>4], digits[v&15])
	}
	return string(s)
}

// BD_ADDR is public; the zero address means that the controller has none.
func TestBDADDRIsPublic(t *testing.T) {
	a, err := ParseBDADDR([]byte{0x30, 0xF0, 0xFF, 5, 0x1C, 0})
	if err != nil || a.Text() != "00:1C:05:FF:F0:30/public" {
		t.Errorf("%v, %v", a.Text(), err)
	}
	if a, err := ParseBDADDR(make([]byte, 6)); err != nil || !a.IsZero() || a.IsIdentity() {
		t.Errorf("%v, %v", a, err)
	}
}

func TestReturnStatus(t *testing.T) {
	if s, err := ReturnStatus(OpReset, []byte{0x0C, 1, 2}); s != CommandDisallowed || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	_, err := ReturnStatus(OpReset, nil)
	var short *ShortError
	if !errors.As(err, &short) || err.Error() != "hci: Reset: return: Status: 0 octets, want 1" {
		t.Errorf("%v", err)
	}
}

// Supported Commands by octet and bit (Vol 4, Part E, 6.27).
func TestSupportedCommandsHas(t *testing.T) {
	octets := make([]byte, 64)
	octets[5], octets[63] = 1<<6|1<<7, 1<<7 // Set Event Mask and Reset; the last bit there is
	r, err := ParseSupportedCommands(octets)
	if err != nil {
		t.Fatal(err)
	}
	for octet := range 64 {
		for bit := range 8 {
			want := octet == 5 && bit >= 6 || octet == 63 && bit == 7
			if r.Has(octet, bit) != want {
				t.Errorf("octet %d, bit %d: %v", octet, bit, !want)
			}
		}
	}
	if !bytes.Equal(r[:], octets) {
		t.Error("not what was parsed")
	}
}
