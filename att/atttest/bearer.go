package atttest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/jelling-ble/jelling/att"
)

const (
	// sendRoom is how many PDUs wait in one direction before Send waits, if Options do not say otherwise.
	sendRoom = 16
	// replyRoom is how many replies wait in one direction before Reply refuses.
	replyRoom = 16
)

// ErrReplies is Reply's refusal when too many replies wait.
var ErrReplies = errors.New("atttest: too many replies wait")

// A Receiver is who gets a bearer's PDUs, such as an [att.Conn].
type Receiver interface {
	Receive(pdu []byte, sec att.Security)
}

// Options describe a bearer. The zero value is the unenhanced bearer of a plain link.
type Options struct {
	MaxMTU   int          // in octets; if zero, 65535
	Enhanced bool         // an Enhanced ATT bearer
	SendRoom int          // PDUs that wait in each direction before Send waits; if zero, 16
	Security att.Security // of both directions, until SetSecurity
}

// A Bearer is one end of a bearer in memory. It is an [att.Bearer].
type Bearer struct {
	opts  Options
	other *Bearer
	link  *link
	err   error // set before link.done is closed

	sent, replies chan *packet // what the other end takes from

	mu  sync.Mutex
	sec att.Security
}

var _ att.Bearer = (*Bearer)(nil)

// A link is what both ends share.
type link struct {
	end  sync.Once
	done chan struct{}
	ran  sync.WaitGroup
}

// A packet is a PDU on its way.
type packet struct{ pdu []byte }

var packets = sync.Pool{New: func() any { return new(packet) }}

// NewBearers makes the two ends of a bearer. Each delivers once a Receiver is attached to it.
func NewBearers(opts Options) (a, b *Bearer) {
	if opts.MaxMTU == 0 {
		opts.MaxMTU = math.MaxUint16
	}
	if opts.SendRoom == 0 {
		opts.SendRoom = sendRoom
	}
	l := &link{done: make(chan struct{})}
	a, b = newBearer(opts, l), newBearer(opts, l)
	a.other, b.other = b, a
	return a, b
}

func newBearer(opts Options, l *link) *Bearer {
	return &Bearer{
		opts:    opts,
		link:    l,
		sent:    make(chan *packet, opts.SendRoom),
		replies: make(chan *packet, replyRoom),
		sec:     opts.Security,
	}
}

// Attach hands what the other end sends to r, in order, on a goroutine that ends with the bearer. Call it once.
func (b *Bearer) Attach(r Receiver) {
	b.link.ran.Go(func() {
		for {
			p := b.next()
			if p == nil {
				return
			}
			r.Receive(p.pdu, b.Security())
			packets.Put(p)
		}
	})
}

// next waits for a PDU of the other end, replies first. It is nil when the bearer has ended.
func (b *Bearer) next() *packet {
	select {
	case <-b.link.done:
		return nil
	case p := <-b.other.replies:
		return p
	default:
	}
	select {
	case <-b.link.done:
		return nil
	case p := <-b.other.replies:
		return p
	case p := <-b.other.sent:
		return p
	}
}

// Send queues pdu for the other end and waits for room, ctx, or the end of the bearer.
func (b *Bearer) Send(ctx context.Context, pdu []byte) error {
	select {
	case <-b.link.done:
		return b.err
	default:
	}
	p := pack(pdu)
	select {
	case b.sent <- p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.link.done:
		return b.err
	}
}

// Reply queues pdu for the other end, before what Send has queued.
func (b *Bearer) Reply(pdu []byte) error {
	select {
	case <-b.link.done:
		return b.err
	default:
	}
	select {
	case b.replies <- pack(pdu):
		return nil
	default:
		return ErrReplies
	}
}

func pack(pdu []byte) *packet {
	p := packets.Get().(*packet)
	p.pdu = append(p.pdu[:0], pdu...)
	return p
}

// MaxMTU is what the Options say.
func (b *Bearer) MaxMTU() int { return b.opts.MaxMTU }

// Enhanced is what the Options say.
func (b *Bearer) Enhanced() bool { return b.opts.Enhanced }

// Security is what PDUs that arrive at this end are delivered with.
func (b *Bearer) Security() att.Security {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sec
}

// SetSecurity changes the security of both ends.
func (b *Bearer) SetSecurity(sec att.Security) {
	for _, end := range []*Bearer{b, b.other} {
		end.mu.Lock()
		end.sec = sec
		end.mu.Unlock()
	}
}

// Disconnect ends the bearer at both ends, here because of err. What is on its way is lost.
func (b *Bearer) Disconnect(err error) {
	b.link.end.Do(func() {
		b.err = err
		b.other.err = fmt.Errorf("atttest: the other end: %w", err)
		close(b.link.done)
	})
}

// Done is closed when the bearer has ended.
func (b *Bearer) Done() <-chan struct{} { return b.link.done }

// Err says why, once Done is closed.
func (b *Bearer) Err() error {
	select {
	case <-b.link.done:
		return b.err
	default:
		return nil
	}
}

// Wait returns when the bearer has ended and nothing is delivered any more at either end.
func (b *Bearer) Wait() { b.link.ran.Wait() }
