package att_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/jelling-ble/jelling/att"
)

// A pduCase is a PDU as it is on the air and as it is in Go.
type pduCase struct {
	name string
	hex  string
	pdu  att.PDU
	// cuts are the lengths, short of the whole, at which a PDU cut there is still one.
	cuts []int
	// open PDUs may go on: one octet more is one more octet of the value.
	open bool
}

// pdus has every PDU of Core 5.4 (Vol 3, Part F, 3.4) at least once.
var pdus = []pduCase{
	{"3.4.1.1 error response", "01 0a 3412 05",
		att.ErrorResponse{Request: att.OpReadRequest, Handle: 0x1234, Code: att.ErrInsufficientAuthentication}, nil, false},
	{"3.4.2.1 exchange MTU request", "02 0502", att.ExchangeMTURequest{ClientRxMTU: 517}, nil, false},
	{"3.4.2.2 exchange MTU response", "03 1700", att.ExchangeMTUResponse{ServerRxMTU: 23}, nil, false},
	{"3.4.3.1 find information request", "04 0100 ffff", att.FindInformationRequest{Start: 1, End: 0xFFFF}, nil, false},
	{"3.4.3.2 find information response, 16-bit", "05 01 0100 0028 0200 0328",
		att.FindInformationResponse{Information: []att.Information{{1, att.UUID16(0x2800)}, {2, att.UUID16(0x2803)}}}, []int{6}, false},
	{"3.4.3.2 find information response, 128-bit", "05 02 0300 ffeeddccbbaa99887766554433221100",
		att.FindInformationResponse{Information: []att.Information{{3, vendor}}}, nil, false},
	{"3.4.3.3 find by type value request", "06 0100 ffff 0028 0d18",
		att.FindByTypeValueRequest{Start: 1, End: 0xFFFF, Type: 0x2800, Value: []byte{0x0D, 0x18}}, []int{7, 8}, true},
	{"3.4.3.4 find by type value response", "07 0100 0500 0a00 0f00",
		att.FindByTypeValueResponse{Ranges: []att.HandleRange{{1, 5}, {10, 15}}}, []int{5}, false},
	{"3.4.4.1 read by type request, 16-bit", "08 0100 ffff 0328",
		att.ReadByTypeRequest{Start: 1, End: 0xFFFF, Type: att.UUID16(0x2803)}, nil, false},
	{"3.4.4.1 read by type request, 128-bit", "08 0100 ffff ffeeddccbbaa99887766554433221100",
		att.ReadByTypeRequest{Start: 1, End: 0xFFFF, Type: vendor}, []int{7}, false},
	{"3.4.4.2 read by type response", "09 04 0300 aabb 0600 ccdd",
		att.ReadByTypeResponse{Attributes: []att.AttributeData{{3, []byte{0xAA, 0xBB}}, {6, []byte{0xCC, 0xDD}}}}, []int{6}, false},
	{"3.4.4.2 read by type response, empty values", "09 02 0300 0600",
		att.ReadByTypeResponse{Attributes: []att.AttributeData{{3, []byte{}}, {6, []byte{}}}}, []int{4}, false},
	{"3.4.4.3 read request", "0a 0300", att.ReadRequest{Handle: 3}, nil, false},
	{"3.4.4.4 read response", "0b 0102", att.ReadResponse{Value: []byte{1, 2}}, []int{1, 2}, true},
	{"3.4.4.5 read blob request", "0c 0300 1600", att.ReadBlobRequest{Handle: 3, Offset: 22}, nil, false},
	{"3.4.4.6 read blob response", "0d 0102", att.ReadBlobResponse{Value: []byte{1, 2}}, []int{1, 2}, true},
	{"3.4.4.7 read multiple request", "0e 0300 0600 0100", att.ReadMultipleRequest{Handles: []uint16{3, 6, 1}}, []int{5}, false},
	{"3.4.4.8 read multiple response", "0f 0102", att.ReadMultipleResponse{Values: []byte{1, 2}}, []int{1, 2}, true},
	{"3.4.4.9 read by group type request, 16-bit", "10 0100 ffff 0028",
		att.ReadByGroupTypeRequest{Start: 1, End: 0xFFFF, Type: att.UUID16(0x2800)}, nil, false},
	{"3.4.4.9 read by group type request, 128-bit", "10 0100 ffff ffeeddccbbaa99887766554433221100",
		att.ReadByGroupTypeRequest{Start: 1, End: 0xFFFF, Type: vendor}, []int{7}, false},
	{"3.4.4.10 read by group type response", "11 06 0100 0500 0018 0600 0900 0118",
		att.ReadByGroupTypeResponse{Groups: []att.GroupData{{1, 5, []byte{0x00, 0x18}}, {6, 9, []byte{0x01, 0x18}}}}, []int{8}, false},
	{"3.4.4.11 read multiple variable request", "20 0300 0600", att.ReadMultipleVariableRequest{Handles: []uint16{3, 6}}, nil, false},
	{"3.4.4.12 read multiple variable response", "21 0100 aa 0000 0200 bbcc",
		att.ReadMultipleVariableResponse{Values: []att.LengthValue{{1, []byte{0xAA}}, {0, []byte{}}, {2, []byte{0xBB, 0xCC}}}},
		[]int{3, 4, 6, 8, 9}, false},
	{"3.4.4.12 read multiple variable response, last value cut", "21 0100 aa 0002 bbcc",
		att.ReadMultipleVariableResponse{Values: []att.LengthValue{{1, []byte{0xAA}}, {512, []byte{0xBB, 0xCC}}}}, []int{3, 4, 6, 7}, true},
	{"3.4.5.1 write request", "12 0300 0102", att.WriteRequest{Handle: 3, Value: []byte{1, 2}}, []int{3, 4}, true},
	{"3.4.5.2 write response", "13", att.WriteResponse{}, nil, false},
	{"3.4.5.3 write command", "52 0300 0102", att.WriteCommand{Handle: 3, Value: []byte{1, 2}}, []int{3, 4}, true},
	{"3.4.5.4 signed write command", "d2 0300 01 0102030405060708090a0b0c",
		att.SignedWriteCommand{Handle: 3, Value: []byte{1}, Signature: [12]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, []int{15}, true},
	{"3.4.6.1 prepare write request", "16 0300 1200 0102",
		att.PrepareWriteRequest{Handle: 3, Offset: 18, Value: []byte{1, 2}}, []int{5, 6}, true},
	{"3.4.6.2 prepare write response", "17 0300 1200 0102",
		att.PrepareWriteResponse{Handle: 3, Offset: 18, Value: []byte{1, 2}}, []int{5, 6}, true},
	{"3.4.6.3 execute write request, cancel", "18 00", att.ExecuteWriteRequest{Flags: att.ExecuteCancel}, nil, false},
	{"3.4.6.3 execute write request, commit", "18 01", att.ExecuteWriteRequest{Flags: att.ExecuteCommit}, nil, false},
	{"3.4.6.4 execute write response", "19", att.ExecuteWriteResponse{}, nil, false},
	{"3.4.7.1 notification", "1b 0300 0102", att.HandleValueNotification{Handle: 3, Value: []byte{1, 2}}, []int{3, 4}, true},
	{"3.4.7.2 indication", "1d 0300 0102", att.HandleValueIndication{Handle: 3, Value: []byte{1, 2}}, []int{3, 4}, true},
	{"3.4.7.3 confirmation", "1e", att.HandleValueConfirmation{}, nil, false},
	{"3.4.7.4 multiple notification", "23 0300 0100 aa 0600 0000 0900 0200 bbcc",
		att.MultipleHandleValueNotification{Values: []att.HandleValue{{3, []byte{0xAA}}, {6, []byte{}}, {9, []byte{0xBB, 0xCC}}}},
		[]int{10}, false},
}

func TestPDUs(t *testing.T) {
	seen := map[att.Opcode]bool{}
	for _, c := range pdus {
		t.Run(c.name, func(t *testing.T) {
			b := octets(t, c.hex)
			seen[c.pdu.Opcode()] = true
			got, err := att.Parse(b)
			if err != nil || !reflect.DeepEqual(got, c.pdu) {
				t.Errorf("parsed %+v, %v, want %+v", got, err, c.pdu)
			}
			wantOctets(t, c.pdu.AppendTo(nil), c.hex)
			wantOctets(t, c.pdu.AppendTo([]byte{0xEE}), "ee"+c.hex)
			if got := c.pdu.Opcode(); got != att.Opcode(b[0]) {
				t.Errorf("opcode %v", got)
			}
		})
	}
	for i := range 0x100 {
		if op := att.Opcode(i); op.Kind() != att.KindUnknown && !seen[op] {
			t.Errorf("no case for %v", op)
		}
	}
}

// TestTruncated cuts every PDU at every octet, and adds one.
func TestTruncated(t *testing.T) {
	for _, c := range pdus {
		t.Run(c.name, func(t *testing.T) {
			b := octets(t, c.hex)
			whole := map[int]bool{len(b): true, len(b) + 1: c.open}
			for _, n := range c.cuts {
				whole[n] = true
			}
			b = append(b, 0)
			for n := range len(b) + 1 {
				got, err := att.Parse(b[:n:n])
				switch {
				case whole[n] && err != nil:
					t.Errorf("%d octets: %v", n, err)
				case !whole[n] && !errors.Is(err, att.ErrMalformed):
					t.Errorf("%d octets: %+v, %v", n, got, err)
				case !whole[n] && got != nil:
					t.Errorf("%d octets: an error and %+v", n, got)
				}
			}
		})
	}
}

// TestMalformed has what is of the right length and still wrong.
func TestMalformed(t *testing.T) {
	for _, c := range []struct{ name, hex string }{
		{"nothing", ""},
		{"find information response, format 0", "05 00 0100 0028"},
		{"find information response, format 3", "05 03 0100 0028"},
		{"read by type request, 32-bit type", "08 0100 ffff 0d180000"},
		{"read by type response, length 0", "09 00 0300"},
		{"read by type response, length 1", "09 01 0300"},
		{"read by type response, length past the end", "09 05 0300 aabb"},
		{"read by group type response, length 0", "11 00 0100 0500"},
		{"read by group type response, length 3", "11 03 0100 0500 0018"},
		{"read multiple request, one handle", "0e 0300"},
		{"read multiple variable request, one handle", "20 0300"},
		{"execute write request, flags 2", "18 02"},
		{"execute write request, flags 255", "18 ff"},
		{"multiple notification, one value", "23 0300 0400 aabbccdd"},
		{"multiple notification, second value cut", "23 0300 0000 0600 0100"},
		{"multiple notification, length 65535", "23 0300 ffff 0600 0100"},
	} {
		if pdu, err := att.Parse(octets(t, c.hex)); !errors.Is(err, att.ErrMalformed) || pdu != nil {
			t.Errorf("%s: %+v, %v", c.name, pdu, err)
		}
	}
}

func TestMalformedErrorSaysWhat(t *testing.T) {
	_, err := att.ParseReadRequest([]byte{0x0A, 0x01})
	if want := "att: malformed ATT_READ_REQ of 2 octets: too short"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err = att.ParseReadRequest([]byte{0x0B, 0x01, 0x00}); !errors.Is(err, att.ErrMalformed) {
		t.Errorf("another opcode: %v", err)
	}
}

func TestUnknownOpcodeIsRaw(t *testing.T) {
	if op := (att.RawPDU{}).Opcode(); op != 0 {
		t.Errorf("opcode %v of nothing", op)
	}
	b := []byte{0xBF, 0x00}
	pdu, err := att.Parse(b)
	if err != nil || pdu.Opcode() != 0xBF || !bytes.Equal(pdu.AppendTo(nil), b) {
		t.Errorf("%v, %v", pdu, err)
	}
}

// TestListsOfOneLength wants a response to stop where the values, or the types, stop being of one length (3.4.3.2, 3.4.4.2, 3.4.4.10).
func TestListsOfOneLength(t *testing.T) {
	long := make([]byte, att.MaxValueLen)
	for _, c := range []struct {
		name string
		pdu  att.PDU
		want int // octets
	}{
		{"types, 16-bit first", att.FindInformationResponse{Information: []att.Information{{1, att.UUID16(1)}, {2, vendor}}}, 2 + 4},
		{"types, 128-bit first", att.FindInformationResponse{Information: []att.Information{{1, vendor}, {2, att.UUID16(1)}}}, 2 + 18},
		{"values", att.ReadByTypeResponse{Attributes: []att.AttributeData{{1, []byte{1}}, {2, []byte{2}}, {3, nil}, {4, []byte{4}}}}, 2 + 2*3},
		{"long value", att.ReadByTypeResponse{Attributes: []att.AttributeData{{1, long}, {2, long[:300]}}}, 2 + 255},
		{"groups", att.ReadByGroupTypeResponse{Groups: []att.GroupData{{1, 2, []byte{1, 2}}, {3, 4, long[:16]}}}, 2 + 6},
		{"long group", att.ReadByGroupTypeResponse{Groups: []att.GroupData{{1, 2, long}}}, 2 + 255},
	} {
		b := c.pdu.AppendTo(nil)
		if len(b) != c.want {
			t.Errorf("%s: %d octets, want %d", c.name, len(b), c.want)
		}
		if _, err := att.Parse(b); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzParse wants what parses to be written as it came, or shorter where a UUID has a shorter form, and to parse to the same then.
func FuzzParse(f *testing.F) {
	for _, c := range pdus {
		f.Add(octets(f, c.hex))
	}
	f.Add(octets(f, "05 02 0300 fb349b5f80000080001000000d180000"))
	f.Add(octets(f, "bf00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pdu, err := att.Parse(b)
		if err != nil {
			if !errors.Is(err, att.ErrMalformed) || pdu != nil {
				t.Fatalf("%+v, %v", pdu, err)
			}
			return
		}
		written := pdu.AppendTo(nil)
		if len(written) > len(b) || len(written) == len(b) && !bytes.Equal(written, b) {
			t.Fatalf("%x became %x", b, written)
		}
		again, err := att.Parse(written)
		if err != nil || !bytes.Equal(again.AppendTo(nil), written) {
			t.Fatalf("%x: %+v became %+v, %v", b, pdu, again, err)
		}
	})
}
