package gap

import (
	"slices"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// arrivals brings the connections that peers make to the advertising that led to them. The controller's loop puts them
// in, and says a little later whose they are, where there is a choice.
type arrivals struct {
	mu        sync.Mutex // guards all below
	all       []*Advertising
	unclaimed []*Conn // of whom it is not known yet
	unwanted  []*Conn // that nobody has accepted
}

// maxIncoming is how many connections made by peers wait to be accepted; more are disconnected.
const maxIncoming = 8

// maxAdvertisings is how many advertisings there are at once; more than controllers have sets for.
const maxAdvertisings = 64

// claimTime is how long the controller may take to say which set a connection is of. It follows the connection at once,
// unless it is lost.
const claimTime = time.Second

func (s *arrivals) add(a *Advertising) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= maxAdvertisings {
		return &ConfigError{"advertise: too much is advertised at once"}
	}
	s.all = append(s.all, a)
	return nil
}

// remove takes an advertising out, and keeps the connections that nobody has accepted.
func (s *arrivals) remove(a *Advertising) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(b *Advertising) bool { return a == b })
	for {
		select {
		case c := <-a.arrived:
			s.unwanted = append(s.unwanted, c)
		default:
			return
		}
	}
}

// wait waits for the end of every advertising.
func (s *arrivals) wait() {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	for _, a := range all {
		<-a.done
	}
}

// connectable are the advertisings that may lead to a connection.
func (s *arrivals) connectable() (all []*Advertising) {
	for _, a := range s.all {
		if !a.cfg.NonConnectable {
			all = append(all, a)
		}
	}
	return all
}

// started has it told that the advertising which a new connection comes from has started, where there is no choice: that may
// not have been looked at yet. The controller's loop.
func (s *arrivals) started() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all := s.connectable(); len(all) == 1 {
		all[0].tellStarted(nil)
	}
}

// arrive takes a new connection: the controller's loop.
func (s *arrivals) arrive(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	switch all := s.connectable(); {
	case len(s.unclaimed)+len(s.unwanted) >= maxIncoming:
		s.refuse(c)
	case len(all) == 0:
		s.unwanted = append(s.unwanted, c)
	case len(all) == 1:
		s.give(all[0], c)
	default:
		s.unclaimed = append(s.unclaimed, c)
		time.AfterFunc(claimTime, func() { s.settle(c) })
	}
}

// claim gives a connection to the advertising that led to it.
func (s *arrivals) claim(a *Advertising, handle uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.unclaimed, func(c *Conn) bool { return c.link.Handle() == handle }); i >= 0 {
		c := s.unclaimed[i]
		s.unclaimed = slices.Delete(s.unclaimed, i, i+1)
		s.give(a, c)
	}
}

// settle gives a connection that nobody has claimed to anybody. Which advertising has stopped for it is not known, so that
// each is taken to have.
func (s *arrivals) settle(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.unclaimed, c)
	if i < 0 {
		return
	}
	s.unclaimed = slices.Delete(s.unclaimed, i, i+1)
	all := s.connectable()
	if len(all) == 0 {
		s.unwanted = append(s.unwanted, c)
		return
	}
	for _, a := range all[1:] {
		a.hasLed(c)
	}
	s.give(all[0], c)
}

func (s *arrivals) give(a *Advertising, c *Conn) {
	a.hasLed(c)
	select {
	case a.arrived <- c:
	default:
		s.refuse(c)
	}
}

func (s *arrivals) refuse(c *Conn) {
	c.logf("%v: too many connections wait to be accepted", c.Peer())
	c.disconnect(hci.RemoteDeviceLowResources)
}

// forget lets go of connections that have ended.
func (s *arrivals) forget() {
	ended := func(c *Conn) bool { return c.Err() != nil }
	s.unclaimed, s.unwanted = slices.DeleteFunc(s.unclaimed, ended), slices.DeleteFunc(s.unwanted, ended)
}

// waiting is a connection that nobody has accepted, nil when there is none.
func (s *arrivals) waiting() *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	if len(s.unwanted) == 0 {
		return nil
	}
	c := s.unwanted[0]
	s.unwanted = slices.Delete(s.unwanted, 0, 1)
	return c
}
