package virtual

import "github.com/jelling-ble/jelling/hci"

// A family is the commands for advertising, scanning and initiating that a host keeps to between two resets.
type family uint8

const (
	neutral family = iota
	legacyFamily
	extendedFamily
)

// inFamily tells whether the host may still use a command: one of the other family than it began with is refused (Vol 4,
// Part E, 3.1.1).
func (c *Controller) inFamily(of family) bool {
	if of == neutral || c.family == of {
		return true
	}
	if c.family != neutral {
		return false
	}
	c.family = of
	return true
}

// extendedFeature is what a controller has to have for the extended family.
const extendedFeature = hci.FeatureLEExtendedAdvertising
