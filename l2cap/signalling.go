package l2cap

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// responseTimeout is RTX, how long a signalling request waits for its response (Vol 3, Part A, 6.2.1).
const responseTimeout = 30 * time.Second

// Errors of RequestParameters.
var (
	ErrParametersRejected = errors.New("l2cap: the central rejected the connection parameters")
	ErrNotPeripheral      = errors.New("l2cap: only a peripheral asks for connection parameters by L2CAP")
	ErrResponseTimeout    = errors.New("l2cap: no response to a signalling request within 30 s")
	ErrBusy               = errors.New("l2cap: a connection parameter request is waiting for its response")
	errParametersInvalid  = errors.New("l2cap: the specification does not allow these connection parameters")
)

// signalling is the LE signalling channel. The handle functions run on the controller's loop.
type signalling struct {
	mux     *Mux
	channel *Channel
	buf     []byte        // the answer being built: the controller's loop
	ignored atomic.Uint64 // responses nobody asked for, and what could not be parsed

	requests requests
	asking   atomic.Bool // RequestParameters waits
}

func newSignalling(m *Mux) *signalling {
	s := &signalling{mux: m}
	// A new Mux has every channel free, so this can't fail.
	s.channel, _ = m.Open(CIDSignalling, signallingMTU, s.handle)
	return s
}

func (s *signalling) handle(b []byte) {
	c, err := ParseSignal(b)
	if err != nil || c.Identifier == 0 {
		s.ignored.Add(1) // no identifier to answer to (Vol 3, Part A, 4)
		return
	}
	switch c.Code {
	case CommandReject:
		s.handleReject(c)
	case ConnectionParameterUpdateRequest:
		s.handleParameters(c)
	case CreditConnectionRequest:
		s.handleConnection(c)
	case EnhancedConnectionRequest:
		s.handleEnhanced(c)
	case ReconfigureRequest:
		s.handleReconfigure(c)
	case DisconnectionRequest:
		s.handleDisconnection(c)
	case FlowControlCredit:
		s.handleCredit(c)
	default:
		if !isResponse(c.Code) {
			s.reject(c.Identifier, NotUnderstood, nil)
		} else if !s.requests.settle(c.Identifier, c.Code, c.Data, nil) {
			s.ignored.Add(1)
		}
	}
}

// isResponse tells the codes that answer something, which are never answered themselves.
func isResponse(c Code) bool {
	switch c {
	case 0x03, 0x05, 0x07, 0x09, 0x0B, 0x0D, 0x0F, 0x11, 0x13, 0x15, 0x16, 0x18, 0x1A:
		return true
	}
	return false
}

// tooLong answers a C-frame over the signalling MTU, when enough of it is there to have an identifier.
func (s *signalling) tooLong(b []byte) {
	if len(b) < 2 || b[1] == 0 || Code(b[0]) == CommandReject || isResponse(Code(b[0])) {
		s.ignored.Add(1)
		return
	}
	s.reject(b[1], SignallingMTU, []byte{signallingMTU, 0})
}

func (s *signalling) reject(identifier uint8, reason RejectReason, data []byte) {
	payload := append([]byte{byte(reason), byte(reason >> 8)}, data...)
	s.answer(Signal{CommandReject, identifier, payload})
}

// answer sends a response. A peer that fills the queue with its own requests gets no more answers.
func (s *signalling) answer(c Signal) {
	s.buf = c.AppendTo(s.buf[:0])
	if s.channel.SendUrgent(s.buf) != nil {
		s.ignored.Add(1)
	}
}

// handleParameters answers a peripheral's wish (Vol 3, Part A, 4.20).
func (s *signalling) handleParameters(c Signal) {
	p, err := ParseParameters(c.Data)
	if err != nil || s.mux.link.Role() != hci.Central {
		s.reject(c.Identifier, NotUnderstood, nil)
		return
	}
	accept := p.Valid() && (s.mux.cfg.AcceptParameters == nil || s.mux.cfg.AcceptParameters(p))
	result := []byte{1, 0}
	if accept {
		result[0] = 0
	}
	s.answer(Signal{ConnectionParameterUpdateResponse, c.Identifier, result})
	if accept && s.mux.link.UpdateParameters(hci.ConnectionParameters{IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax,
		Latency: p.Latency, SupervisionTimeout: p.Timeout}) != nil {
		s.ignored.Add(1) // the link is ending
	}
}

func (s *signalling) handleReject(c Signal) {
	if len(c.Data) < 2 || !s.requests.settle(c.Identifier, CommandReject, nil, RejectReason(binary.LittleEndian.Uint16(c.Data))) {
		s.ignored.Add(1)
	}
}

// RequestParameters asks the central, as a peripheral, for other connection parameters, and waits for its
// answer for 30 s at most. The new parameters come by the controller's event.
func (m *Mux) RequestParameters(ctx context.Context, p Parameters) error {
	if m.link.Role() != hci.Peripheral {
		return ErrNotPeripheral
	}
	if !p.Valid() {
		return errParametersInvalid
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !m.signalling.asking.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer m.signalling.asking.Store(false)
	return m.signalling.request(ctx, ConnectionParameterUpdateRequest, ConnectionParameterUpdateResponse, p.AppendTo(nil), func(data []byte) error {
		result, err := words("connection parameter response", data, 1, 1)
		if err == nil && result[0] != 0 {
			err = ErrParametersRejected
		}
		return err
	})
}

// Statistics counts what a Mux dropped.
type Statistics struct {
	RecombinationStatistics
	UnknownChannel    uint64 // PDUs for channels that are not open
	IgnoredSignalling uint64 // signalling that could not be parsed or that nobody asked for
}

// Statistics reports the counters.
func (m *Mux) Statistics() Statistics {
	r := RecombinationStatistics{Unfinished: m.in.unfinished.Load(), Stray: m.in.stray.Load(), TooLong: m.in.long.Load()}
	return Statistics{r, m.unknown.Load(), m.signalling.ignored.Load()}
}
