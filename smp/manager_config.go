package smp

import (
	"crypto/ecdh"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
)

// Pairable says who may pair with us as the initiator.
type Pairable uint8

const (
	PairableAlways Pairable = iota // strangers may
	PairableOff                    // only who is bonded already
	PairableAsk                    // strangers may if the Delegate consents
)

var pairableNames = [...]string{"always", "off", "ask"}

func (p Pairable) String() string { return nameOf(pairableNames[:], int(p), "pairable") }

// ParsePairable reads always, off or ask.
func ParsePairable(text string) (Pairable, error) {
	i, err := indexOf(pairableNames[:], text, "pairable")
	return Pairable(i), err
}

// Config is a host's part in security, one for all its connections. The zero value works.
type Config struct {
	Policy // of the host

	// Peer gives a peer its own policy, from its identity address (or its address on air where none is known)
	// and the host's policy, to which the Override in its record has been applied; it is asked when a connection begins and before each security procedure. If nil, the
	// host's policy holds for everyone. It must not wait.
	Peer func(peer hci.Address, host Policy) Policy

	// RequestNoBond makes our Security Requests, as peripheral, ask for no bond, whatever Bonding says of what
	// the central then asks for. Pulse oximeters do so.
	RequestNoBond bool

	// Pairable says what strangers may; for a time, all may by Manager.OpenPairing.
	Pairable Pairable
	// Delegate is who is asked, and shown passkeys; if nil, Headless.
	Delegate Delegate

	// InitiatorKeys and ResponderKeys are what is asked for or allowed while bonding. If both are zero, Enc
	// and ID each way.
	InitiatorKeys KeyDistribution
	ResponderKeys KeyDistribution

	Store    Store       // if nil, a MemoryStore
	Waits    WaitStore   // where waits after failed pairings survive a restart; if nil, the Store, if it is one
	Identity hci.Address // ours: public or static random
	IRK      Key         // ours, distributed to bonded peers; if zero, a random one that lasts as long as the Manager

	Random     func([]byte)                     // fills with random octets; if nil, crypto/rand
	PrivateKey func() (*ecdh.PrivateKey, error) // a fresh P-256 key for each pairing; if nil, crypto/ecdh

	// HoldKeys is how long keys that a controller hands over before it says that the link is encrypted are held; if
	// zero, they are refused as plaintext. It is for controllers on USB, where data can overtake events, and costs
	// there what it gives: for so long somebody in radio range can send keys in the peer's name.
	HoldKeys time.Duration

	// DebugKeys uses the specification's debug key pair in Secure Connections pairing, and accepts it from peers, so
	// that a sniffer can read along (Vol 3, Part H, 2.3.5.6.1). Keys made so are not authenticated, and never stored.
	DebugKeys bool

	Logger *logrus.Logger // if nil, silence
}
