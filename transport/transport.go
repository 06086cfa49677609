package transport

// Packet types, the first octet of every packet (Vol 4, Part A, 2).
const (
	Command byte = 0x01
	ACL     byte = 0x02
	SCO     byte = 0x03
	Event   byte = 0x04
	ISO     byte = 0x05
)

// MaxPacket is the longest packet, in octets and with its type, that any Conn reads or writes.
// No LE controller buffers more than this; a longer length field is a stream out of step.
const MaxPacket = 4096

// A Conn carries whole HCI packets, each with its packet type as the first octet.
//
// One goroutine may read while another writes; writes may come from several. Close may be called at
// any time and more than once: it unblocks both and leaves nothing running. After Close, reads and
// writes fail with an error that satisfies errors.Is(err, net.ErrClosed).
type Conn interface {
	// ReadPacket waits for a packet and copies it into b, whose length must be MaxPacket or more.
	// It returns the packet's length. Any error is final: the controller is gone or the stream is
	// out of step.
	ReadPacket(b []byte) (int, error)
	// WritePacket writes one whole packet. It does not keep p.
	WritePacket(p []byte) error
	Close() error
}
