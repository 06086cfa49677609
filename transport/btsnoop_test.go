package transport

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAppendHeader(t *testing.T) {
	got := appendHeader(nil, btsnoopMonitor)
	if want := unhex(t, "6274736e6f6f7000"+"00000001"+"000007d1"); !bytes.Equal(got, want) || len(got) != btsnoopHeaderSize {
		t.Errorf("% X, want % X", got, want)
	}
}

func TestAppendRecord(t *testing.T) {
	// btsnoop's own constant for 2000-01-01 is 0x00E03AB44A676000 microseconds.
	now := time.Date(2000, 1, 1, 0, 0, 0, 1000, time.UTC)
	got := appendRecord(nil, now, 2, OpACLIn, 7, []byte{1, 2}, []byte{3})
	want := unhex(t, "00000003"+"00000003"+"00020005"+"00000007"+"00e03ab44a676001"+"010203")
	if !bytes.Equal(got, want) {
		t.Errorf("% X\nwant % X", got, want)
	}
}

func TestOpcode(t *testing.T) {
	for typ := range 256 {
		for _, received := range []bool{false, true} {
			op := opcodeOf(byte(typ), received)
			known := headerOf(byte(typ)).size != 0
			if known != (op != opUnknown) {
				t.Errorf("type %d: %v", typ, op)
				continue
			}
			if !known {
				continue
			}
			if op.PacketType() != byte(typ) {
				t.Errorf("%v holds type %d, not %d", op, op.PacketType(), typ)
			}
			want := received && byte(typ) != Command || byte(typ) == Event // these have one direction
			if op.Received() != want {
				t.Errorf("%v received: %v", op, op.Received())
			}
		}
	}
	for _, op := range []Opcode{OpNewIndex, OpSystemNote, 200, opUnknown} {
		if op.PacketType() != 0 || op.Received() {
			t.Errorf("%v is no packet", op)
		}
	}
	if OpACLIn.String() != "ACL in" || Opcode(99).String() != "opcode 99" {
		t.Errorf("%v, %v", OpACLIn, Opcode(99))
	}
}
