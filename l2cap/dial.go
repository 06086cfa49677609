package l2cap

import (
	"context"
	"errors"
	"fmt"
)

// Dial opens a channel to the peer's spsm (Vol 3, Part A, 4.22). A peer that asks for more security than the
// link has is asked once more when Config.Raise has brought it. Errors: a Result, a RejectReason,
// ErrResponseTimeout, ctx's cause, the link's end.
func (m *Mux) Dial(ctx context.Context, spsm uint16, cfg ChannelConfig) (*CreditChannel, error) {
	all, err := m.dialSecurely(ctx, spsm, 1, cfg.withDefaults(minCreditMTU), false)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// DialEnhanced opens up to five channels at once, in enhanced credit-based mode (Vol 3, Part A, 4.25). The peer
// may give fewer than n: then the error, beside the channels there are, is its Result.
func (m *Mux) DialEnhanced(ctx context.Context, spsm uint16, n int, cfg ChannelConfig) ([]*CreditChannel, error) {
	if n < 1 || n > maxEnhanced {
		return nil, fmt.Errorf("l2cap: %d channels at once, want 1 to %d", n, maxEnhanced)
	}
	return m.dialSecurely(ctx, spsm, n, cfg.withDefaults(minEnhancedMTU), true)
}

func (m *Mux) dialSecurely(ctx context.Context, spsm uint16, n int, cfg ChannelConfig, enhanced bool) ([]*CreditChannel, error) {
	all, err := m.dial(ctx, spsm, n, cfg, enhanced)
	var result Result
	if !errors.As(err, &result) || m.cfg.Raise == nil || len(all) > 0 {
		return all, err
	}
	want := Security{Encrypted: true}
	switch result {
	case InsufficientAuthentication:
		want.Authenticated = true
	case InsufficientKeySize:
		want.KeySize = 16
	case InsufficientEncryption:
	default:
		return nil, err
	}
	if failed := m.cfg.Raise(ctx, want); failed != nil {
		return nil, fmt.Errorf("%w; security was not raised: %w", err, failed)
	}
	return m.dial(ctx, spsm, n, cfg, enhanced)
}

func (m *Mux) dial(ctx context.Context, spsm uint16, n int, cfg ChannelConfig, enhanced bool) (opened []*CreditChannel, err error) {
	all := make([]*CreditChannel, 0, n)
	sources := make([]uint16, 0, n)
	for range n {
		c := newCreditChannel(m, spsm, cfg, enhanced)
		if err := m.register(c); err != nil {
			m.give(all)
			return nil, err
		}
		all, sources = append(all, c), append(sources, c.local)
	}
	code, response, parse := CreditConnectionRequest, CreditConnectionResponse, parseCreditConnectionResponse
	data := appendWords(nil, spsm, sources[0], uint16(cfg.MTU), uint16(cfg.MPS), uint16(cfg.Credits))
	if enhanced {
		code, response, parse = EnhancedConnectionRequest, EnhancedConnectionResponse, parseEnhancedResponse
		data = appendWords(appendWords(nil, spsm, uint16(cfg.MTU), uint16(cfg.MPS), uint16(cfg.Credits)), sources...)
	}
	type outcome struct {
		opened []*CreditChannel
		err    error
	}
	answer := make(chan outcome, 1)
	err = m.signalling.begin(code, response, data, func(data []byte, err error) {
		var r channelResponse
		if err == nil {
			r, err = parse(data)
		}
		if err != nil {
			m.give(all)
			answer <- outcome{nil, err}
			return
		}
		opened, err := m.opened(all, r, enhanced)
		answer <- outcome{opened, err}
	})
	if err != nil {
		m.give(all)
		return nil, err
	}
	select {
	case o := <-answer:
		return o.opened, o.err
	case <-ctx.Done():
		go func() { // what the peer still opens is closed; its answer is bounded by time
			for _, c := range (<-answer).opened {
				_ = c.Close() // never fails
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// give gives back the CIDs of channels that were not opened.
func (m *Mux) give(all []*CreditChannel) {
	for _, c := range all {
		m.unregister(c)
	}
}

// hasLeft tells whether the peer has disconnected a channel before it has given it.
func (m *Mux) hasLeft(c *CreditChannel, remote uint16) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return c.left == remote
}

// opened connects the channels that the peer's response gives: the controller's loop, before any frame.
func (m *Mux) opened(all []*CreditChannel, r channelResponse, enhanced bool) (opened []*CreditChannel, err error) {
	least := minCreditMTU
	if enhanced {
		least = minEnhancedMTU
	}
	if r.result != Success {
		err = r.result
	}
	for i, c := range all {
		switch {
		case i >= len(r.destinations) || r.destinations[i] == 0 || !enhanced && r.result != Success:
			m.unregister(c)
		case r.destinations[i] < firstDynamicCID || r.destinations[i] > lastDynamicCID || m.byRemote(r.destinations[i]) != nil ||
			int(r.mtu) < least || int(r.mps) < least || r.mps > maxMPS:
			m.unregister(c)
			err = ErrProtocol
		case m.hasLeft(c, r.destinations[i]):
			m.unregister(c)
			err = NoResources
		default:
			m.connect(c, r.destinations[i], int(r.mtu), int(r.mps), int(r.credits))
			opened = append(opened, c)
		}
	}
	if len(opened) == 0 && err == nil {
		err = ErrProtocol
	}
	return opened, err
}
