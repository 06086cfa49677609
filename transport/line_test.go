package transport

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"time"
)

// A simLine is a serial line in memory, with a controller at its far end. Its time is that of the bubble.
type simLine struct {
	mu      sync.Mutex // guards what follows
	changed chan struct{}
	in      []byte // on its way to the host
	out     []byte // written, and not yet taken by the controller, while stuck
	readBy  time.Time
	writeBy time.Time
	closed  bool
	hung    error // what reads and writes say after what is in in
	stuck   bool  // nothing leaves
	room    int   // octets of out that are taken while stuck
	rate    int
	most    int // rates above it are refused
	errors  LineErrors
	breaks  int
	far     func(b []byte) // takes what is written, with mu held

	reads int // calls of Read
}

// simRoom is how many octets a stuck line takes before it blocks.
const simRoom = 64

func newSimLine() *simLine {
	return &simLine{changed: make(chan struct{}), rate: DefaultBaud, most: 4_000_000, room: simRoom, far: func([]byte) {}}
}

// change changes the line and wakes whoever waits for that.
func (l *simLine) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changeLocked(f)
}

func (l *simLine) changeLocked(f func()) {
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// wait waits for a change, and is called and returns with mu held. It fails once the deadline that by points to is
// over.
func (l *simLine) wait(by *time.Time) error {
	var late <-chan time.Time
	if !by.IsZero() {
		left := time.Until(*by)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		t := time.NewTimer(left)
		defer t.Stop()
		late = t.C
	}
	changed := l.changed
	l.mu.Unlock()
	select {
	case <-changed:
	case <-late:
	}
	l.mu.Lock()
	return nil
}

func (l *simLine) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	for {
		switch {
		case l.closed:
			return 0, os.ErrClosed
		case len(l.in) > 0:
			n := copy(b, l.in)
			l.in = l.in[n:]
			return n, nil
		case l.hung != nil:
			return 0, l.hung
		}
		if err := l.wait(&l.readBy); err != nil {
			return 0, err
		}
	}
}

func (l *simLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for {
		switch {
		case l.closed:
			return n, os.ErrClosed
		case l.hung != nil:
			return n, l.hung
		case !l.writeBy.IsZero() && !time.Now().Before(l.writeBy):
			return n, os.ErrDeadlineExceeded
		case !l.stuck:
			l.far(b[n:])
			return len(b), nil
		}
		took := min(len(b)-n, l.room-len(l.out))
		l.out = append(l.out, b[n:n+took]...)
		if n += took; n == len(b) {
			return n, nil
		}
		if err := l.wait(&l.writeBy); err != nil {
			return n, err
		}
	}
}

// send puts octets on their way to the host.
func (l *simLine) send(b ...byte) {
	l.change(func() { l.in = append(l.in, b...) })
}

// unstick lets leave what waits, and all that comes.
func (l *simLine) unstick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	waits := l.out
	l.changeLocked(func() { l.stuck, l.out = false, nil })
	l.far(waits)
}

func (l *simLine) SetReadDeadline(t time.Time) error {
	l.change(func() { l.readBy = t })
	return nil
}

func (l *simLine) SetWriteDeadline(t time.Time) error {
	l.change(func() { l.writeBy = t })
	return nil
}

func (l *simLine) Close() error {
	l.change(func() { l.closed = true })
	return nil
}

func (l *simLine) dropInput() error {
	l.change(func() { l.in = nil })
	return l.alive()
}

func (l *simLine) dropOutput() error {
	l.change(func() { l.out = nil })
	return l.alive()
}

func (l *simLine) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	return l.hung
}

func (l *simLine) drain(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { l.change(func() {}) })
	defer stop()
	var never time.Time
	for len(l.out) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.closed {
			return os.ErrClosed
		}
		l.wait(&never)
	}
	return nil
}

func (l *simLine) setBaud(baud int) error {
	if err := l.alive(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if baud > l.most {
		return &BaudError{Want: baud, Got: l.rate}
	}
	l.rate = baud
	return nil
}

func (l *simLine) baud() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate
}

func (l *simLine) setBreak(on bool) error {
	if on {
		l.change(func() { l.breaks++ })
	}
	return l.alive()
}

func (l *simLine) lineErrors() LineErrors {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.errors
}

func (l *simLine) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stuck
}

// A simChip is a controller at the far end of a simLine: it cuts what it gets into packets, waits for the rest of one
// as long as it takes, passes over what is no packet type, and answers every command with Command Complete.
type simChip struct {
	line    *simLine
	rate    int           // what is sent at another is noise, both ways
	delay   time.Duration // before it answers
	deaf    bool          // answers nothing
	got     []byte        // the packet that is coming
	resets  int
	packets [][]byte
	bite    func(toHost bool, b []byte) []byte // what the wire does to b; nil is nothing
}

// newSimChip puts a controller at the far end of a line.
func newSimChip(l *simLine) *simChip {
	c := &simChip{line: l, rate: DefaultBaud}
	l.far = c.take
	return c
}

// noise is what octets become at the wrong rate.
func noise(b []byte) []byte {
	b = bytes.Clone(b)
	for i := range b {
		b[i] = b[i]<<1 | 0x81
	}
	return b
}

// take takes octets from the host. The line's lock is held.
func (c *simChip) take(b []byte) {
	if c.bite != nil {
		b = c.bite(false, bytes.Clone(b))
	}
	if c.line.rate != c.rate {
		b = noise(b)
	}
	for _, octet := range b {
		if len(c.got) == 0 && headerOf(octet).size == 0 {
			continue
		}
		c.got = append(c.got, octet)
		h := headerOf(c.got[0])
		if len(c.got) <= h.size || len(c.got) < 1+h.size+h.rest(c.got[1:]) {
			continue
		}
		p := c.got
		c.got = nil
		c.packet(p)
	}
}

// packet takes a whole packet.
func (c *simChip) packet(p []byte) {
	c.packets = append(c.packets, p)
	if c.deaf || p[0] != Command {
		return
	}
	if bytes.Equal(p, resetCommand) {
		c.resets++
	}
	answer := []byte{Event, 0x0E, 0x04, 0x01, p[1], p[2], 0x00}
	if c.delay == 0 {
		c.sendLocked(answer)
		return
	}
	time.AfterFunc(c.delay, func() {
		c.line.mu.Lock()
		defer c.line.mu.Unlock()
		c.sendLocked(answer)
	})
}

// sendLocked sends octets to the host. The line's lock is held.
func (c *simChip) sendLocked(b []byte) {
	if c.bite != nil {
		b = c.bite(true, bytes.Clone(b))
	}
	if c.line.rate != c.rate {
		b = noise(b)
	}
	c.line.changeLocked(func() { c.line.in = append(c.line.in, b...) })
}

var _ io.ReadWriteCloser = (*simLine)(nil)
