package gatt

import (
	"context"

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
	// Log receives what the store and the functions of the database did wrong. If nil, silence.
	Log *logrus.Logger
}

// A Store keeps a short text for each client, as a rule beside its bond. What is in it is this package's business. Its methods are
// called from several goroutines, and may take their time.
type Store interface {
	// Load returns what was saved for client, or nothing.
	Load(client string) ([]byte, error)
	// Save replaces what was saved for client. It does not keep state.
	Save(client string, state []byte) error
	// Forget removes what was saved for client, if there is something.
	Forget(client string) error
}

// A Server is a database and the clients that use it, one for a host. Its methods may be called from any goroutine.
type Server struct{}

// NewServer gives handles to what cfg declares. An error says which declaration is wrong.
func NewServer(cfg ServerConfig) (*Server, error) { return &Server{}, nil }

// SetValue sets the value that clients read. Subscribers are not told: see [Server.Notify]. It fails with [ErrUnknown], with
// [att.ErrInvalidAttributeValueLength] for more than 512 octets, and for a characteristic with a Read function.
func (s *Server) SetValue(ch *Characteristic, value []byte) error { return nil }

// Value is a copy of the value that clients read; nil for a characteristic with a Read function.
func (s *Server) Value(ch *Characteristic) []byte { return nil }

// SetName changes the device name in the GAP service.
func (s *Server) SetName(name string) error { return nil }

// Notify sets the value, unless there is a Read function, and tells it to every client that has subscribed, in the way it has chosen: by
// notification, or by indication, and then it waits for the confirmation. Each client gets what fits its MTU, ATT_MTU-3 octets.
// Clients whose link is not secure enough, or has just ended, are left out. The error joins those of the others.
func (s *Server) Notify(ctx context.Context, ch *Characteristic, value []byte) error { return nil }

// Indicate is Notify for the clients that have subscribed to indications, only.
func (s *Server) Indicate(ctx context.Context, ch *Characteristic, value []byte) error { return nil }

// Subscribers is how many clients have subscribed to a characteristic and are there.
func (s *Server) Subscribers(ch *Characteristic) int { return 0 }

// Handle is the handle of the characteristic's value; 0 if it is not in the database.
func (s *Server) Handle(ch *Characteristic) uint16 { return 0 }

// Forget removes what is kept for a client. A link it has now goes on as one without an identity.
func (s *Server) Forget(client string) error { return nil }

// A ServerConn is one client of a [Server], for as long as its link lasts.
type ServerConn struct{}

// SetClient tells who the client is, once that is certain: after pairing with bonding, or when the link has been encrypted with the key of a
// bond. What is kept for it is loaded, may be used from then on, and kept up to date. What the client has already written on this link
// counts more than what was kept. After a new bond call [Server.Forget] first. With "", the client has no identity any more.
// The error is the store's; the link can be used all the same.
func (c *ServerConn) SetClient(identity string) error { return nil }

// Client is the identity given to SetClient; empty without one.
func (c *ServerConn) Client() string { return "" }

// Tag is the host's own name for the link, from its [Config].
func (c *ServerConn) Tag() any { return nil }

// Done is closed when the link has ended.
func (c *ServerConn) Done() <-chan struct{} { return nil }

// Subscribed tells how the client is subscribed to a characteristic.
func (c *ServerConn) Subscribed(ch *Characteristic) (notify, indicate bool) { return false, false }

// Notify tells a value to this client alone, in the way it has chosen, and does not change the value that is read. It
// fails with [ErrNotSubscribed] and [ErrInsecure].
func (c *ServerConn) Notify(ctx context.Context, ch *Characteristic, value []byte) error { return nil }

// Indicate is Notify by indication.
func (c *ServerConn) Indicate(ctx context.Context, ch *Characteristic, value []byte) error {
	return nil
}
