package virtual

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

var resolvingCommands = map[hci.Opcode]command{
	hci.OpLEAddDeviceToResolvingList:           {length: 39, octet: 34, bit: 3, feature: hci.FeatureLLPrivacy, complete: (*Controller).addToResolvingList},
	hci.OpLERemoveDeviceFromResolvingList:      {length: 7, octet: 34, bit: 4, feature: hci.FeatureLLPrivacy, complete: (*Controller).removeFromResolvingList},
	hci.OpLEClearResolvingList:                 {length: 0, octet: 34, bit: 5, feature: hci.FeatureLLPrivacy, complete: (*Controller).clearResolvingList},
	hci.OpLEReadResolvingListSize:              {length: 0, octet: 34, bit: 6, feature: hci.FeatureLLPrivacy, complete: (*Controller).readResolvingListSize},
	hci.OpLEReadPeerResolvableAddress:          {length: 7, octet: 34, bit: 7, feature: hci.FeatureLLPrivacy, complete: (*Controller).readPeerResolvable},
	hci.OpLEReadLocalResolvableAddress:         {length: 7, octet: 35, bit: 0, feature: hci.FeatureLLPrivacy, complete: (*Controller).readLocalResolvable},
	hci.OpLESetAddressResolutionEnable:         {length: 1, octet: 35, bit: 1, feature: hci.FeatureLLPrivacy, complete: (*Controller).setResolution},
	hci.OpLESetResolvablePrivateAddressTimeout: {length: 2, octet: 35, bit: 2, feature: hci.FeatureLLPrivacy, complete: (*Controller).setPrivateTimeout},
	hci.OpLESetPrivacyMode:                     {length: 8, octet: 39, bit: 2, feature: hci.FeatureLLPrivacy, complete: (*Controller).setPrivacyMode},
}

// How long a private address that the controller makes is used: the default, and the range in seconds (Vol 4, Part E,
// 7.8.45).
const (
	defaultPrivateTimeout                = 900 * time.Second
	minPrivateTimeout, maxPrivateTimeout = 1, 3600
)

// resolving is the resolving list.
type resolving struct {
	list    []*resolvable
	enabled bool
	timeout time.Duration // if zero, the default
}

// resolvable is a device in the list.
type resolvable struct {
	peer        hci.Address // its identity
	peerIRK     [16]byte
	device      bool             // in device privacy mode
	peers, ours *btcrypto.Cipher // nil for an IRK of zeros, which is none

	local, target private // the addresses that are made: ours, and the peer's for directed advertising
	heard         [6]byte // the last that resolved to it
}

// A private address, and when it was made.
type private struct {
	octets [6]byte
	made   time.Duration
}

// onAirAtAll tells whether the controller does anything for which it may look at the list (Vol 4, Part E, 7.8.38).
func (c *Controller) onAirAtAll() bool {
	return c.advertises(func(*advertiser) bool { return true }) || c.scanner.on || c.initiator.on || c.syncAttempt.on
}

// resolvingInUse tells whether the list must not change.
func (c *Controller) resolvingInUse() bool { return c.resolving.enabled && c.onAirAtAll() }

// entry is the device in the list with that identity, or nil.
func (c *Controller) entry(peer hci.Address) *resolvable {
	for _, r := range c.resolving.list {
		if r.peer == peer {
			return r
		}
	}
	return nil
}

// identityAt reads an identity address and its type.
func identityAt(p []byte) (hci.Address, bool) {
	return hci.Address{Type: hci.AddressType(p[0]), Octets: [6]byte(p[1:7])}, p[0] <= 1
}

func (c *Controller) addToResolvingList(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLEAddDeviceToResolvingList(p)
	switch {
	case c.resolvingInUse():
		return r, hci.CommandDisallowed
	case err != nil, p[0] > 1, c.entry(q.Peer) != nil:
		return r, hci.InvalidHCICommandParameters
	case q.PeerIRK != [16]byte{} && slices.ContainsFunc(c.resolving.list, func(e *resolvable) bool { return e.peerIRK == q.PeerIRK }):
		return r, hci.InvalidHCICommandParameters
	case len(c.resolving.list) >= c.config.ResolvingListSize:
		return r, hci.MemoryCapacityExceeded
	}
	e := &resolvable{peer: q.Peer, peerIRK: q.PeerIRK}
	if q.PeerIRK != [16]byte{} {
		e.peers = btcrypto.NewCipher(q.PeerIRK)
	}
	if q.LocalIRK != [16]byte{} {
		e.ours = btcrypto.NewCipher(q.LocalIRK)
	}
	c.resolving.list = append(c.resolving.list, e)
	return r, hci.Success
}

func (c *Controller) removeFromResolvingList(p, r []byte) ([]byte, hci.Status) {
	peer, ok := identityAt(p)
	switch e := c.entry(peer); {
	case c.resolvingInUse():
		return r, hci.CommandDisallowed
	case !ok:
		return r, hci.InvalidHCICommandParameters
	case e == nil:
		return r, hci.UnknownConnectionIdentifier
	default:
		c.resolving.list = slices.DeleteFunc(c.resolving.list, func(o *resolvable) bool { return o == e })
		return r, hci.Success
	}
}

func (c *Controller) clearResolvingList(_, r []byte) ([]byte, hci.Status) {
	if c.resolvingInUse() {
		return r, hci.CommandDisallowed
	}
	c.resolving.list = nil
	return r, hci.Success
}

func (c *Controller) readResolvingListSize(_, r []byte) ([]byte, hci.Status) {
	return append(r, byte(c.config.ResolvingListSize)), hci.Success
}

// readPeerResolvable is the address that the peer was last heard under; zeros when it was not.
func (c *Controller) readPeerResolvable(p, r []byte) ([]byte, hci.Status) {
	return c.readResolvable(p, r, func(e *resolvable) [6]byte { return e.heard })
}

// readLocalResolvable is the address that is used towards the peer; zeros when none is made.
func (c *Controller) readLocalResolvable(p, r []byte) ([]byte, hci.Status) {
	return c.readResolvable(p, r, func(e *resolvable) [6]byte { return c.private(e.ours, &e.local).Octets })
}

func (c *Controller) readResolvable(p, r []byte, read func(*resolvable) [6]byte) ([]byte, hci.Status) {
	peer, ok := identityAt(p)
	e := c.entry(peer)
	octets, status := [6]byte{}, hci.Success
	switch {
	case !ok:
		status = hci.InvalidHCICommandParameters
	case e == nil:
		status = hci.UnknownConnectionIdentifier
	default:
		octets = read(e)
	}
	return append(r, octets[:]...), status
}

func (c *Controller) setResolution(p, r []byte) ([]byte, hci.Status) {
	switch {
	case p[0] > 1:
		return r, hci.InvalidHCICommandParameters
	case c.onAirAtAll():
		return r, hci.CommandDisallowed
	}
	c.resolving.enabled = p[0] == 1
	return r, hci.Success
}

func (c *Controller) setPrivateTimeout(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetResolvablePrivateAddressTimeout(p)
	if err != nil || !inRange(q.Seconds, q.Seconds, minPrivateTimeout, maxPrivateTimeout) {
		return r, hci.InvalidHCICommandParameters
	}
	c.resolving.timeout = time.Duration(q.Seconds) * time.Second
	return r, hci.Success
}

func (c *Controller) setPrivacyMode(p, r []byte) ([]byte, hci.Status) {
	peer, ok := identityAt(p)
	switch e := c.entry(peer); {
	case c.resolvingInUse():
		return r, hci.CommandDisallowed
	case !ok, p[7] > byte(hci.DevicePrivacy):
		return r, hci.InvalidHCICommandParameters
	case e == nil:
		return r, hci.UnknownConnectionIdentifier
	default:
		e.device = hci.PrivacyMode(p[7]) == hci.DevicePrivacy
		return r, hci.Success
	}
}
