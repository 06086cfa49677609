package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// ResolvingEntry is a peer as the controller is to know it. It prints without the keys.
type ResolvingEntry struct {
	Peer hci.Address // its identity address
	// PeerIRK resolves the peer's private addresses; LocalIRK those that it directs advertising to, and, while
	// OwnAddress is a private one, makes ours towards it. Zero is none.
	PeerIRK, LocalIRK [16]byte
	// Network is network privacy mode: a peer with an IRK is not heard under its identity address, which anybody
	// can use. If false, it is.
	Network bool
}

// Format implements fmt.Formatter and hides the keys.
func (e ResolvingEntry) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.Peer.Text()) }

// resolving is what the controller's resolving list holds.
type resolving struct {
	wanted  []ResolvingEntry // the last
	entries []ResolvingEntry // those of wanted that it took
	unknown bool             // a change failed half-way
	enabled bool
}

// The least and the most that a controller keeps a private address of its own (Vol 4, Part E, 7.8.45).
const (
	minPrivateTimeout = time.Second
	maxPrivateTimeout = time.Hour
)

// CanResolve tells whether the controller has a resolving list of use: without device privacy mode, which came later,
// a peer that goes by its identity address would be lost.
func (c *Controller) CanResolve() bool { return c.info.ResolvingList > 0 }

// readResolvingListSize asks a controller that has all of privacy how long its list is.
func (c *Controller) readResolvingListSize(ctx context.Context) error {
	for _, op := range []hci.Opcode{hci.OpLEAddDeviceToResolvingList, hci.OpLERemoveDeviceFromResolvingList, hci.OpLEClearResolvingList,
		hci.OpLEReadResolvingListSize, hci.OpLESetAddressResolutionEnable, hci.OpLESetPrivacyMode} {
		if c.info.Features&hci.FeatureLLPrivacy == 0 || !c.info.Commands.Supports(op) {
			return nil
		}
	}
	return ask1(ctx, c, hci.LEReadResolvingListSize, false, func(b []byte) (int, error) {
		n, err := hci.ParseListSize(hci.OpLEReadResolvingListSize, b)
		return int(n), err
	}, &c.info.ResolvingList)()
}

// SetResolvingList makes the controller's resolving list these entries, as many as it takes, in their order, and
// tells how many that are; it resolves addresses while there is one. Scanning, advertising and initiating pause
// meanwhile, if anything changes. From then on a peer in the list is connected to, accepted and reported by its
// identity address. Without a list there, none is taken. An entry that the controller refuses is left out, and that
// is the error.
func (c *Controller) SetResolvingList(ctx context.Context, entries []ResolvingEntry) (n int, err error) {
	entries = entries[:min(len(entries), c.info.ResolvingList)]
	if !c.CanResolve() {
		return 0, nil
	}
	if n, same, err := c.hasResolvingList(ctx, entries); same || err != nil {
		return n, err
	}
	err = c.still(ctx, func() error {
		n, err = c.changeResolvingList(entries)
		return err
	})
	return n, err
}

// hasResolvingList tells how long the list is, and whether it is what it is to be.
func (c *Controller) hasResolvingList(ctx context.Context, wanted []ResolvingEntry) (n int, same bool, err error) {
	if err := c.takeRadio(ctx); err != nil {
		return 0, false, err
	}
	defer c.freeRadio()
	r := &c.resolving
	return len(r.entries), !r.unknown && r.enabled == (len(r.entries) > 0) && slices.Equal(r.wanted, wanted), nil
}

// changeResolvingList brings the list, while the controller is still, to what it is to be. What stays is left alone, so
// that the private addresses in use towards it stay too.
func (c *Controller) changeResolvingList(wanted []ResolvingEntry) (int, error) {
	r := &c.resolving
	if err := c.enableResolution(false); err != nil {
		return len(r.entries), err
	}
	defer c.setResolved()
	r.wanted = slices.Clone(wanted)
	if r.unknown {
		if _, err := c.Do(context.Background(), hci.LEClearResolvingList); err != nil {
			return 0, err
		}
		r.entries, r.unknown = nil, false
	}
	var failed error
	var kept []ResolvingEntry
	for _, e := range r.entries {
		if slices.Contains(wanted, e) {
			kept = append(kept, e)
			continue
		}
		if _, err := c.Do(context.Background(), hci.LERemoveDeviceFromResolvingList(e.Peer)); err != nil {
			r.unknown, failed = true, errors.Join(failed, err)
		}
	}
	for _, e := range wanted {
		if slices.Contains(kept, e) {
			continue
		}
		if err := c.addResolving(e); err != nil {
			failed = errors.Join(failed, fmt.Errorf("resolving list: %v: %w", e, err))
			continue
		}
		kept = append(kept, e)
	}
	r.entries = kept
	return len(r.entries), errors.Join(failed, c.enableResolution(len(r.entries) > 0))
}

// setResolved notes whom the controller resolves.
func (c *Controller) setResolved() {
	all := map[hci.Address]bool{}
	for _, e := range c.resolving.entries {
		all[e.Peer] = c.resolving.enabled
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resolved = all
}

// Resolves tells whether the peer with that identity address is in the resolving list, so that it is to be connected to
// by that, and found whatever its address on air is.
func (c *Controller) Resolves(peer hci.Address) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resolved[peer]
}

func (c *Controller) addResolving(e ResolvingEntry) error {
	ctx := context.Background() // not to be left half-way
	if _, err := c.Do(ctx, hci.LEAddDeviceToResolvingList{Peer: e.Peer, PeerIRK: e.PeerIRK, LocalIRK: e.LocalIRK}); err != nil {
		return err
	}
	if e.Network {
		return nil // which is what an entry begins with
	}
	_, err := c.Do(ctx, hci.LESetPrivacyMode{Peer: e.Peer, Mode: hci.DevicePrivacy})
	if err != nil {
		if _, again := c.Do(ctx, hci.LERemoveDeviceFromResolvingList(e.Peer)); again != nil {
			c.resolving.unknown = true
		}
	}
	return err
}

// enableResolution has the controller use its list, or not.
func (c *Controller) enableResolution(on bool) error {
	if c.resolving.enabled == on {
		return nil
	}
	_, err := c.Do(context.Background(), hci.LESetAddressResolutionEnable{Enable: on})
	if err == nil {
		c.resolving.enabled = on
		c.mu.Lock()
		c.private = on
		c.mu.Unlock()
	}
	return err
}

// SetPrivateAddressTimeout sets how long the controller keeps a private address that it makes: at least 1 s and at
// most 1 h, in whole seconds. It does nothing where the controller makes none.
func (c *Controller) SetPrivateAddressTimeout(ctx context.Context, d time.Duration) error {
	if !c.CanResolve() || !c.info.Commands.Supports(hci.OpLESetResolvablePrivateAddressTimeout) {
		return nil
	}
	d = min(max(d, minPrivateTimeout), maxPrivateTimeout)
	_, err := c.Do(ctx, hci.LESetResolvablePrivateAddressTimeout{Seconds: uint16(d / time.Second)})
	return err
}

// SetRandomAddress gives the controller a random address, which is used on air from then on. If it is a resolvable
// private one, the controller makes others by itself towards peers whose entry in the resolving list has a LocalIRK.
// Scanning, advertising and initiating pause meanwhile.
func (c *Controller) SetRandomAddress(ctx context.Context, a hci.Address) error {
	return c.still(ctx, func() error {
		if _, err := c.Do(context.WithoutCancel(ctx), hci.LESetRandomAddress{Octets: a.Octets}); err != nil {
			return err
		}
		c.setOwn(hci.Address{Type: hci.Random, Octets: a.Octets})
		return nil
	})
}

// OwnAddress is the address we use on air, but towards peers for which the controller makes one.
func (c *Controller) OwnAddress() hci.Address {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own
}

func (c *Controller) setOwn(a hci.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = a
}

// ownAddressType is Own_Address_Type of every command that has one: 2 and 3 are an address that the controller makes for
// the peer by the resolving list, and OwnAddress for everybody else (Vol 4, Part E, 7.8.5).
func (c *Controller) ownAddressType() byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := byte(c.own.Type)
	if c.private && c.own.IsResolvable() {
		kind |= 2
	}
	return kind
}
