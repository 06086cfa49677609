package l2cap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
)

// Security is what a link has, or what a channel needs of it.
type Security struct {
	Encrypted     bool
	Authenticated bool
	KeySize       int // octets, 7 to 16
}

// lacks is the result that says what s lacks of what is needed.
func (s Security) lacks(need Security) Result {
	switch {
	case need.Authenticated && !s.Authenticated:
		return InsufficientAuthentication
	case (need.Encrypted || need.KeySize > 0) && !s.Encrypted:
		return InsufficientEncryption
	case s.KeySize < need.KeySize:
		return InsufficientKeySize
	}
	return Success
}

// ListenConfig is what channels that peers open are like, and what they need.
type ListenConfig struct {
	ChannelConfig
	Security Security
	// Authorize decides who may have a channel; if nil, everybody whose link is secure enough. It is called
	// on the controller's loop and must not wait.
	Authorize func() bool
	// EnhancedOnly refuses channels that are not in enhanced credit-based mode, as if nobody listened.
	EnhancedOnly bool
	// Ascending refuses a request for several channels whose CIDs do not ascend, for want of resources: Linux up to 6.1 at least asks so, and takes the
	// answer in the other order, so that what is sent on one channel arrives on another.
	Ascending bool
	// Take is given each channel in place of Accept; where it returns false there are no resources. It is called on the controller's loop,
	// before the peer knows, and must not wait. If nil, channels wait for Accept.
	Take func(*CreditChannel) bool
}

// maxBacklog is how many channels wait for Accept.
const maxBacklog = 8

// Listener takes the channels that peers open to an SPSM, on any number of links: a net.Listener.
type Listener struct {
	spsm    uint16
	cfg     ListenConfig
	backlog chan *CreditChannel

	mu     sync.Mutex
	closed bool
	done   chan struct{}
}

var errSPSM = errors.New("want 0x0001 to 0x00FF")

// NewListener listens on spsm: 0x0001 to 0x007F are assigned by the Bluetooth SIG, 0x0080 to 0x00FF are free
// (Vol 3, Part A, 4.22). A Mux finds it by Config.Listener.
func NewListener(spsm uint16, cfg ListenConfig) (*Listener, error) {
	if spsm == 0 || spsm > 0xFF {
		return nil, fmt.Errorf("l2cap: SPSM 0x%04X: %w", spsm, errSPSM)
	}
	return &Listener{spsm: spsm, cfg: cfg, backlog: make(chan *CreditChannel, maxBacklog), done: make(chan struct{})}, nil
}

// Accept waits for a channel.
func (l *Listener) Accept() (net.Conn, error) { return l.AcceptChannel(context.Background()) }

// AcceptChannel waits for a channel, or for the end of ctx or the listener (net.ErrClosed).
func (l *Listener) AcceptChannel(ctx context.Context) (*CreditChannel, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close refuses further channels and closes those that nobody has accepted.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	for {
		select {
		case c := <-l.backlog:
			_ = c.Close() // never fails
		default:
			return nil
		}
	}
}

// Closed tells whether the listener has been closed.
func (l *Listener) Closed() bool { return isClosed(l.done) }

// Addr is the SPSM.
func (l *Listener) Addr() net.Addr { return Addr{l.spsm} }

// offer gives a channel to Accept: the controller's loop.
func (l *Listener) offer(c *CreditChannel) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.cfg.Take != nil {
		return l.cfg.Take(c)
	}
	select {
	case l.backlog <- c:
		return true
	default:
		return false
	}
}

// admit is the result for a peer that asks for a channel of l.
func (m *Mux) admit(spsm uint16, l *Listener, enhanced bool) Result {
	if l == nil || l.spsm != spsm || l.cfg.EnhancedOnly && !enhanced {
		return SPSMNotSupported
	}
	var have Security
	if m.cfg.Security != nil {
		have = m.cfg.Security()
	}
	if m.cfg.Least != nil {
		if lack := have.lacks(m.cfg.Least()); lack != Success {
			return lack
		}
	}
	if lack := have.lacks(l.cfg.Security); lack != Success {
		return lack
	}
	if l.cfg.Authorize != nil && !l.cfg.Authorize() {
		return InsufficientAuthorization
	}
	return Success
}

func (m *Mux) listener(spsm uint16) *Listener {
	if m.cfg.Listener == nil {
		return nil
	}
	return m.cfg.Listener(spsm)
}

// handleConnection answers a request for one channel (Vol 3, Part A, 4.22).
func (s *signalling) handleConnection(c Signal) {
	r, err := parseCreditConnectionRequest(c.Data)
	if err != nil {
		s.reject(c.Identifier, NotUnderstood, nil)
		return
	}
	answer := s.open(r, false)
	s.answer(Signal{CreditConnectionResponse, c.Identifier, answer.appendCreditConnection(nil)})
}

// handleEnhanced answers a request for up to five channels (Vol 3, Part A, 4.25).
func (s *signalling) handleEnhanced(c Signal) {
	r, err := parseEnhancedRequest(c.Data)
	if err != nil {
		s.reject(c.Identifier, NotUnderstood, nil)
		return
	}
	answer := s.open(r, true)
	s.answer(Signal{EnhancedConnectionResponse, c.Identifier, answer.appendEnhanced(nil)})
}

// open makes the channels that a peer asks for, as many as can be had.
func (s *signalling) open(r channelRequest, enhanced bool) channelResponse {
	answer := channelResponse{destinations: make([]uint16, len(r.sources))}
	least := minCreditMTU
	if enhanced {
		least = minEnhancedMTU
	}
	m := s.mux
	l := m.listener(r.spsm)
	switch answer.result = m.admit(r.spsm, l, enhanced); {
	case answer.result != Success:
		return answer
	case int(r.mtu) < least || int(r.mps) < least || r.mps > maxMPS || enhanced && r.credits == 0:
		if answer.result = UnacceptableParameters; enhanced {
			answer.result = InvalidParameters
		}
		return answer
	case l.cfg.Ascending && !slices.IsSorted(r.sources):
		answer.result = NoResources
		return answer
	}
	cfg := l.cfg.withDefaults(least)
	answer.mtu, answer.mps, answer.credits = uint16(cfg.MTU), uint16(cfg.MPS), uint16(cfg.Credits)
	for i, source := range r.sources {
		if result := s.openOne(l, r, source, cfg, enhanced, &answer.destinations[i]); result != Success {
			answer.result = result
		}
	}
	return answer
}

func (s *signalling) openOne(l *Listener, r channelRequest, source uint16, cfg ChannelConfig, enhanced bool, destination *uint16) Result {
	m := s.mux
	switch {
	case source < firstDynamicCID || source > lastDynamicCID:
		return InvalidSourceCID
	case m.byRemote(source) != nil:
		return SourceCIDAllocated
	}
	c := newCreditChannel(m, r.spsm, cfg, enhanced)
	if m.register(c) != nil {
		return NoResources
	}
	m.connect(c, source, int(r.mtu), int(r.mps), int(r.credits))
	if !l.offer(c) {
		m.unregister(c)
		return NoResources
	}
	*destination = c.local
	return Success
}

// byRemote is the channel whose end at the peer has that CID.
func (m *Mux) byRemote(cid uint16) *CreditChannel {
	if cid < firstDynamicCID {
		return nil // of a channel that the peer has not answered for
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.credit {
		if c.remote == cid {
			return c
		}
	}
	return nil
}

// handleDisconnection ends a channel of ours by the peer's wish (Vol 3, Part A, 4.6).
func (s *signalling) handleDisconnection(c Signal) {
	w, err := words("disconnection request", c.Data, 2, 2)
	if err != nil {
		s.reject(c.Identifier, NotUnderstood, nil)
		return
	}
	destination, source := w[0], w[1]
	channel := s.mux.creditChannel(destination)
	if channel == nil {
		s.reject(c.Identifier, InvalidChannelInIt, appendWords(nil, destination, source))
		return
	}
	s.mux.mu.Lock()
	known, early := channel.remote == source, channel.remote == 0 && source >= firstDynamicCID
	if early {
		channel.left = source
	}
	s.mux.mu.Unlock()
	if early { // before it has said that it takes the channel, as Linux does when there are more than it wants
		s.answer(Signal{DisconnectionResponse, c.Identifier, c.Data})
		return
	}
	if !known {
		s.ignored.Add(1)
		return
	}
	s.answer(Signal{DisconnectionResponse, c.Identifier, c.Data})
	channel.peerLeft()
}

// handleCredit takes credits for the channel whose end at the peer is named (Vol 3, Part A, 4.24).
func (s *signalling) handleCredit(c Signal) {
	w, err := words("flow control credit", c.Data, 2, 2)
	if err != nil {
		s.ignored.Add(1) // it has no response, and no reject either
		return
	}
	channel := s.mux.byRemote(w[0])
	if channel == nil {
		s.ignored.Add(1)
		return
	}
	channel.credited(int(w[1]))
}
