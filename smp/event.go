package smp

import "github.com/jelling-ble/jelling/hci"

// Event is something that a Session tells its owner. Events come in order, hold no keys, and are delivered
// from the session's goroutine: the receiver queues them and does not wait.
type Event interface{ event() }

// SecurityRequested: the peer, a peripheral, asks for security (Vol 3, Part H, 2.4.6). The session answers it.
type SecurityRequested struct {
	Bonding           bool
	MITM              bool
	SecureConnections bool
}

// Decided: the policy was asked, and this is what is done and why.
type Decided struct {
	Happened Happened
	Want     Level // of whoever asks, or of the policy at least
	Decision
	Record Record // without its keys; zero where there is none
}

// Encrypted: the link is encrypted, or its encryption was refreshed.
type Encrypted struct {
	Stored   bool // with the key of a bond; else with one that was just made
	Security Security
}

// Paired: a pairing is complete, and its keys are stored if Bonded.
type Paired struct {
	Method            Method
	Bonded            bool
	SecureConnections bool
	Authenticated     bool
	KeySize           int  // octets
	Debug             bool // with debug keys: everybody can read along
	// SamePeer: the link was encrypted with the bond that this pairing replaces, so that what is kept for the peer
	// elsewhere, its subscriptions say, holds. Otherwise it belongs to whoever had the bond before.
	SamePeer bool
}

// BondLost: the peer says that it has no key for its bond. The record is kept.
type BondLost struct {
	Status hci.Status // PIN or Key Missing
	Action Action     // what is done about it
	Why    Why
	Record Record // without its keys
}

// BondSuspect: encryption with the stored key has failed several times in a row, and not for want of a key.
type BondSuspect struct {
	Status hci.Status // of the last failure
	InARow int
	Record Record // without its keys
}

// Repaired: a lost bond was paired again. Record is what has become of it, without its keys.
type Repaired struct {
	Record Record
}

// RepairRefused: pairing again over a bond was refused by us. The bond is kept.
type RepairRefused struct {
	Why    Why
	Record Record // without its keys
}

// PairingFailed: a pairing ended without keys. What was stored before is kept.
type PairingFailed struct {
	Reason Reason // 0 when none was sent or received
	ByPeer bool
	Err    error // says all of it
}

// StoreFailed: a record is in memory but not durable.
type StoreFailed struct {
	Err error
}

func (SecurityRequested) event() {}
func (Decided) event()           {}
func (Encrypted) event()         {}
func (Paired) event()            {}
func (BondLost) event()          {}
func (BondSuspect) event()       {}
func (Repaired) event()          {}
func (RepairRefused) event()     {}
func (PairingFailed) event()     {}
func (StoreFailed) event()       {}
