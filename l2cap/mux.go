package l2cap

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// Config is what a Mux may be told.
type Config struct {
	// AcceptParameters decides, as central, whether a peripheral's wish for other connection parameters is
	// granted; if nil, every wish that the specification allows is. It is called on the controller's loop.
	AcceptParameters func(Parameters) bool
	// Listener finds who listens on an SPSM; if nil, nobody does on any. It is called on the controller's loop.
	Listener func(spsm uint16) *Listener
	// Security is what the link has now; if nil, nothing. It must not wait.
	Security func() Security
	// Least is what a peer's channel needs of the link now, whatever its listener asks for; if nil, nothing. It is called on the
	// controller's loop and must not wait.
	Least func() Security
	// Raise brings the link to what a peer asks of a channel of ours, for which the request is then sent once
	// more; if nil, the refusal is the error.
	Raise func(ctx context.Context, want Security) error
}

// Mux is the L2CAP of one connection. Its receiving side belongs to the controller's loop; its sending side
// is shared by senders and the controller's writer, under a lock that nobody holds while waiting.
type Mux struct {
	link Link
	cfg  Config

	in         recombiner  // the controller's loop
	channels   [3]*Channel // by CID from 4 on; set before the first fragment, under mu
	signalling *signalling
	unknown    atomic.Uint64 // PDUs for channels that are not open: the controller's loop

	mu       sync.Mutex // guards all below, and every channel's queues
	err      error      // why the link ended
	schedule schedule
	credit   map[uint16]*CreditChannel // by our CID

	done chan struct{}
}

// New makes the L2CAP of a connection, with its signalling channel open.
func New(link Link, cfg Config) *Mux {
	m := &Mux{link: link, cfg: cfg, credit: make(map[uint16]*CreditChannel), done: make(chan struct{})}
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
	c := newChannel(m, cid, mtu, receive)
	m.channels[i] = c
	m.schedule.urgent = nil // signalling and SMP before ATT
	for at := len(m.channels) - 1; at >= 0; at-- {
		if m.channels[at] != nil {
			m.schedule.urgent = append(m.schedule.urgent, urgent{m.channels[at]})
		}
	}
	m.schedule.add(c)
	m.in.raise(headerLength + mtu)
	return c, nil
}

// HandleFragment takes what the controller received; start tells a first fragment from a continuing one.
func (m *Mux) HandleFragment(start bool, data []byte) {
	cid, sdu, got := m.in.add(start, data)
	if got == nothing {
		return
	}
	i := int(cid) - int(CIDATT)
	switch {
	case cid >= firstDynamicCID && cid <= lastDynamicCID:
		if c := m.creditChannel(cid); c != nil && got == whole {
			c.receive(sdu)
		} else {
			m.unknown.Add(1)
		}
		return
	case i < 0 || i >= len(m.channels) || m.channels[i] == nil:
		m.unknown.Add(1)
		return
	case got == whole && len(sdu) <= m.channels[i].mtu:
		m.channels[i].receive(sdu)
		return
	case got == whole: // others take as much, and so it was put together
		m.in.long.Add(1)
	}
	if cid == CIDSignalling {
		m.signalling.tooLong(sdu)
	}
}

// Close ends the Mux with the reason that its senders are told. Only the first call counts.
func (m *Mux) Close(reason error) {
	if reason == nil {
		reason = net.ErrClosed
	}
	m.mu.Lock()
	if m.err != nil {
		m.mu.Unlock()
		return
	}
	m.err = reason
	close(m.done)
	channels := m.credit
	m.credit = nil
	m.mu.Unlock()
	for _, c := range channels {
		c.end(reason)
	}
	m.signalling.end(reason)
}

// Done is closed when the link has ended.
func (m *Mux) Done() <-chan struct{} { return m.done }

// Err is why the link ended, nil while it has not.
func (m *Mux) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
