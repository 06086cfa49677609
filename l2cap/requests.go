package l2cap

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errTooManyRequests says that every identifier is taken, which no host needs.
var errTooManyRequests = errors.New("l2cap: too many signalling requests without a response")

// maxRequests bounds the signalling requests that wait for their responses.
const maxRequests = 32

// requests are the signalling requests in flight, by identifier (Vol 3, Part A, 4). Whoever settles one takes
// it out first, so that each is settled once.
type requests struct {
	mu     sync.Mutex
	last   uint8
	flight map[uint8]*request
	ended  error
}

type request struct {
	response Code // what answers it
	timer    *time.Timer
	done     func(data []byte, err error) // must not wait; data is good during the call
}

// add enters a request and gives it an identifier.
func (r *requests) add(response Code, done func([]byte, error)) (uint8, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended != nil:
		return 0, r.ended
	case len(r.flight) >= maxRequests:
		return 0, errTooManyRequests
	case r.flight == nil:
		r.flight = make(map[uint8]*request)
	}
	identifier := r.next()
	one := &request{response: response, done: done}
	one.timer = time.AfterFunc(responseTimeout, func() { r.settle(identifier, response, nil, ErrResponseTimeout) })
	r.flight[identifier] = one
	return identifier, nil
}

// next is an identifier that no request in flight has: r.mu is held.
func (r *requests) next() uint8 {
	for r.last++; r.last == 0 || r.flight[r.last] != nil; r.last++ {
		continue
	}
	return r.last
}

// identifier is one for a command that has no response.
func (s *signalling) identifier() uint8 {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return s.requests.next()
}

// settle ends the request with that identifier by a response of that code, or by a reject of any; it tells
// whether there was one.
func (r *requests) settle(identifier uint8, code Code, data []byte, err error) bool {
	r.mu.Lock()
	one := r.flight[identifier]
	if one == nil || code != CommandReject && code != one.response {
		r.mu.Unlock()
		return false
	}
	delete(r.flight, identifier)
	r.mu.Unlock()
	one.timer.Stop()
	one.done(data, err)
	return true
}

// begin sends a request; done is told its outcome, on the controller's loop or a timer's goroutine.
func (s *signalling) begin(code, response Code, data []byte, done func([]byte, error)) error {
	identifier, err := s.requests.add(response, done)
	if err != nil {
		return err
	}
	if err := s.channel.SendUrgent(Signal{code, identifier, data}.AppendTo(nil)); err != nil {
		if s.requests.settle(identifier, CommandReject, nil, err) {
			return nil // done has been told
		}
	}
	return nil
}

// request sends a request and waits for parse's verdict on its response. Cancelling ctx frees the caller; a
// late response still goes to parse.
func (s *signalling) request(ctx context.Context, code, response Code, data []byte, parse func([]byte) error) error {
	answer := make(chan error, 1)
	err := s.begin(code, response, data, func(data []byte, err error) {
		if err == nil {
			err = parse(data)
		}
		answer <- err
	})
	if err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end settles every request with the reason for the link's end.
func (s *signalling) end(reason error) {
	r := &s.requests
	r.mu.Lock()
	left := r.flight
	r.flight, r.ended = nil, reason
	r.mu.Unlock()
	for _, one := range left {
		one.timer.Stop()
		one.done(nil, reason)
	}
}
