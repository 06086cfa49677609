package gatt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/jelling-ble/jelling/att"
)

// noCCCD is the index of the CCCD of a characteristic without one.
const noCCCD = -1

// An attribute is one line of the database. Only its value changes, under the server's lock.
type attribute struct {
	handle      uint16
	end         uint16 // the last handle of its group; its own if it begins none
	typ         att.UUID
	read, write requirement
	maxLen      int
	value       []byte
	onRead      ReadFunc
	onWrite     WriteFunc
	cccd        int // which of each client's configurations it is, or noCCCD
}

// A published is a characteristic in the database.
type published struct {
	declared  *Characteristic
	value     *attribute
	cccd      int // index, or noCCCD
	cccdAt    uint16
	supported uint16 // bits of the configuration
	notify    requirement
}

// A database is the attributes in order of handle, and what points into them. It does not change after it has been built, but for
// the attributes' values.
type database struct {
	attributes []*attribute
	published  map[*Characteristic]*published
	cccds      []*published // by index
}

// A builder gives handles to declarations.
type builder struct {
	db       *database
	services map[*Service]*attribute
}

// newDatabase builds a database of services.
func newDatabase(services []*Service) (*database, error) {
	b := builder{
		db:       &database{published: map[*Characteristic]*published{}},
		services: map[*Service]*attribute{},
	}
	for i, s := range services {
		if err := b.service(s); err != nil {
			return nil, fmt.Errorf("gatt: service %d: %w", i+1, err)
		}
	}
	if err := b.fillIncludes(services); err != nil {
		return nil, err
	}
	return b.db, nil
}

// add appends an attribute that anyone may read, and gives it the next handle.
func (b *builder) add(typ att.UUID, value []byte) (*attribute, error) {
	n := len(b.db.attributes) + 1
	if n > lastHandle {
		return nil, fmt.Errorf("more than %d attributes", lastHandle)
	}
	if len(value) > att.MaxValueLen {
		return nil, fmt.Errorf("a value of %d octets, at most %d may be", len(value), att.MaxValueLen)
	}
	a := &attribute{
		handle: uint16(n),
		end:    uint16(n),
		typ:    typ,
		read:   requirement{access: Open},
		write:  requirement{access: Denied},
		maxLen: att.MaxValueLen,
		value:  bytes.Clone(value),
		cccd:   noCCCD,
	}
	b.db.attributes = append(b.db.attributes, a)
	return a, nil
}

// last is the last handle so far.
func (b *builder) last() uint16 { return uint16(len(b.db.attributes)) }

// service adds a service. Its includes get their values when every service has its handles (Vol 3, Part G, 3.1, 3.2).
func (b *builder) service(s *Service) error {
	if s == nil || b.services[s] != nil {
		return errors.New("nil, or listed twice")
	}
	typ := PrimaryService
	if s.Secondary {
		typ = SecondaryService
	}
	declaration, err := b.add(typ, s.UUID.AppendTo(nil))
	if err != nil {
		return err
	}
	b.services[s] = declaration
	for range s.Includes {
		if _, err := b.add(Include, nil); err != nil {
			return err
		}
	}
	for i, ch := range s.Characteristics {
		if err := b.characteristic(ch); err != nil {
			return fmt.Errorf("%v: characteristic %d: %w", s.UUID, i+1, err)
		}
	}
	declaration.end = b.last()
	return nil
}

// fillIncludes tells each include declaration where its service is. Only a 16-bit UUID is told (Vol 3, Part G, 3.2).
func (b *builder) fillIncludes(services []*Service) error {
	for _, s := range services {
		for i, included := range s.Includes {
			to := b.services[included]
			if to == nil {
				return fmt.Errorf("gatt: service %v includes a service that the server does not have", s.UUID)
			}
			value := le.AppendUint16(le.AppendUint16(nil, to.handle), to.end)
			if included.UUID.Len() == 2 {
				value = included.UUID.AppendTo(value)
			}
			b.db.attributes[int(b.services[s].handle)+i].value = value
		}
	}
	return nil
}

// characteristic adds a characteristic: declaration, value, descriptors (Vol 3, Part G, 3.3).
func (b *builder) characteristic(ch *Characteristic) error {
	if ch == nil || b.db.published[ch] != nil {
		return errors.New("nil, or listed twice")
	}
	if err := checkMaxLen(ch.MaxLen); err != nil {
		return fmt.Errorf("%v: %w", ch.UUID, err)
	}
	declaration, err := b.add(CharacteristicDeclaration, nil)
	if err != nil {
		return err
	}
	declaration.value = append(declaration.value, byte(ch.Properties))
	declaration.value = le.AppendUint16(declaration.value, declaration.handle+1)
	declaration.value = ch.UUID.AppendTo(declaration.value)

	value, err := b.add(ch.UUID, ch.Value)
	if err != nil {
		return fmt.Errorf("%v: %w", ch.UUID, err)
	}
	p := &published{declared: ch, value: value, cccd: noCCCD}
	value.read, value.write, p.notify = ch.requirements()
	value.onRead, value.onWrite = ch.Read, ch.Write
	value.maxLen = maxLenOr(ch.MaxLen)
	b.db.published[ch] = p
	if err := b.descriptors(p); err != nil {
		return fmt.Errorf("%v: %w", ch.UUID, err)
	}
	declaration.end = b.last()
	return nil
}

// descriptors adds the descriptors of a characteristic, and a CCCD if it needs one that is not listed (Vol 3, Part G, 3.3.3).
func (b *builder) descriptors(p *published) error {
	list := p.declared.Descriptors
	tells := p.declared.Properties&(Notify|Indicate) != 0
	if tells && !slices.ContainsFunc(list, isCCCD) {
		list = slices.Insert(slices.Clone(list), 0, &Descriptor{UUID: ClientCharacteristicConfiguration})
	}
	for i, d := range list {
		if err := b.descriptor(p, d); err != nil {
			return fmt.Errorf("descriptor %d: %w", i+1, err)
		}
	}
	return nil
}

func isCCCD(d *Descriptor) bool { return d != nil && d.UUID == ClientCharacteristicConfiguration }

// descriptor adds one descriptor.
func (b *builder) descriptor(p *published, d *Descriptor) error {
	if d == nil {
		return errors.New("nil")
	}
	if err := checkMaxLen(d.MaxLen); err != nil {
		return err
	}
	a, err := b.add(d.UUID, d.Value)
	if err != nil {
		return err
	}
	a.read, a.write = d.requirements()
	a.onRead, a.onWrite = d.Read, d.Write
	a.maxLen = maxLenOr(d.MaxLen)
	if isCCCD(d) {
		return b.configuration(p, d, a)
	}
	return nil
}

// configuration makes an attribute the CCCD of a characteristic. Reading it needs nothing, writing it what the characteristic asks of
// its subscribers, unless it is declared otherwise (Vol 3, Part G, 3.3.3.3).
func (b *builder) configuration(p *published, d *Descriptor, a *attribute) error {
	if p.cccd != noCCCD {
		return errors.New("a second Client Characteristic Configuration descriptor")
	}
	a.onRead, a.onWrite, a.maxLen = nil, nil, cccdLen
	a.write = p.notify
	if d.Permissions.Write != 0 {
		a.write = requirement{access: d.Permissions.Write, keySize: d.Permissions.KeySize}
	}
	a.cccd = len(b.db.cccds)
	p.cccd, p.cccdAt = a.cccd, a.handle
	if p.declared.Properties.Has(Notify) {
		p.supported |= cccdNotify
	}
	if p.declared.Properties.Has(Indicate) {
		p.supported |= cccdIndicate
	}
	b.db.cccds = append(b.db.cccds, p)
	return nil
}

func checkMaxLen(n int) error {
	if n < 0 || n > att.MaxValueLen {
		return fmt.Errorf("MaxLen %d, want 0 to %d", n, att.MaxValueLen)
	}
	return nil
}

func maxLenOr(n int) int {
	if n == 0 {
		return att.MaxValueLen
	}
	return n
}

// at is the attribute with a handle, or nil.
func (db *database) at(handle uint16) *attribute {
	i, ok := db.index(handle)
	if !ok {
		return nil
	}
	return db.attributes[i]
}

// index is where the attribute with a handle stands, or the first after it.
func (db *database) index(handle uint16) (i int, ok bool) {
	return slices.BinarySearchFunc(db.attributes, handle, func(a *attribute, h uint16) int { return int(a.handle) - int(h) })
}

// between are the attributes from start to end.
func (db *database) between(start, end uint16) []*attribute {
	from, _ := db.index(start)
	to, ok := db.index(end)
	if ok {
		to++
	}
	return db.attributes[from:to]
}
