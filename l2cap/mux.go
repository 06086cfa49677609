package l2cap

import (
	"fmt"
	"net"
	"sync"
)

// Config is what a Mux may be told.
type Config struct {
	// AcceptParameters decides, as central, whether a peripheral's wish for other connection parameters is
	// granted; if nil, every wish that the specification allows is. It is called on the controller's loop.
	AcceptParameters func(Parameters) bool
}

// Mux is the L2CAP of one connection. Its receiving side belongs to the controller's loop; its sending side
// is shared by senders and the controller's writer, under a lock that nobody holds while waiting.
type Mux struct {
	link Link
	cfg  Config

	in         recombiner  // the controller's loop
	channels   [3]*Channel // by CID from 4 on; set before the first fragment, under mu
	signalling *signalling
	unknown    uint64 // PDUs for channels that are not open: the controller's loop

	mu      sync.Mutex // guards all below, and every channel's queues
	err     error      // why the link ended
	partial []byte     // what is left of the PDU being sent
	from    *Channel   // and whose it is
	urgent  bool       // and from which of its queues
	turn    int        // the channel whose turn it is for ordinary PDUs

	done chan struct{}
}

// New makes the L2CAP of a connection, with its signalling channel open.
func New(link Link, cfg Config) *Mux {
	m := &Mux{link: link, cfg: cfg, done: make(chan struct{})}
	m.signalling = newSignalling(m)
	return m
}

// Open opens the fixed channel cid, for SDUs of up to mtu octets in either direction. It must be called
// before the first fragment arrives; receive is called on the controller's loop, must not wait, and has
// the SDU only during the call.
func (m *Mux) Open(cid uint16, mtu int, receive func(sdu []byte)) (*Channel, error) {
	i := int(cid) - int(CIDATT)
	if i < 0 || i >= len(m.channels) {
		return nil, fmt.Errorf("l2cap: channel 0x%04X is not a fixed channel of LE", cid)
	}
	if mtu < minMTU || mtu > maxMTU {
		return nil, fmt.Errorf("l2cap: channel 0x%04X: MTU %d, want %d to %d", cid, mtu, minMTU, maxMTU)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.channels[i] != nil {
		return nil, fmt.Errorf("l2cap: channel 0x%04X is open already", cid)
	}
	m.channels[i] = newChannel(m, cid, mtu, receive)
	m.in.limit = max(m.in.limit, headerLength+mtu)
	return m.channels[i], nil
}

// HandleFragment takes what the controller received; start tells a first fragment from a continuing one.
func (m *Mux) HandleFragment(start bool, data []byte) {
	cid, sdu, got := m.in.add(start, data)
	if got == nothing {
		return
	}
	i := int(cid) - int(CIDATT)
	switch {
	case i < 0 || i >= len(m.channels) || m.channels[i] == nil:
		m.unknown++
		return
	case got == whole && len(sdu) <= m.channels[i].mtu:
		m.channels[i].receive(sdu)
		return
	case got == whole: // others take as much, and so it was put together
		m.in.stats.TooLong++
	}
	if cid == CIDSignalling {
		m.signalling.tooLong(sdu)
	}
}

// Close ends the Mux with the reason that its senders are told. Only the first call counts.
func (m *Mux) Close(reason error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return
	}
	if reason == nil {
		reason = net.ErrClosed
	}
	m.err = reason
	close(m.done)
}

// Done is closed when the link has ended.
func (m *Mux) Done() <-chan struct{} { return m.done }

// Err is why the link ended, nil while it has not.
func (m *Mux) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
