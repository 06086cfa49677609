package att

import "context"

// A Bearer carries whole ATT PDUs to the peer, one bearer of one link: the fixed channel 0x0004, or a
// credit-based channel (Vol 3, Part F, 3.2.11). What arrives is handed to [Conn.Receive] by the goroutine that owns the link.
type Bearer interface {
	// Send queues a request, command, notification or indication. It waits for room in a bounded queue,
	// for ctx, or for Done; an error means that pdu was not queued. It does not keep pdu.
	Send(ctx context.Context, pdu []byte) error
	// Reply queues a response or confirmation. It never waits and never stands behind Send; with too many
	// unsent replies it refuses with an error. It does not keep pdu.
	Reply(pdu []byte) error
	// MaxMTU is the longest PDU, in octets, that the bearer carries in both directions. On an enhanced bearer
	// it is the ATT_MTU (Vol 3, Part F, 3.2.8).
	MaxMTU() int
	// Enhanced tells whether this is an Enhanced ATT bearer, on which the MTU is not exchanged.
	Enhanced() bool
	// Disconnect asks for the end of the bearer because of err, and does not wait for it.
	Disconnect(err error)
	// Done is closed when the bearer has ended.
	Done() <-chan struct{}
	// Err says why the bearer ended, once Done is closed.
	Err() error
}

// Security is a link's security as it was when a PDU arrived on it.
type Security struct {
	// Encrypted tells whether the link was encrypted.
	Encrypted bool
	// Authenticated tells whether the key was made with protection against a man in the middle.
	Authenticated bool
	// SecureConnections tells whether the key was made by LE Secure Connections.
	SecureConnections bool
	// KeySize is the encryption key's size in octets, 7 to 16; 0 on a plain link.
	KeySize int
}
