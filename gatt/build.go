package gatt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/jelling-ble/jelling/att"
)

// lastHandle is the largest handle there is.
const lastHandle = 0xFFFF

// What is wrong with a declaration.
var (
	errNilOrTwice = errors.New("nil, or listed twice")
	errNil        = errors.New("nil")
	errNoHandle   = errors.New("no handle is left up to 0xffff")
	errSecondCCCD = errors.New("a second Client Characteristic Configuration descriptor")
	errStranger   = errors.New("includes a service that the server does not have")
)

// A builder gives handles to declarations, beside services that have theirs.
type builder struct {
	services []*placed
}

// add places services: first those with a handle of their own, then the others, each after the one before it in the list and where there
// is room. next is the first handle to try. The first own of them are the server's own.
func (b *builder) add(services []*Service, own, next int) error {
	list := make([]*placed, len(services))
	for i, s := range services {
		p := &placed{declared: s, index: max(i+1-own, 0)}
		list[i] = p
		if s == nil || slices.Index(services, s) < i || b.find(s) != nil {
			return p.fault("", errNilOrTwice)
		}
		if s.Handle == 0 {
			continue
		}
		if err := p.place(int(s.Handle)); err != nil {
			return err
		}
		if other := b.inTheWay(p); other != nil {
			return p.fault("Handle", fmt.Errorf("0x%04x to 0x%04x, where %v has 0x%04x to 0x%04x",
				s.Handle, p.end, other.declared.UUID, other.handles().start, other.end))
		}
		b.services = append(b.services, p)
	}
	for _, p := range list {
		if p.declared.Handle == 0 {
			if err := b.placeFrom(p, next); err != nil {
				return err
			}
		}
		next = int(p.end) + 1
	}
	return b.check(list)
}

// placeFrom places a service at the first handle from next on where there is room for it, or else at the first of all.
func (b *builder) placeFrom(p *placed, next int) error {
	err := b.tryFrom(p, next)
	if errors.Is(err, errNoHandle) {
		return b.tryFrom(p, 1)
	}
	return err
}

func (b *builder) tryFrom(p *placed, next int) error {
	for {
		if err := p.place(next); err != nil {
			return err
		}
		other := b.inTheWay(p)
		if other == nil {
			b.services = append(b.services, p)
			return nil
		}
		next = int(other.end) + 1
	}
}

// find is a service that has its place, or nil.
func (b *builder) find(s *Service) *placed {
	return findPlaced(b.services, func(p *placed) bool { return p.declared == s })
}

// inTheWay is a service that has some of the handles of p, or nil.
func (b *builder) inTheWay(p *placed) *placed {
	return findPlaced(b.services, func(other *placed) bool { return other.handles().overlaps(p.handles()) })
}

func findPlaced(list []*placed, f func(*placed) bool) *placed {
	if i := slices.IndexFunc(list, f); i >= 0 {
		return list[i]
	}
	return nil
}

// check looks for characteristics that are listed twice, and fills the includes, now that every service has its place.
func (b *builder) check(list []*placed) error {
	seen := map[*Characteristic]bool{}
	for _, s := range b.services {
		for i, p := range s.published {
			if seen[p.declared] {
				e := s.fault("", errNilOrTwice)
				e.Characteristic = i + 1
				return e
			}
			seen[p.declared] = true
		}
	}
	for _, p := range list {
		if err := b.fillIncludes(p); err != nil {
			return err
		}
	}
	return nil
}

// fillIncludes tells each include declaration where its service is. Only a 16-bit UUID is told (Vol 3, Part G, 3.2).
func (b *builder) fillIncludes(p *placed) error {
	for i, included := range p.declared.Includes {
		to := b.find(included)
		if to == nil {
			return p.fault("Includes", errStranger)
		}
		value := le.AppendUint16(le.AppendUint16(nil, to.handles().start), to.end)
		if included.UUID.Len() == 2 {
			value = included.UUID.AppendTo(value)
		}
		p.attributes[1+i].value = value
	}
	return nil
}

// fault is an error about a service.
func (p *placed) fault(field string, err error) *DeclarationError {
	return &DeclarationError{Service: p.index, Field: field, Err: err}
}

// place gives handles to a service from start on: its declaration, its includes, its characteristics (Vol 3, Part G, 3.1).
func (p *placed) place(start int) error {
	s := p.declared
	p.attributes, p.published, p.next = nil, nil, start
	typ := PrimaryService
	if s.Secondary {
		typ = SecondaryService
	}
	declaration, err := p.add(0, typ, s.UUID.AppendTo(nil))
	if err != nil {
		return p.fault("Handle", err)
	}
	for range s.Includes {
		if _, err := p.add(0, Include, nil); err != nil {
			return p.fault("Includes", err)
		}
	}
	for i, ch := range s.Characteristics {
		if err := p.characteristic(ch); err != nil {
			err.Service, err.Characteristic = p.index, i+1
			return err
		}
	}
	end := p.next - 1
	if s.Handles != 0 {
		if end = start + s.Handles - 1; s.Handles < p.next-start {
			return p.fault("Handles", fmt.Errorf("%d from 0x%04x on, where 0x%04x is the last that it uses", s.Handles, start, p.next-1))
		}
		if end > lastHandle {
			return p.fault("Handles", errNoHandle)
		}
	}
	p.end = uint16(end)
	declaration.end = p.end
	return nil
}

// add appends an attribute that anyone may read. handle is its own, or 0 for the next.
func (p *placed) add(handle uint16, typ att.UUID, value []byte) (*attribute, error) {
	if handle != 0 {
		if int(handle) < p.next {
			return nil, fmt.Errorf("0x%04x, where 0x%04x is the next", handle, p.next)
		}
		p.next = int(handle)
	}
	if p.next > lastHandle {
		return nil, errNoHandle
	}
	a := &attribute{
		handle: uint16(p.next),
		end:    uint16(p.next),
		typ:    typ,
		read:   requirement{access: Open},
		write:  requirement{access: Denied},
		maxLen: att.MaxValueLen,
		value:  bytes.Clone(value),
	}
	p.attributes = append(p.attributes, a)
	p.next++
	return a, nil
}

// characteristic adds a characteristic: declaration, value, descriptors (Vol 3, Part G, 3.3).
func (p *placed) characteristic(ch *Characteristic) *DeclarationError {
	if ch == nil {
		return &DeclarationError{Err: errNilOrTwice}
	}
	if err := checkValue(ch.Value, ch.MaxLen); err != nil {
		return err
	}
	declaration, err := p.add(ch.Handle, CharacteristicDeclaration, nil)
	if err != nil {
		return &DeclarationError{Field: "Handle", Err: err}
	}
	declaration.value = append(declaration.value, byte(ch.Properties))
	declaration.value = le.AppendUint16(declaration.value, declaration.handle+1)
	declaration.value = ch.UUID.AppendTo(declaration.value)

	value, err := p.add(0, ch.UUID, ch.Value)
	if err != nil {
		return &DeclarationError{Field: "Handle", Err: err}
	}
	c := &published{declared: ch, value: value}
	value.read, value.write, c.notify = ch.requirements()
	value.onRead, value.onWrite = ch.Read, ch.Write
	value.maxLen = maxLenOr(ch.MaxLen)
	p.published = append(p.published, c)
	list, own := ch.descriptors(p.next)
	for i, d := range list {
		if err := p.descriptor(c, d); err != nil {
			if err.Descriptor = i + 1; i >= own {
				err.Descriptor--
			}
			return err
		}
	}
	declaration.end = uint16(p.next - 1)
	return nil
}

// descriptors are those of a characteristic, from the handle next on, with a CCCD at own if it needs one that is not listed (Vol 3, Part G,
// 3.3.3). Whoever fixes the characteristic's handle knows what follows it. Where the first one listed has the very handle, the CCCD is the last.
func (c *Characteristic) descriptors(next int) (list []*Descriptor, own int) {
	tells := c.Properties&(Notify|Indicate) != 0
	if !tells || c.Handle != 0 || slices.ContainsFunc(c.Descriptors, isCCCD) {
		return c.Descriptors, len(c.Descriptors)
	}
	if len(c.Descriptors) > 0 && c.Descriptors[0] != nil && int(c.Descriptors[0].Handle) == next {
		own = len(c.Descriptors)
	}
	return slices.Insert(slices.Clone(c.Descriptors), own, &Descriptor{UUID: ClientCharacteristicConfiguration}), own
}

func isCCCD(d *Descriptor) bool { return d != nil && d.UUID == ClientCharacteristicConfiguration }

// descriptor adds one descriptor.
func (p *placed) descriptor(c *published, d *Descriptor) *DeclarationError {
	if d == nil {
		return &DeclarationError{Err: errNil}
	}
	if err := checkValue(d.Value, d.MaxLen); err != nil {
		return err
	}
	a, err := p.add(d.Handle, d.UUID, d.Value)
	if err != nil {
		return &DeclarationError{Field: "Handle", Err: err}
	}
	a.read, a.write = d.requirements()
	a.onRead, a.onWrite = d.Read, d.Write
	a.maxLen, a.descriptor = maxLenOr(d.MaxLen), true
	if !isCCCD(d) {
		return nil
	}
	if c.cccd != nil {
		return &DeclarationError{Err: errSecondCCCD}
	}
	c.configuredBy(a, d)
	return nil
}

// configuredBy makes an attribute the CCCD of a characteristic. Reading it needs nothing, writing it what the characteristic asks of
// its subscribers, unless it is declared otherwise (Vol 3, Part G, 3.3.3.3). Where the properties promise nothing, neither bit is wrong.
func (c *published) configuredBy(a *attribute, d *Descriptor) {
	a.onRead, a.onWrite, a.maxLen = nil, nil, cccdLen
	a.write = c.notify
	if d.Permissions.Write != 0 {
		a.write = requirement{access: d.Permissions.Write, keySize: d.Permissions.KeySize}
	}
	a.configures, c.cccd = c, a
	if c.declared.Properties.Has(Notify) {
		c.supported |= cccdNotify
	}
	if c.declared.Properties.Has(Indicate) {
		c.supported |= cccdIndicate
	}
	if c.supported == 0 {
		c.supported = cccdNotify | cccdIndicate
	}
}

// checkValue looks at a value to begin with, and at the longest there may be.
func checkValue(value []byte, maxLen int) *DeclarationError {
	switch {
	case maxLen < 0 || maxLen > att.MaxValueLen:
		return &DeclarationError{Field: "MaxLen", Err: fmt.Errorf("%d, want 0 to %d", maxLen, att.MaxValueLen)}
	case len(value) > att.MaxValueLen:
		return &DeclarationError{Field: "Value", Err: fmt.Errorf("%d octets, at most %d may be", len(value), att.MaxValueLen)}
	}
	return nil
}

func maxLenOr(n int) int {
	if n == 0 {
		return att.MaxValueLen
	}
	return n
}
