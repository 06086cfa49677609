package l2cap

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// Dynamic channel identifiers of LE (Vol 3, Part A, 2.1).
const (
	firstDynamicCID uint16 = 0x0040
	lastDynamicCID  uint16 = 0x007F
)

// Bounds of the specification, in octets (Vol 3, Part A, 4.22 and 4.25), and of credits.
const (
	minCreditMTU   = 23
	minEnhancedMTU = 64
	maxMPS         = 65533
	maxCredits     = 65535
)

const (
	defaultMTU = 2048
	defaultMPS = 247 // one packet on air of a controller with data length extension
	maxSDUs    = 8   // sent and not yet pulled
	// linger is how long a channel that is closed goes on sending what was written.
	linger = 10 * time.Second
)

// sduLength is the field before the first K-frame of an SDU (Vol 3, Part A, 3.4.3).
const sduLength = 2

// ChannelConfig is what a credit-based channel of ours is like. The zero value works.
type ChannelConfig struct {
	MTU int // longest SDU that we receive, 23 to 65,535 octets; if zero, 2048
	MPS int // longest part of one in a frame, 23 to 65,533 octets; if zero, 247
	// Credits is how many frames the peer may send before we have read any; if zero, enough for two SDUs.
	Credits int
}

func (c ChannelConfig) withDefaults(least int) ChannelConfig {
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	if c.MPS == 0 {
		c.MPS = defaultMPS
	}
	c.MTU = min(max(c.MTU, least), 65535)
	c.MPS = min(max(c.MPS, least), maxMPS)
	if c.Credits <= 0 {
		c.Credits = 2 * ((c.MTU + sduLength + c.MPS - 1) / c.MPS)
	}
	c.Credits = min(c.Credits, maxCredits)
	return c
}

// CreditChannel is a channel with credit-based flow control, either mode (Vol 3, Part A, 10.1 and 10.2): a
// net.Conn that also reads and writes whole SDUs. Every method but receive may be called from anywhere.
type CreditChannel struct {
	mux      *Mux
	spsm     uint16
	local    uint16 // our CID
	enhanced bool

	// What goes out, guarded by Mux.mu.
	remote      uint16 // the peer's CID; 0 until it has answered
	left        uint16 // the peer's CID by which it has disconnected before it has answered
	peerMTU     int
	peerMPS     int
	credits     int      // frames that we may send
	out         [][]byte // SDUs in a ring of reused buffers
	head, n     int
	offset      int    // octets of the first that have gone
	begun       bool   // its first frame has gone
	frame       []byte // the frame being sent
	closing     bool   // Close was called: when out is empty, disconnect
	disconnect  bool   // the Disconnection Request has gone
	room        chan struct{}
	writing     chan struct{} // a token for whoever writes
	lingerTimer *time.Timer

	// What comes in.
	mu       sync.Mutex // guards all below; never held together with Mux.mu
	mtu, mps int        // ours
	window   int        // credits that the peer has at the most
	granted  int        // that it has now
	owed     int        // frames read and not granted again
	sdu      []byte     // being put together
	want     int        // its length; -1 between SDUs
	frames   int        // of it, not granted again
	in       []received // whole SDUs
	spare    [][]byte   // buffers to use again
	rest     int        // octets of in[0] that Read has taken
	err      error      // why there is nothing more to come: io.EOF, or what ended it
	readable chan struct{}
	done     chan struct{} // closed when nothing can be sent any more

	readDeadline  *deadline
	writeDeadline *deadline
}

// received is an SDU and how many frames of it are to be granted again when it has been read.
type received struct {
	sdu    []byte
	frames int
}

func newCreditChannel(m *Mux, spsm uint16, cfg ChannelConfig, enhanced bool) *CreditChannel {
	c := &CreditChannel{mux: m, spsm: spsm, enhanced: enhanced, out: make([][]byte, maxSDUs), room: make(chan struct{}, maxSDUs),
		writing: make(chan struct{}, 1), mtu: cfg.MTU, mps: cfg.MPS, window: cfg.Credits, granted: cfg.Credits, want: -1,
		readable: make(chan struct{}, 1), done: make(chan struct{}), readDeadline: newDeadline(), writeDeadline: newDeadline()}
	for range maxSDUs {
		c.room <- struct{}{}
	}
	return c
}

// register gives a channel a CID of ours, and its place among those that receive. It fails with NoResources
// when all are taken, or with the link's end.
func (m *Mux) register(c *CreditChannel) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	for cid := firstDynamicCID; cid <= lastDynamicCID; cid++ {
		if m.credit[cid] == nil {
			c.local = cid
			m.credit[cid] = c
			m.in.raise(headerLength + c.mps)
			return nil
		}
	}
	return NoResources
}

// connect notes what the peer said of its end, and lets the channel send.
func (m *Mux) connect(c *CreditChannel, remote uint16, mtu, mps, credits int) {
	m.mu.Lock()
	c.remote, c.peerMTU, c.peerMPS, c.credits = remote, mtu, mps, credits
	m.schedule.add(c)
	m.mu.Unlock()
	m.link.Wake()
}

// unregister takes a channel out.
func (m *Mux) unregister(c *CreditChannel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.credit[c.local] == c {
		delete(m.credit, c.local)
	}
	m.schedule.remove(c)
	if c.lingerTimer != nil {
		c.lingerTimer.Stop()
	}
}

func (m *Mux) creditChannel(cid uint16) *CreditChannel {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.credit[cid]
}

// front implements source: the next K-frame, for which there has to be a credit.
func (c *CreditChannel) front() []byte {
	if c.n == 0 || c.credits == 0 {
		return nil
	}
	sdu := c.out[c.head]
	room := c.peerMPS
	c.frame = append(c.frame[:0], 0, 0, byte(c.remote), byte(c.remote>>8))
	if !c.begun {
		c.frame = binary.LittleEndian.AppendUint16(c.frame, uint16(len(sdu)))
		room -= sduLength
	}
	part := sdu[c.offset:min(len(sdu), c.offset+room)]
	c.frame = append(c.frame, part...)
	binary.LittleEndian.PutUint16(c.frame, uint16(len(c.frame)-headerLength))
	c.begun = true
	c.offset += len(part)
	c.credits--
	return c.frame
}

// sent implements source.
func (c *CreditChannel) sent() {
	if c.offset < len(c.out[c.head]) {
		return
	}
	c.head = (c.head + 1) % len(c.out)
	c.n--
	c.offset, c.begun = 0, false
	c.room <- struct{}{} // never waits: there is one token for each place
	if c.n == 0 && c.closing {
		c.sayDisconnect()
	}
}

// receive takes a K-frame: the controller's loop.
func (c *CreditChannel) receive(frame []byte) {
	c.mu.Lock()
	wrong, grant := c.take(frame)
	c.mu.Unlock()
	switch {
	case wrong:
		c.abort()
	case grant > 0:
		c.grant(grant)
	}
}

// take puts a frame to its SDU. Wrong tells that the peer broke the rules; grant is what it may have at once,
// since it has no credit left to complete the SDU with.
func (c *CreditChannel) take(frame []byte) (wrong bool, grant int) {
	if c.err != nil {
		return false, 0 // on its way when we disconnected
	}
	if c.granted == 0 || len(frame) > c.mps {
		return true, 0
	}
	c.granted--
	if c.want < 0 {
		if len(frame) < sduLength {
			return true, 0
		}
		c.want = int(binary.LittleEndian.Uint16(frame))
		c.sdu = c.buffer()
		frame = frame[sduLength:]
	}
	if c.want > c.mtu || len(c.sdu)+len(frame) > c.want {
		return true, 0
	}
	c.sdu = append(c.sdu, frame...)
	c.frames++
	if len(c.sdu) == c.want {
		c.in = append(c.in, received{c.sdu, c.frames})
		c.sdu, c.want, c.frames = nil, -1, 0
		signal(c.readable)
		return false, 0
	}
	if c.granted == 0 {
		grant, c.frames = c.frames, 0
		c.granted += grant
	}
	return false, grant
}

func (c *CreditChannel) buffer() []byte {
	if n := len(c.spare); n > 0 {
		b := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return b[:0]
	}
	return nil
}

// consumed forgets the first SDU and tells what to grant for it: c.mu is held.
func (c *CreditChannel) consumed() (grant int) {
	one := c.in[0]
	n := copy(c.in, c.in[1:])
	c.in[n] = received{}
	c.in = c.in[:n]
	c.rest = 0
	if len(c.spare) < maxSDUs {
		c.spare = append(c.spare, one.sdu)
	}
	c.owed += one.frames
	if c.owed*2 < c.window && c.granted > 0 {
		return 0
	}
	grant, c.owed = c.owed, 0
	c.granted += grant
	return grant
}

// grant gives the peer credits (Vol 3, Part A, 4.24), unless the channel is no more. When the peer has us answer so
// much that there is no room, the credits stay owed.
func (c *CreditChannel) grant(n int) {
	if n == 0 || isClosed(c.done) {
		return
	}
	s := Signal{FlowControlCredit, c.mux.signalling.identifier(), appendWords(nil, c.local, uint16(n))}
	if c.mux.signalling.channel.SendUrgent(s.AppendTo(nil)) != nil {
		c.mu.Lock()
		c.owed, c.granted = c.owed+n, c.granted-n
		c.mu.Unlock()
	}
}

// credited takes credits from the peer: the controller's loop.
func (c *CreditChannel) credited(n int) {
	c.mux.mu.Lock()
	c.credits += n
	tooMany := n == 0 || c.credits > maxCredits
	c.mux.mu.Unlock()
	if tooMany {
		c.abort()
		return
	}
	c.mux.link.Wake()
}

// abort ends a channel whose peer broke the rules.
func (c *CreditChannel) abort() {
	c.end(ErrProtocol)
	c.mux.mu.Lock()
	c.sayDisconnect()
	c.mux.mu.Unlock()
	c.mux.link.Wake()
}

// end fails what waits on the channel, and what is read from it once all has been read.
func (c *CreditChannel) end(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = reason
		signal(c.readable)
	}
	select {
	case <-c.done:
	default:
		close(c.done)
	}
}

// sayDisconnect sends the Disconnection Request, once: Mux.mu is held.
func (c *CreditChannel) sayDisconnect() {
	if c.disconnect || c.remote == 0 || c.mux.err != nil {
		return
	}
	c.disconnect = true
	m := c.mux
	identifier, err := m.signalling.requests.add(DisconnectionResponse, func([]byte, error) { m.unregister(c) })
	if err != nil {
		return // the link is ending
	}
	q := &m.signalling.channel.urgent
	if q.full() {
		return // the peer floods us: its channel stays as it is until the link ends
	}
	q.push(CIDSignalling, Signal{DisconnectionRequest, identifier, appendWords(nil, c.remote, c.local)}.AppendTo(nil))
}

// peerLeft answers the peer's Disconnection Request: what has come can still be read.
func (c *CreditChannel) peerLeft() {
	c.mux.unregister(c)
	c.end(io.EOF)
}

// Close sends what was written, for a while, and then disconnects. What is read and written afterwards fails
// with net.ErrClosed.
func (c *CreditChannel) Close() error {
	c.mu.Lock()
	if c.err == nil || c.err == io.EOF {
		c.err = net.ErrClosed
		c.in = nil
	}
	signal(c.readable)
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	c.mu.Unlock()

	m := c.mux
	m.mu.Lock()
	if !c.closing {
		c.closing = true
		if c.n == 0 {
			c.sayDisconnect()
		} else if m.err == nil {
			c.lingerTimer = time.AfterFunc(linger, func() {
				m.mu.Lock()
				c.sayDisconnect()
				m.mu.Unlock()
				m.link.Wake()
			})
		}
	}
	m.mu.Unlock()
	m.link.Wake()
	return nil
}

// signal tells one waiter that there is something to look at.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
