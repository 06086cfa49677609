package l2cap

import (
	"net"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// wireLink is one end of a wire between two Muxes: what one sends the other receives, fragment by fragment,
// on a goroutine that is the other's controller loop.
type wireLink struct {
	role  hci.Role
	mtu   int
	awake chan struct{}
}

func (l *wireLink) Role() hci.Role                                  { return l.role }
func (l *wireLink) MTU() int                                        { return l.mtu }
func (l *wireLink) UpdateParameters(hci.ConnectionParameters) error { return nil }

func (l *wireLink) Wake() {
	select {
	case l.awake <- struct{}{}:
	default:
	}
}

// wire joins two Muxes until stop is called.
func wire(mtu int, central, peripheral Config) (c, p *Mux, stop func()) {
	links := [2]*wireLink{{hci.Central, mtu, make(chan struct{}, 1)}, {hci.Peripheral, mtu, make(chan struct{}, 1)}}
	c, p = New(links[0], central), New(links[1], peripheral)
	done := make(chan struct{})
	var wg sync.WaitGroup
	carry := func(from *Mux, awake chan struct{}, to *Mux) {
		b := make([]byte, mtu)
		for {
			n, start := from.NextFragment(b)
			if n > 0 {
				to.HandleFragment(start, b[:n])
				continue
			}
			select {
			case <-awake:
			case <-done:
				return
			}
		}
	}
	wg.Go(func() { carry(c, links[0].awake, p) })
	wg.Go(func() { carry(p, links[1].awake, c) })
	var once sync.Once
	return c, p, func() {
		once.Do(func() {
			close(done)
			wg.Wait()
			c.Close(net.ErrClosed)
			p.Close(net.ErrClosed)
		})
	}
}

const testSPSM = 0x0080

// dialed is a channel over a wire, both ends.
func dialed(t testing.TB, mtu int, ours ChannelConfig, theirs ListenConfig, enhanced bool) (dialer, acceptor *CreditChannel, stop func()) {
	t.Helper()
	l, err := NewListener(testSPSM, theirs)
	if err != nil {
		t.Fatal(err)
	}
	c, _, stop := wire(mtu, Config{}, Config{Listener: func(uint16) *Listener { return l }})
	if enhanced {
		all, err := c.DialEnhanced(t.Context(), testSPSM, 1, ours)
		if err != nil {
			t.Fatal(err)
		}
		dialer = all[0]
	} else if dialer, err = c.Dial(t.Context(), testSPSM, ours); err != nil {
		t.Fatal(err)
	}
	if acceptor, err = l.AcceptChannel(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dialer, acceptor, stop
}

func (m *Mux) openChannels() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.credit)
}
