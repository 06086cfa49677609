package smp

import "fmt"

// Override is where the policy for one peer differs from its host's. What is nil, zero or false does not. It is
// kept with the peer's record, whether that has a bond or not.
type Override struct {
	Bonding           *Bonding
	LostBond          *LostBond
	SecureConnections *SecureConnections
	MinLevel          *Level
	MinKeySize        int  // octets, 7 to 16
	MaxKeySize        int  // octets, 7 to 16
	AllowWeaker       bool // for one pairing: it is taken back when that is complete
}

// IsZero tells an override of nothing.
func (o Override) IsZero() bool { return o == Override{} }

// Apply is the policy for the peer.
func (o Override) Apply(host Policy) Policy {
	replace(&host.Bonding, o.Bonding)
	replace(&host.LostBond, o.LostBond)
	replace(&host.SecureConnections, o.SecureConnections)
	replace(&host.MinLevel, o.MinLevel)
	if o.MinKeySize != 0 {
		host.MinKeySize = o.MinKeySize
	}
	if o.MaxKeySize != 0 {
		host.MaxKeySize = o.MaxKeySize
	}
	host.AllowWeaker = host.AllowWeaker || o.AllowWeaker
	return host
}

func replace[T any](to, with *T) {
	if with != nil {
		*to = *with
	}
}

// Check tells what is wrong with an override by itself, nil if nothing is.
func (o Override) Check() error {
	p := o.Apply(Policy{})
	switch {
	case int(p.Bonding) >= len(bondingNames):
		return fmt.Errorf("%v is none", p.Bonding)
	case int(p.LostBond) >= len(lostBondNames):
		return fmt.Errorf("%v is none", p.LostBond)
	case int(p.SecureConnections) >= len(secureConnectionsNames):
		return fmt.Errorf("%v is none", p.SecureConnections)
	}
	return p.check()
}

// used is what is left of an override when a pairing is complete.
func (o Override) used() Override {
	o.AllowWeaker = false
	return o
}

func (o Override) clone() Override {
	o.Bonding, o.LostBond = copyOf(o.Bonding), copyOf(o.LostBond)
	o.SecureConnections, o.MinLevel = copyOf(o.SecureConnections), copyOf(o.MinLevel)
	return o
}
