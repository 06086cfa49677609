package transport

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// Tap returns a Conn that records in c what conn reads and writes. a says under which number and name, unless conn is a
// UserChannel, which knows its Adapter itself. Address and Name may be zero: the tap learns the address when the
// controller answers Read_BD_ADDR, and takes "hci" and the number for the name. Several Conns may share a Capture, each with an Index of its own. Closing the
// Conn closes conn and leaves c open. If c is nil, Tap returns conn.
func Tap(conn Conn, c *Capture, a Adapter) Conn {
	if c == nil {
		return conn
	}
	if user, ok := As[UserChannel](conn); ok {
		a = user.Adapter()
	}
	t := &tap{Conn: conn, capture: c, index: uint16(a.Index), address: a.Address, maker: makerUnknown}
	if a.Name == "" {
		a.Name = fmt.Sprintf("%s%d", hciPrefix, a.Index)
	}
	c.add(t.index, OpNewIndex, newIndex(a), nil)
	c.add(t.index, OpOpenIndex, nil, nil)
	t.info()
	return t
}

// nameSize is the room that a new-index record has for a name, in octets, a closing zero included.
const nameSize = 8

// newIndex is a new-index record's data: type (0, primary), bus, address, name.
func newIndex(a Adapter) []byte {
	b := append([]byte{0, byte(a.Bus)}, a.Address[:]...)
	var name [nameSize]byte
	copy(name[:nameSize-1], a.Name)
	return append(b, name[:]...)
}

// A tap is a Conn with a Capture on it.
type tap struct {
	Conn
	capture *Capture
	index   uint16
	closing sync.Once

	// What the controller told of itself. Owner: the goroutine in ReadPacket.
	address [6]byte
	maker   uint16 // company identifier
}

const makerUnknown = 0xFFFF

// ReadPacket implements Conn.
func (t *tap) ReadPacket(b []byte) (int, error) {
	n, err := t.Conn.ReadPacket(b)
	if err != nil {
		return n, err
	}
	t.record(b[:n], true)
	if t.learn(b[:n]) {
		t.info()
	}
	return n, nil
}

// WritePacket implements Conn. The packet is recorded before it is written, so that its answer can't come
// first.
func (t *tap) WritePacket(p []byte) error {
	t.record(p, false)
	return t.Conn.WritePacket(p)
}

// Close implements Conn.
func (t *tap) Close() error {
	err := t.Conn.Close()
	t.closing.Do(func() {
		t.capture.add(t.index, OpCloseIndex, nil, nil)
		t.capture.add(t.index, OpDelIndex, nil, nil)
	})
	return err
}

// aclHeader is the length of an ACL packet's header, in octets (Vol 4, Part E, 5.4.2).
const aclHeader = 4

// record queues a packet, an ACL packet too long for btmon as several fragments.
func (t *tap) record(p []byte, received bool) {
	if len(p) == 0 {
		return
	}
	op := opcodeOf(p[0], received)
	data := p[1:]
	if p[0] != ACL || len(data) <= maxPacketData || len(data) < aclHeader {
		t.capture.add(t.index, op, data, nil)
		return
	}
	const continuing, boundary = 0x1000, 0x3000 // the packet boundary flag, and its bits
	handle := binary.LittleEndian.Uint16(data)
	for rest := data[aclHeader:]; len(rest) > 0; {
		piece := rest[:min(len(rest), maxPacketData-aclHeader)]
		rest = rest[len(piece):]
		var head [aclHeader]byte
		binary.LittleEndian.PutUint16(head[0:], handle)
		binary.LittleEndian.PutUint16(head[2:], uint16(len(piece)))
		t.capture.add(t.index, op, head[:], piece)
		handle = handle&^boundary | continuing
	}
}

// learn looks for what tells readers of the capture whose it is, and reports whether there is news.
func (t *tap) learn(p []byte) bool {
	const (
		commandComplete  = 0x0E   // Vol 4, Part E, 7.7.14
		readLocalVersion = 0x1001 // 7.4.1
		readBDAddr       = 0x1009 // 7.4.6
	)
	if len(p) < 7 || p[0] != Event || p[1] != commandComplete || p[6] != 0 {
		return false
	}
	address, maker := t.address, t.maker
	switch result := p[7:]; binary.LittleEndian.Uint16(p[4:]) {
	case readLocalVersion:
		if len(result) >= 6 {
			t.maker = binary.LittleEndian.Uint16(result[4:])
		}
	case readBDAddr:
		if len(result) >= 6 {
			t.address = [6]byte(result[:6])
		}
	}
	return t.address != address || t.maker != maker
}

// info records the address and the maker.
func (t *tap) info() {
	t.capture.add(t.index, OpIndexInfo, t.address[:], binary.LittleEndian.AppendUint16(nil, t.maker))
}
