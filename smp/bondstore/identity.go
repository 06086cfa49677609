package bondstore

import (
	"fmt"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// identity is who the host itself is. It only grows: what is in it is never changed, unless nobody was told.
type identity struct {
	static hci.Address // zero until it is asked for
	irks   map[hci.Address]smp.Key
}

// identityFile is an identity as its file has it.
type identityFile struct {
	header
	identityText
}

type identityText struct {
	Static *hci.Address            `json:"static_address,omitempty"`
	IRKs   map[hci.Address]keyText `json:"irks,omitempty"`
}

func (id identity) isZero() bool { return id.static.IsZero() && len(id.irks) == 0 }

// join adds what id lacks and has precedence over it: what is on disk was told to peers earlier.
func (id *identity) join(older identity) {
	if !older.static.IsZero() {
		id.static = older.static
	}
	for local, irk := range older.irks {
		id.setIRK(local, irk)
	}
}

func (id *identity) setIRK(local hci.Address, irk smp.Key) {
	if id.irks == nil {
		id.irks = map[hci.Address]smp.Key{}
	}
	id.irks[local] = irk
}

// marshalIdentity is the text of an identity's file.
func marshalIdentity(id identity) ([]byte, error) {
	return seal(identityFile{header{version, byteOrder}, textOf(id)})
}

func textOf(id identity) (t identityText) {
	if !id.static.IsZero() {
		t.Static = &id.static
	}
	for local, irk := range id.irks {
		if t.IRKs == nil {
			t.IRKs = map[hci.Address]keyText{}
		}
		t.IRKs[local] = keyText(irk)
	}
	return t
}

// unmarshalIdentity reads identity.json.
func unmarshalIdentity(text []byte) (identity, error) {
	var f identityFile
	if err := unseal(text, &f); err != nil {
		return identity{}, err
	}
	return f.identity()
}

// identity is what the text says.
func (t *identityText) identity() (id identity, err error) {
	if t.Static != nil {
		if id.static = *t.Static; !id.static.IsStatic() || !id.static.IsIdentity() {
			return identity{}, fmt.Errorf("%w: %s is no static address", ErrDamaged, id.static.Text())
		}
	}
	for local, irk := range t.IRKs {
		if smp.Key(irk).IsZero() {
			return identity{}, fmt.Errorf("%w: no key for %s", ErrDamaged, local.Text())
		}
		id.setIRK(local, smp.Key(irk))
	}
	return id, nil
}

// newStatic makes a static random address: the two highest bits are ones, the others random and neither all
// zeros nor all ones (Vol 6, Part B, 1.3.2.1).
func newStatic(random func([]byte)) hci.Address {
	a := hci.Address{Type: hci.Random}
	random(a.Octets[:])
	a.Octets[5] |= 0xC0
	if !a.IsIdentity() {
		a.Octets[0] ^= 1
	}
	return a
}

// newIRK makes an identity resolving key, of which zeros would mean that there is none.
func newIRK(random func([]byte)) (irk smp.Key) {
	random(irk[:])
	if irk.IsZero() {
		irk[0] = 1
	}
	return irk
}
