package gatt

import "github.com/jelling-ble/jelling/att"

// needsEncryption are the requirements that only an encrypted link can meet.
const needsEncryption = Encrypted | Authenticated | SecureConnections

// A requirement is what one operation on one attribute asks of the link.
type requirement struct {
	access  Access
	keySize int // octets
}

// refusal is nil if a link with this security may do the operation, and else the reason why it may not (Vol 3, Part C, 10.3.1).
// denied is the reason for what no link may do. Authorization is not looked at.
func (r requirement) refusal(sec att.Security, hasKey func() bool, denied att.ErrorCode) error {
	switch {
	case r.access&Denied != 0:
		return denied
	case r.access&needsEncryption == 0:
		return nil
	case !sec.Encrypted && hasKey != nil && hasKey():
		return att.ErrInsufficientEncryption
	case !sec.Encrypted,
		r.access&Authenticated != 0 && !sec.Authenticated,
		r.access&SecureConnections != 0 && !sec.SecureConnections:
		return att.ErrInsufficientAuthentication
	case sec.KeySize < r.keySize:
		return att.ErrEncryptionKeySizeTooShort
	}
	return nil
}

// or is a, or what it is if nothing is declared.
func (a Access) or(otherwise Access) Access {
	if a == 0 {
		return otherwise
	}
	return a
}

// openIf is Open or Denied.
func openIf(open bool) Access {
	if open {
		return Open
	}
	return Denied
}

// requirements are those of a characteristic's value and of its CCCD, with what follows from the properties.
func (c *Characteristic) requirements() (read, write, notify requirement) {
	p := c.Permissions
	read.access = p.Read.or(openIf(c.Properties.Has(Read)))
	write.access = p.Write.or(openIf(c.Properties&(Write|WriteWithoutResponse|AuthenticatedSignedWrites) != 0))
	follows := read.access
	if follows&Denied != 0 {
		follows = Open
	}
	notify.access = p.Notify.or(follows)
	read.keySize, write.keySize, notify.keySize = p.KeySize, p.KeySize, p.KeySize
	return read, write, notify
}

// requirements are those of a descriptor.
func (d *Descriptor) requirements() (read, write requirement) {
	p := d.Permissions
	read.access = p.Read.or(Open)
	write.access = p.Write.or(openIf(d.Write != nil))
	read.keySize, write.keySize = p.KeySize, p.KeySize
	return read, write
}
