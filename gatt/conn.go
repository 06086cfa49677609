package gatt

import (
	"context"

	"github.com/jelling-ble/jelling/att"
	"github.com/sirupsen/logrus"
)

// A Config says how a [Conn] works. Its zero value is a client that can't raise security, without a server.
type Config struct {
	// MTU is the longest ATT PDU we receive, in octets, 23 to 517. If zero, 517.
	MTU int
	// Log receives what the peer and the handlers did wrong. If nil, silence.
	Log *logrus.Logger

	// Secure raises the link's security after the server refused a request with code, which is [att.ErrInsufficientAuthentication],
	// [att.ErrInsufficientEncryption] or [att.ErrEncryptionKeySizeTooShort]. sec is the link's security when the refusal arrived.
	// When Secure returns nil the request is sent once more. If nil, such a refusal is the request's error.
	Secure func(ctx context.Context, code att.ErrorCode, sec att.Security) error
	// Queue is how many octets of received values, with 8 more for each, may wait for the handlers of the subscriptions.
	// If zero, [DefaultQueue].
	Queue int
	// SlowConsumer ends the link because of err, which wraps [ErrSlowConsumer], when a value finds the queue full. It is called at most
	// once, on the goroutine that called [Conn.Receive], and must not wait. If nil, the bearer's Disconnect is called with err.
	SlowConsumer func(err error)

	// Server is the database that the peer sees. If nil, it has no attributes.
	Server *Server
	// HasKey tells whether there is a key by which the link could be encrypted, which decides between two error codes on a plain link
	// (Vol 3, Part C, 10.3.1). If nil, there is none.
	HasKey func() bool
	// Security is the link's security now; it decides whether a value may be sent. If nil, the security with which the last PDU
	// arrived counts.
	Security func() att.Security
	// Tag is the host's own name for the link: what [ServerConn.Tag] returns to the functions of the database.
	Tag any
}

// A Conn is GATT on one link, in both roles. It lives as long as its bearer and needs no closing of its own.
type Conn struct {
	cfg    Config
	att    *att.Conn
	client *Client
	server *ServerConn
}

// NewConn makes both roles on b.
func NewConn(b att.Bearer, cfg Config) *Conn {
	c := &Conn{cfg: cfg}
	return c
}

// Receive takes one PDU from the bearer, as [att.Conn.Receive] does: in order, with the security that the link had when it arrived.
// It never waits.
func (c *Conn) Receive(pdu []byte, sec att.Security) { c.att.Receive(pdu, sec) }

// Client is our client, which asks the peer's server.
func (c *Conn) Client() *Client { return c.client }

// Server is the peer as a client of our server; nil without a Config.Server.
func (c *Conn) Server() *ServerConn { return c.server }

// ATT is the connection below, for requests that have no name here.
func (c *Conn) ATT() *att.Conn { return c.att }

// Done is closed when nothing more can be sent.
func (c *Conn) Done() <-chan struct{} { return c.att.Done() }

// Err is nil until Done is closed, then it says why.
func (c *Conn) Err() error { return c.att.Err() }

// Wait returns when the bearer has ended, the handlers have been given every value that had arrived, and no function of the
// database runs any more for this link. Neither a handler nor a function of the database may call it.
func (c *Conn) Wait() {}
