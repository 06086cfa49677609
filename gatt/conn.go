package gatt

import (
	"context"
	"sync"
	"sync/atomic"

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
	// [att.ErrInsufficientEncryption] or [att.ErrEncryptionKeySizeTooShort]. sec is the link's security when the request was sent, as
	// Security says, or without that function when the refusal arrived: the link may be better by now. When Secure returns nil the request is
	// sent once more. If nil, such a refusal is the request's error.
	Secure func(ctx context.Context, code att.ErrorCode, sec att.Security) error
	// Store keeps what is known of servers with an identity, see [Client.SetServer]. If nil, that is known for the link only.
	Store Store
	// ServicesChanged is told, on a goroutine of its own or that of a request, that what was known of a server with an identity has changed. If
	// nil, nobody is told.
	ServicesChanged func()
	// Believe tells whether a value that arrived by itself, over a link of that security, may be the server's. One that may not is
	// dropped and counted, and confirmed if it was indicated; but Service Changed counts, for it costs a discovery at the most. If nil, all are
	// believed. It must not wait.
	Believe func(sec att.Security) bool
	// Queue is how many octets of received values, with 8 more for each, may wait for the handlers of the subscriptions.
	// If zero, [DefaultQueue].
	Queue int
	// Throttle is told true when more than half of the queue is taken, and false when that is so no more, soon: whoever can have
	// the peer send more slowly does so in between, but for what Waits is about. It must not wait, nor call the Conn. If nil, nobody is told.
	Throttle func(on bool)
	// Waits is told true when a request or an indication of ours begins to wait for its answer, and false when it has it, or never will: as often.
	// It must not wait, nor call the Conn. If nil, nobody is told.
	Waits func(waits bool)
	// SlowConsumer ends the link because of err, which wraps [ErrSlowConsumer], when a value finds the queue full. It is called at most
	// once, on the goroutine that called [Conn.Receive], and must not wait. If nil, the bearer's Disconnect is called with err.
	SlowConsumer func(err error)

	// Server is the database that the peer sees. If nil, it has no attributes.
	Server *Server
	// HasKey tells whether there is a key by which the link could be encrypted, which decides between two error codes on a plain link
	// (Vol 3, Part C, 10.3.1). If nil, there is none.
	HasKey func() bool
	// Verify tells whether the peer has made the signature of a message, an ATT Signed Write Command from its opcode to its value, and
	// for which security its key stands. If nil, signed writes are ignored.
	Verify func(message []byte, signature [att.SignatureLen]byte) (sec att.Security, ok bool)
	// Sign makes our signature of a message, as Verify has it; it may take its time. If nil, nothing can be signed.
	Sign func(message []byte) (signature [att.SignatureLen]byte, err error)
	// Security is the link's security now; it decides whether a value may be sent, and is told to Secure. If nil, the security with which
	// the last PDU arrived counts.
	Security func() att.Security
	// Enhanced tells the server of the peer that the link may have enhanced bearers, see [Client.OffersEnhanced].
	Enhanced bool
	// Tag is the host's own name for the link: what [ServerConn.Tag] returns to the functions of the database.
	Tag any
}

// A Conn is GATT on one link, in both roles. It lives as long as its first bearer and needs no closing of its own.
//
// It has two goroutines: one gives received values to their handlers, one waits for the first bearer's end. Each further
// bearer has one that waits for its end.
type Conn struct {
	cfg    Config
	att    *att.Conn // the first bearer
	client *Client
	server *ServerConn
	ran    sync.WaitGroup

	adding  sync.Mutex // held while bearers changes
	taking  sync.Mutex // held while one of several is taken
	bearers atomic.Pointer[[]*Bearer]

	lastSec atomic.Uint32 // the security of the last PDU, packed
}

// NewConn makes both roles on b.
func NewConn(b att.Bearer, cfg Config) *Conn {
	c := &Conn{cfg: cfg}
	c.client = newClient(c)
	if cfg.Server != nil {
		c.server = newServerConn(c, cfg.Server)
	}
	first := c.newBearer(b)
	c.att = first.att
	c.bearers.Store(&[]*Bearer{first})
	if c.server != nil {
		c.server.open()
	}
	c.ran.Go(c.client.deliver)
	c.ran.Go(c.watch)
	return c
}

// watch ends the server's part with the first bearer.
func (c *Conn) watch() {
	<-c.att.Done()
	c.end()
	if c.server != nil {
		c.server.close()
	}
}

// Receive takes one PDU from the first bearer, as [att.Conn.Receive] does: in order, with the security that the link had when it arrived.
// It never waits.
func (c *Conn) Receive(pdu []byte, sec att.Security) { c.first().Receive(pdu, sec) }

// Client is our client, which asks the peer's server.
func (c *Conn) Client() *Client { return c.client }

// Server is the peer as a client of our server; nil without a Config.Server.
func (c *Conn) Server() *ServerConn { return c.server }

// ATT is the connection below on the first bearer, for requests that have no name here.
func (c *Conn) ATT() *att.Conn { return c.att }

// Done is closed when nothing more can be sent.
func (c *Conn) Done() <-chan struct{} { return c.att.Done() }

// Err is nil until Done is closed, then it says why.
func (c *Conn) Err() error { return c.att.Err() }

// Wait returns when the bearer has ended, the handlers have been given every value that had arrived, and no function of the
// database runs any more for this link. Neither a handler nor a function of the database may call it.
func (c *Conn) Wait() {
	c.waitForBearers()
	c.ran.Wait()
}

// security is the link's security now, as far as it is known.
func (c *Conn) security() att.Security {
	if c.cfg.Security != nil {
		return c.cfg.Security()
	}
	return unpackSecurity(c.lastSec.Load())
}

// The bits of a packed att.Security; the key size lies below them.
const (
	secEncrypted = 0x100 << iota
	secAuthenticated
	secSecureConnections
)

// packSecurity makes a word of s, to be kept without a lock.
func packSecurity(s att.Security) uint32 {
	p := uint32(s.KeySize & 0xFF)
	if s.Encrypted {
		p |= secEncrypted
	}
	if s.Authenticated {
		p |= secAuthenticated
	}
	if s.SecureConnections {
		p |= secSecureConnections
	}
	return p
}

func unpackSecurity(p uint32) att.Security {
	return att.Security{
		Encrypted:         p&secEncrypted != 0,
		Authenticated:     p&secAuthenticated != 0,
		SecureConnections: p&secSecureConnections != 0,
		KeySize:           int(p & 0xFF),
	}
}
