package profile

import (
	"strings"
	"time"

	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/assigned"
)

// properties are in order of the bits (Vol 3, Part G, 3.3.1.1).
var properties = []string{"broadcast", "read", "write-without-response", "write", "notify", "indicate", "signed-write", "extended"}

// permissions are what a client may do, and what that asks of its link.
var permissions = []string{
	"read", "read-encrypted", "read-authenticated", "read-sc", "write", "write-encrypted", "write-authenticated", "write-sc", "authorize",
}

// longestEvery bounds how seldom a characteristic changes by itself.
const longestEvery = 24 * time.Hour

// characteristic reads a characteristic of s.
func (p *Profile) characteristic(s *service, n node) error {
	d := &gatt.Characteristic{}
	c := &Characteristic{Declared: d, service: s}
	hasUUID := false
	var every, sequence node
	err := n.object(map[string]func(node) error{
		"id": func(n node) error { return n.identifier(&c.id) },
		"uuid": func(n node) error {
			hasUUID = true
			return n.uuid(assigned.Characteristic, &d.UUID)
		},
		"handle": func(n node) error { return n.number16(&d.Handle, 1) },
		"properties": func(n node) error {
			return n.list(func(item node) error {
				bit, err := item.oneOf(properties)
				d.Properties |= 1 << bit
				return err
			})
		},
		"permissions": func(n node) error { return n.permissions(&d.Permissions) },
		"value":       func(n node) error { return n.octets(&d.Value) },
		"descriptors": func(n node) error { return n.list(func(item node) error { return descriptor(d, item) }) },
		"every_ms": func(n node) error {
			every = n
			v, err := n.integer(1, longestEvery.Milliseconds())
			c.Every = time.Duration(v) * time.Millisecond
			return err
		},
		"sequence": func(n node) error {
			sequence = n
			return n.list(func(item node) error {
				var value []byte
				err := item.octets(&value)
				c.Sequence = append(c.Sequence, value)
				return err
			})
		},
	})
	switch {
	case err != nil:
		return err
	case !hasUUID:
		return n.fail("it has no uuid")
	case c.Sequence != nil && every.path == "":
		return sequence.fail("it needs every_ms beside it")
	}
	s.declared.Characteristics = append(s.declared.Characteristics, d)
	p.Characteristics = append(p.Characteristics, c)
	return nil
}

// descriptor reads a descriptor of c.
func descriptor(c *gatt.Characteristic, n node) error {
	d := &gatt.Descriptor{}
	hasUUID := false
	err := n.object(map[string]func(node) error{
		"uuid": func(n node) error {
			hasUUID = true
			return n.uuid(assigned.Descriptor, &d.UUID)
		},
		"handle":      func(n node) error { return n.number16(&d.Handle, 1) },
		"permissions": func(n node) error { return n.permissions(&d.Permissions) },
		"value":       func(n node) error { return n.octets(&d.Value) },
	})
	if err == nil && !hasUUID {
		err = n.fail("it has no uuid")
	}
	c.Descriptors = append(c.Descriptors, d)
	return err
}

// permissions reads what is permitted. What is not listed is denied.
func (n node) permissions(to *gatt.Permissions) error {
	authorize := false
	err := n.list(func(item node) error {
		i, err := item.oneOf(permissions)
		if err != nil {
			return err
		}
		operation, need, _ := strings.Cut(permissions[i], "-")
		switch operation {
		case "read":
			to.Read |= access(need)
		case "write":
			to.Write |= access(need)
		default:
			authorize = true
		}
		if need == "sc" {
			to.KeySize = 16 // level 4
		}
		return nil
	})
	for _, a := range []*gatt.Access{&to.Read, &to.Write} {
		switch {
		case *a == 0:
			*a = gatt.Denied
		case authorize:
			*a |= gatt.Authorized
		}
	}
	return err
}

// access is what a suffix asks of the link (Vol 3, Part C, 10.2.1).
func access(need string) gatt.Access {
	switch need {
	case "encrypted":
		return gatt.Encrypted
	case "authenticated":
		return gatt.Authenticated
	case "sc":
		return gatt.Authenticated | gatt.SecureConnections
	}
	return gatt.Open
}
