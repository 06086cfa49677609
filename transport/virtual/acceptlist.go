package virtual

import (
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

var acceptListCommands = map[hci.Opcode]command{
	hci.OpLEReadFilterAcceptListSize:         {length: 0, octet: 26, bit: 6, complete: (*Controller).readAcceptListSize},
	hci.OpLEClearFilterAcceptList:            {length: 0, octet: 26, bit: 7, complete: (*Controller).clearAcceptList},
	hci.OpLEAddDeviceToFilterAcceptList:      {length: 7, octet: 27, bit: 0, complete: (*Controller).addToAcceptList},
	hci.OpLERemoveDeviceFromFilterAcceptList: {length: 7, octet: 27, bit: 1, complete: (*Controller).removeFromAcceptList},
}

// anonymous is the address type of advertisements without an address, which legacy ones never are.
const anonymous = 0xFF

func (c *Controller) readAcceptListSize(_, r []byte) ([]byte, hci.Status) {
	return append(r, byte(c.config.AcceptListSize)), hci.Success
}

// acceptListInUse tells whether the list must not change (Vol 4, Part E, 7.8.15).
func (c *Controller) acceptListInUse() bool {
	return c.advertises(func(v *advertiser) bool { return v.FilterPolicy != 0 }) ||
		c.scanner.on && c.scanner.FilterPolicy&1 != 0 ||
		c.initiator.on && c.initiator.UseAcceptList
}

func (c *Controller) clearAcceptList(_, r []byte) ([]byte, hci.Status) {
	if c.acceptListInUse() {
		return r, hci.CommandDisallowed
	}
	c.accept = nil
	return r, hci.Success
}

// acceptEntry reads the parameters of the commands that change the list, and says whether they may. Anonymous has
// no address, and nothing that this radio knows matches it.
func (c *Controller) acceptEntry(p []byte) (hci.Address, hci.Status) {
	switch {
	case c.acceptListInUse():
		return hci.Address{}, hci.CommandDisallowed
	case p[0] == anonymous:
		return hci.Address{Type: anonymous}, hci.Success
	case p[0] > 1:
		return hci.Address{}, hci.InvalidHCICommandParameters
	}
	return hci.Address{Type: hci.AddressType(p[0]), Octets: [6]byte(p[1:7])}, hci.Success
}

func (c *Controller) addToAcceptList(p, r []byte) ([]byte, hci.Status) {
	a, status := c.acceptEntry(p)
	switch {
	case status != hci.Success || c.accepts(a):
		return r, status
	case len(c.accept) >= c.config.AcceptListSize:
		return r, hci.MemoryCapacityExceeded
	}
	c.accept = append(c.accept, a)
	return r, hci.Success
}

func (c *Controller) removeFromAcceptList(p, r []byte) ([]byte, hci.Status) {
	a, status := c.acceptEntry(p)
	if status == hci.Success {
		c.accept = slices.DeleteFunc(c.accept, func(b hci.Address) bool { return a == b })
	}
	return r, status
}

// accepts tells whether the list holds the device.
func (c *Controller) accepts(a hci.Address) bool { return slices.Contains(c.accept, a) }
