package hci

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestACL(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets string
		want   ACL
	}{
		{"first, not flushable", "4000 0200 AABB", ACL{Handle: 0x40, Boundary: FirstNonFlushable, Data: []byte{0xAA, 0xBB}}},
		{"continuing", "4010 0100 AA", ACL{Handle: 0x40, Boundary: Continuing, Data: []byte{0xAA}}},
		{"first, flushable", "FF2E 0100 AA", ACL{Handle: MaxHandle, Boundary: FirstFlushable, Data: []byte{0xAA}}},
		{"complete PDU of BR/EDR", "4030 0000", ACL{Handle: 0x40, Boundary: 3, Data: []byte{}}},
		{"broadcast", "4040 0000", ACL{Handle: 0x40, Broadcast: 1, Data: []byte{}}},
		{"every bit", "FFFF 0000", ACL{Handle: 0xFFF, Boundary: 3, Broadcast: 3, Data: []byte{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			octets := unhex(t, c.octets)
			got, err := ParseACL(octets)
			if err != nil || got.Handle != c.want.Handle || got.Boundary != c.want.Boundary || got.Broadcast != c.want.Broadcast || !bytes.Equal(got.Data, c.want.Data) {
				t.Errorf("parsed as %+v, %v", got, err)
			}
			if got := c.want.AppendTo(nil); !bytes.Equal(got, octets) {
				t.Errorf("AppendTo gives % X", got)
			}
			if got := AppendACL([]byte{0xEE}, c.want); !bytes.Equal(got, append([]byte{0xEE, ACLPacket}, octets...)) {
				t.Errorf("AppendACL gives % X", got)
			}
		})
	}
}

// What does not fit its field is cut and does not spill into the next.
func TestACLFieldsDoNotSpill(t *testing.T) {
	if got := (ACL{Handle: 0xFFFF, Boundary: 0xFC, Broadcast: 0xFC}).AppendTo(nil); !bytes.Equal(got, []byte{0xFF, 0x0F, 0, 0}) {
		t.Errorf("% X", got)
	}
}

// The length of every kind of packet is exact: cut at every octet it is refused, and so is one octet more.
func TestFramesAreExact(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets string
		header int
		parse  func([]byte) error
	}{
		{"ACL data", "4000 0300 AABBCC", ACLHeaderLength, func(b []byte) error { _, err := ParseACL(b); return err }},
		{"command", "0604 03 400013", CommandHeaderLength, func(b []byte) error { _, err := ParseCommand(b); return err }},
		{"event", "05 04 00400013", EventHeaderLength, func(b []byte) error { _, err := ParseEvent(b); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			octets := unhex(t, c.octets)
			if err := c.parse(octets); err != nil {
				t.Fatal(err)
			}
			for n := range octets {
				err := c.parse(octets[:n])
				if err == nil {
					t.Fatalf("%d octets were taken", n)
				}
				var short *ShortError
				if isShort := errors.As(err, &short); isShort != (n < c.header) {
					t.Errorf("%d octets: %v", n, err)
				}
				if want := c.name + ": header"; n < c.header && short.What != want {
					t.Errorf("%d octets: %q, want %q", n, short.What, want)
				}
				if !strings.HasPrefix(err.Error(), "hci: "+c.name) {
					t.Errorf("%d octets: %q does not say what", n, err)
				}
			}
			if c.parse(append(octets, 0)) == nil {
				t.Error("an octet too many was taken")
			}
		})
	}
}

// What is parsed aliases its input, and can't be appended to beyond it.
func TestFramesAlias(t *testing.T) {
	b := unhex(t, "4000 0100 AA")
	p, err := ParseACL(b)
	if err != nil {
		t.Fatal(err)
	}
	b[4] = 0xBB
	if p.Data[0] != 0xBB {
		t.Error("the data was copied")
	}
	whole := append(unhex(t, "4000 0100 AA"), 0x55)
	p, _ = ParseACL(whole[:5])
	_ = append(p.Data, 1)
	command, _ := ParseCommand(append([]byte{3, 0x0C, 1, 7}, 0x55)[:4])
	_ = append(command.Parameters, 1)
	data := append(make([]byte, 32), 0x55)
	data[0] = 2
	advertising, _ := ParseLESetAdvertisingData(data)
	_ = append(advertising.Data, 1)
	if whole[5] != 0x55 || cap(command.Parameters) != 1 || data[3] != 0 {
		t.Error("an append went into the octets behind")
	}
}

// The longest command and event there can be, and what is longer by one than its length octet says.
func TestLongestFrames(t *testing.T) {
	parameters := bytes.Repeat([]byte{7}, 255)
	command := AppendCommand(nil, Raw{0xFC01, parameters})
	if f, err := ParseCommand(command[1:]); err != nil || !bytes.Equal(f.Parameters, parameters) || len(command) != 259 {
		t.Errorf("%d octets, %v", len(command), err)
	}
	event := AppendEvent(nil, CommandComplete{1, OpReset, parameters[:252]})
	if f, err := ParseEvent(event[1:]); err != nil || len(f.Parameters) != 255 || len(event) != 258 {
		t.Errorf("%d octets, %v", len(event), err)
	}
	if _, err := ParseCommand(append(command[1:], 7)); err == nil {
		t.Error("256 octets of parameters were taken")
	}
	data := bytes.Repeat([]byte{7}, 0xFFFF)
	acl := AppendACL(nil, ACL{Handle: 1, Data: data})
	if p, err := ParseACL(acl[1:]); err != nil || len(p.Data) != 0xFFFF {
		t.Errorf("%d octets, %v", len(p.Data), err)
	}
}

func TestShortError(t *testing.T) {
	err := error(&ShortError{What: "LE Connection Complete: Peer_Address", Length: 7, Want: 11})
	if err.Error() != "hci: LE Connection Complete: Peer_Address: 7 octets, want 11" {
		t.Error(err)
	}
}
