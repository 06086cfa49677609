package l2cap

import (
	"context"
	"errors"
	"fmt"
)

// ReconfigureResult is the answer to a request for other limits (Vol 3, Part A, 4.28).
type ReconfigureResult uint16

const (
	Reconfigured        ReconfigureResult = 0x0000
	MTUReduced          ReconfigureResult = 0x0001
	MPSReduced          ReconfigureResult = 0x0002
	InvalidDestination  ReconfigureResult = 0x0003
	UnacceptableOptions ReconfigureResult = 0x0004
)

func (r ReconfigureResult) Error() string {
	names := [...]string{"reconfigured", "reduction in size of MTU not allowed", "reduction in size of MPS not allowed for several channels",
		"one or more destination CIDs invalid", "other unacceptable parameters"}
	if int(r) < len(names) {
		return fmt.Sprintf("%s (0x%04X)", names[r], uint16(r))
	}
	return fmt.Sprintf("reconfigure result 0x%04X", uint16(r))
}

var errNotEnhanced = errors.New("l2cap: only enhanced channels can be reconfigured, one to five of a link at a time")

// Reconfigure tells the peer that enhanced channels of ours take longer SDUs and frames from now on (Vol 3,
// Part A, 4.27). Neither may get smaller, but for the MPS of one channel alone. Errors: a ReconfigureResult,
// and those of Dial.
func (m *Mux) Reconfigure(ctx context.Context, mtu, mps int, channels ...*CreditChannel) error {
	if len(channels) < 1 || len(channels) > maxEnhanced || mtu < minEnhancedMTU || mtu > 65535 || mps < minEnhancedMTU || mps > maxMPS {
		return errNotEnhanced
	}
	data := appendWords(nil, uint16(mtu), uint16(mps))
	for _, c := range channels {
		if !c.enhanced || c.mux != m {
			return errNotEnhanced
		}
		data = appendWords(data, c.local)
		m.in.raise(headerLength + mps)
		c.allow(mtu, mps) // before the answer, since frames may be on their way with it
	}
	return m.signalling.request(ctx, ReconfigureRequest, ReconfigureResponse, data, func(data []byte) error {
		w, err := words("reconfigure response", data, 1, 1)
		if err == nil && w[0] != 0 {
			err = ReconfigureResult(w[0])
		}
		return err
	})
}

// allow raises what a channel takes; a smaller MPS is the peer's to keep to.
func (c *CreditChannel) allow(mtu, mps int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mtu, c.mps = max(c.mtu, mtu), max(c.mps, mps)
}

// handleReconfigure takes the peer's new limits (Vol 3, Part A, 4.27). A peer that makes an MTU smaller loses the channels that it has named,
// after the answer (Vol 3, Part A, 7.11).
func (s *signalling) handleReconfigure(c Signal) {
	w, err := words("reconfigure request", c.Data, 3, 2+maxEnhanced)
	if err != nil {
		s.reject(c.Identifier, NotUnderstood, nil)
		return
	}
	channels, result := s.mux.reconfigure(int(w[0]), int(w[1]), w[2:])
	s.answer(Signal{ReconfigureResponse, c.Identifier, appendWords(nil, uint16(result))})
	if result == MTUReduced {
		for _, channel := range channels {
			channel.abort()
		}
	}
}

// reconfigure gives the channels whose ends at the peer are named new limits, all or none of them.
func (m *Mux) reconfigure(mtu, mps int, cids []uint16) ([]*CreditChannel, ReconfigureResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*CreditChannel
	for _, cid := range cids {
		i := len(all)
		for _, c := range m.credit {
			if c.remote == cid && c.enhanced {
				all = append(all, c)
			}
		}
		if i == len(all) {
			return nil, InvalidDestination
		}
	}
	for _, c := range all {
		if mtu < c.peerMTU {
			return all, MTUReduced
		}
	}
	for _, c := range all {
		if mps < c.peerMPS && len(all) > 1 {
			return all, MPSReduced
		}
	}
	if mtu < minEnhancedMTU || mps < minEnhancedMTU || mps > maxMPS {
		return all, UnacceptableOptions
	}
	for _, c := range all {
		c.peerMTU, c.peerMPS = mtu, mps
	}
	return all, Reconfigured
}
