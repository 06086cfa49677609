package gatt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/jelling-ble/jelling/att"
	"github.com/sirupsen/logrus"
)

// A ServerConfig says what a [Server] serves. Its zero value has the GAP and the GATT service alone.
type ServerConfig struct {
	// Name is the device name in the GAP service (Vol 3, Part C, 12.1).
	Name string
	// Appearance is the appearance in the GAP service, from the Assigned Numbers (Vol 3, Part C, 12.2).
	Appearance uint16
	// Bare leaves out the GAP and GATT services, which otherwise come first.
	Bare bool
	// Services get their handles in this order.
	Services []*Service
	// Store keeps what belongs to clients with an identity. If nil, it is kept in memory.
	Store Store
	// Log receives what the store did wrong. If nil, silence.
	Log *logrus.Logger
}

// A Server is a database and the clients that use it, one for a host. Its methods may be called from any goroutine.
type Server struct {
	db    *database
	store Store
	log   *logrus.Logger
	name  *Characteristic // nil if Bare

	mu    sync.RWMutex // of the attributes' values and of the clients' configurations; held for moments only
	conns map[*ServerConn]struct{}
}

// NewServer gives handles to what cfg declares. An error says which declaration is wrong.
func NewServer(cfg ServerConfig) (*Server, error) {
	s := &Server{store: cfg.Store, log: cfg.Log, conns: map[*ServerConn]struct{}{}}
	if s.store == nil {
		s.store = &memoryStore{}
	}
	services := cfg.Services
	if !cfg.Bare {
		var own []*Service
		own, s.name = builtin(cfg.Name, cfg.Appearance)
		services = append(own, services...)
	}
	var err error
	s.db, err = newDatabase(services)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// builtin declares the GAP and GATT services (Vol 3, Part C, 12; Part G, 7).
func builtin(deviceName string, appearance uint16) (services []*Service, name *Characteristic) {
	name = &Characteristic{UUID: DeviceName, Properties: Read, Value: []byte(deviceName)}
	return []*Service{
		{UUID: GenericAccess, Characteristics: []*Characteristic{
			name,
			{UUID: Appearance, Properties: Read, Value: le.AppendUint16(nil, appearance)},
		}},
		{UUID: GenericAttribute},
	}, name
}

// SetValue sets the value that clients read. Subscribers are not told: see [Server.Notify]. It fails with [ErrUnknown], with
// [att.ErrInvalidAttributeValueLength] for more than 512 octets, and with [ErrDynamic] for a characteristic with a Read function.
func (s *Server) SetValue(ch *Characteristic, value []byte) error {
	p, err := s.published(ch)
	if err != nil {
		return err
	}
	if p.value.onRead != nil {
		return fmt.Errorf("%w: %v", ErrDynamic, ch.UUID)
	}
	return s.set(p, value)
}

// Value is a copy of the value that clients read; nil for a characteristic with a Read function.
func (s *Server) Value(ch *Characteristic) []byte {
	p, err := s.published(ch)
	if err != nil || p.value.onRead != nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return bytes.Clone(p.value.value)
}

// SetName changes the device name in the GAP service. It fails with [ErrUnknown] if there is none.
func (s *Server) SetName(name string) error { return s.SetValue(s.name, []byte(name)) }

// Handle is the handle of the characteristic's value; 0 if it is not in the database.
func (s *Server) Handle(ch *Characteristic) uint16 {
	if p, err := s.published(ch); err == nil {
		return p.value.handle
	}
	return 0
}

// published is where a declaration has become a part of the database.
func (s *Server) published(ch *Characteristic) (*published, error) {
	if p := s.db.published[ch]; p != nil {
		return p, nil
	}
	return nil, ErrUnknown
}

// set keeps a copy of value, in the same octets where they suffice.
func (s *Server) set(p *published, value []byte) error {
	if len(value) > att.MaxValueLen {
		return fmt.Errorf("gatt: %d octets for %v: %w", len(value), p.value.typ, att.ErrInvalidAttributeValueLength)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.value.value = append(p.value.value[:0], value...)
	return nil
}

// Notify sets the value, unless there is a Read function, and tells it to every client that has subscribed, in the way it has chosen: by
// notification, or by indication, and then it waits for the confirmation. Each client gets what fits its MTU, ATT_MTU-3 octets.
// Clients whose link is not secure enough, or has just ended, are left out. The error joins those of the others.
func (s *Server) Notify(ctx context.Context, ch *Characteristic, value []byte) error {
	return s.tell(ctx, ch, value, cccdNotify|cccdIndicate)
}

// Indicate is Notify for the clients that have subscribed to indications, only.
func (s *Server) Indicate(ctx context.Context, ch *Characteristic, value []byte) error {
	return s.tell(ctx, ch, value, cccdIndicate)
}

// tell sets a value and tells it to the clients that have set one of the bits how.
func (s *Server) tell(ctx context.Context, ch *Characteristic, value []byte, how uint16) error {
	p, err := s.published(ch)
	if err != nil {
		return err
	}
	if p.value.onRead == nil {
		if err := s.set(p, value); err != nil {
			return err
		}
	}
	var some [4]*ServerConn
	clients := s.subscribers(some[:0], p, how)
	if len(clients) == 1 { // allocates nothing
		return unlessLeftOut(clients[0].tell(ctx, p, value, how))
	}
	errs := make([]error, len(clients))
	var told sync.WaitGroup
	for i, c := range clients {
		told.Go(func() { errs[i] = unlessLeftOut(c.tell(ctx, p, value, how)) })
	}
	told.Wait()
	return errors.Join(errs...)
}

// unlessLeftOut is err, unless it is about a client that need not be told.
func unlessLeftOut(err error) error {
	if errors.Is(err, ErrInsecure) || errors.Is(err, ErrNotSubscribed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Subscribers is how many clients have subscribed to a characteristic and are there.
func (s *Server) Subscribers(ch *Characteristic) int {
	p, err := s.published(ch)
	if err != nil {
		return 0
	}
	return len(s.subscribers(nil, p, cccdNotify|cccdIndicate))
}

// subscribers appends the clients that have set one of the bits how.
func (s *Server) subscribers(to []*ServerConn, p *published, how uint16) []*ServerConn {
	if p.cccd == noCCCD {
		return to
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.conns {
		if c.configured[p.cccd]&how != 0 {
			to = append(to, c)
		}
	}
	return to
}

// Forget removes what is kept for a client. A link it has now goes on as one without an identity.
func (s *Server) Forget(client string) error {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.forget(client)
	}
	if err := s.store.Forget(client); err != nil {
		return fmt.Errorf("gatt: forgetting a client: %w", err)
	}
	return nil
}
