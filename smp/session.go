package smp

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// Session is the security of one connection. The methods that begin with Handle, and LongTermKey, are called
// by the goroutine that reads the controller, in the order of its events, and never wait.
type Session struct {
	done chan struct{}
}

// HandlePDU takes a PDU of the Security Manager's channel; it is copied.
func (s *Session) HandlePDU(pdu []byte) {}

// HandleEncryption takes the outcome of Encryption Change, or of Encryption Key Refresh Complete (refresh).
func (s *Session) HandleEncryption(status hci.Status, enabled, refresh bool) {}

// LongTermKey answers the controller's request for a key as the peripheral: ok is false for the negative reply.
func (s *Session) LongTermKey(rand [8]byte, ediv uint16) (key Key, ok bool) { return Key{}, false }

// HandleDisconnect ends the session with the reason of Disconnection Complete.
func (s *Session) HandleDisconnect(status hci.Status) {}

// Done is closed when the session has ended and all its events are delivered.
func (s *Session) Done() <-chan struct{} { return s.done }

// Secure waits until the link has the level: LevelNone at once, anything else by encrypting with the bond
// or by pairing, as the policy decides. There is one security procedure at a time on a link: who asks while it
// runs joins it. Cancelling ctx frees the caller and leaves the procedure alone.
//
// Errors: *LostBondError, *EncryptionError, *PairingError, *WaitError, *LevelError, *LinkError (errors.As);
// ErrRefusedWeaker, ErrTimeout, a Reason, an hci.Status, net.ErrClosed (errors.Is).
func (s *Session) Secure(ctx context.Context, level Level) error { return nil }

// Security is what the link has now. It changes on the goroutine that calls HandleEncryption, before that
// returns, so that it holds for every PDU that arrives afterwards.
func (s *Session) Security() Security { return Security{} }

// Record is what the store has about the peer.
func (s *Session) Record() (Record, bool) { return Record{}, false }

// Identity is the peer's identity address; its address on air until or unless that is known.
func (s *Session) Identity() hci.Address { return hci.Address{} }
