package hcitest

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// maxUnread bounds what a controller holds for a host that does not read.
const maxUnread = 4096

// pipe is what waits for the host to read it. Its mutex also guards the state of the controller around it.
type pipe struct {
	mu     sync.Mutex
	unread [][]byte
	err    error         // what writing ends with, and reading when unread is empty
	wake   chan struct{} // holds one token after every change
}

func newPipe() pipe { return pipe{wake: make(chan struct{}, 1)} }

// changed wakes the reader. The caller holds the mutex.
func (p *pipe) changed() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// push queues copies of packets, unless it is over. The caller holds the mutex.
func (p *pipe) push(packets ...[]byte) {
	if p.err != nil {
		return
	}
	if len(p.unread)+len(packets) > maxUnread {
		p.fail(fmt.Errorf("hcitest: the host has left %d packets unread", len(p.unread)))
		return
	}
	for _, packet := range packets {
		p.unread = append(p.unread, slices.Clone(packet))
	}
	p.changed()
}

// fail ends reading and writing, the former after what is unread. The caller holds the mutex.
func (p *pipe) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.changed()
}

// close ends both at once. The caller holds the mutex.
func (p *pipe) close() {
	p.unread = nil
	p.err = fmt.Errorf("hcitest: controller: %w", net.ErrClosed)
	p.changed()
}

// read waits for a packet. More, if not nil, is asked while there is none: it gives one, or says how long
// until it may, negative while only the host can change that. It is called with the mutex held.
func (p *pipe) read(b []byte, more func(now time.Time) ([]byte, time.Duration)) (int, error) {
	for {
		packet, wait, err := p.take(more)
		switch {
		case err != nil:
			return 0, err
		case packet == nil:
			p.sleep(wait)
		case len(packet) > len(b):
			return 0, io.ErrShortBuffer
		default:
			return copy(b, packet), nil
		}
	}
}

func (p *pipe) take(more func(now time.Time) ([]byte, time.Duration)) ([]byte, time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.unread) > 0 {
		packet := p.unread[0]
		p.unread = p.unread[1:]
		return packet, 0, nil
	}
	if p.err != nil || more == nil {
		return nil, -1, p.err
	}
	packet, wait := more(time.Now())
	return packet, wait, nil
}

// sleep returns after wait, unless that is negative, or when something has changed.
func (p *pipe) sleep(wait time.Duration) {
	var due <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-p.wake:
	case <-due:
	}
}
