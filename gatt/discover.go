package gatt

import (
	"context"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/att"
)

// maxDiscovered bounds what one discovery lists: services, characteristics or descriptors.
const maxDiscovered = 4096

// A RemoteService is a service of the peer's server.
type RemoteService struct {
	UUID            att.UUID
	Secondary       bool   // others include it, and it is found through them
	Handle          uint16 // its declaration
	End             uint16 // its last attribute
	Includes        []RemoteInclude
	Characteristics []RemoteCharacteristic
}

// A RemoteInclude is a service that another one includes.
type RemoteInclude struct {
	UUID   att.UUID
	Handle uint16 // of the include's declaration
	Start  uint16 // the included service's declaration
	End    uint16 // the included service's last attribute
}

// A RemoteCharacteristic is a characteristic of the peer's server.
type RemoteCharacteristic struct {
	UUID        att.UUID
	Properties  Properties
	Handle      uint16 // its declaration
	ValueHandle uint16
	End         uint16 // its last attribute; may be too large for one that was found by UUID
	Descriptors []RemoteDescriptor
}

// A RemoteDescriptor is a descriptor of the peer's server.
type RemoteDescriptor struct {
	UUID   att.UUID
	Handle uint16
}

// DiscoverServices finds all primary services, without what is in them (Vol 3, Part G, 4.4.1).
func (c *Client) DiscoverServices(ctx context.Context) ([]RemoteService, error) {
	var services []RemoteService
	err := c.walk(1, lastHandle, func(start, end uint16) (last uint16, err error) {
		var groups []att.GroupData
		err = c.secured(ctx, func() (err error) {
			groups, err = c.conn.att.ReadByGroupType(ctx, start, end, PrimaryService)
			return err
		})
		for _, g := range groups {
			uuid, err := att.ParseUUID(g.Value)
			if err != nil {
				return 0, fmt.Errorf("%w: service at 0x%04x: %w", ErrDiscovery, g.Start, err)
			}
			if services, err = addService(services, RemoteService{UUID: uuid, Handle: g.Start, End: g.End}, start); err != nil {
				return 0, err
			}
			start, last = followedBy(g.End), g.End
		}
		return last, err
	})
	return services, err
}

// DiscoverServicesByUUID finds the primary services of one kind, without what is in them (Vol 3, Part G, 4.4.2).
func (c *Client) DiscoverServicesByUUID(ctx context.Context, uuid att.UUID) ([]RemoteService, error) {
	primary, _ := PrimaryService.Uint16()
	value := uuid.AppendTo(nil)
	var services []RemoteService
	err := c.walk(1, lastHandle, func(start, end uint16) (last uint16, err error) {
		var ranges []att.HandleRange
		err = c.secured(ctx, func() (err error) {
			ranges, err = c.conn.att.FindByTypeValue(ctx, start, end, primary, value)
			return err
		})
		for _, r := range ranges {
			if services, err = addService(services, RemoteService{UUID: uuid, Handle: r.Start, End: r.End}, start); err != nil {
				return 0, err
			}
			start, last = followedBy(r.End), r.End
		}
		return last, err
	})
	return services, err
}

// addService adds a service that may begin at first.
func addService(services []RemoteService, s RemoteService, first uint16) ([]RemoteService, error) {
	switch {
	case s.Handle < first || first == 0 || s.End < s.Handle:
		return nil, fmt.Errorf("%w: a service from 0x%04x to 0x%04x where 0x%04x is the first handle left", ErrDiscovery, s.Handle, s.End, first)
	case len(services) >= maxDiscovered:
		return nil, tooMany()
	}
	return append(services, s), nil
}

// DiscoverCharacteristics finds the characteristics of a service, without their descriptors (Vol 3, Part G, 4.6.1).
func (c *Client) DiscoverCharacteristics(ctx context.Context, s RemoteService) ([]RemoteCharacteristic, error) {
	return c.characteristics(ctx, s.Handle, s.End)
}

// DiscoverIncludes finds the services that a service includes (Vol 3, Part G, 4.5.1). A UUID of 128 bits is read from the included service itself.
func (c *Client) DiscoverIncludes(ctx context.Context, s RemoteService) ([]RemoteInclude, error) {
	return c.includes(ctx, s.Handle, s.End, nil)
}

// includes finds the includes from start to end. Services that are known need not be read for their UUIDs.
func (c *Client) includes(ctx context.Context, start, end uint16, known []RemoteService) ([]RemoteInclude, error) {
	var list []RemoteInclude
	err := c.walk(start, end, func(start, end uint16) (last uint16, err error) {
		var attributes []att.AttributeData
		err = c.secured(ctx, func() (err error) {
			attributes, err = c.conn.att.ReadByType(ctx, start, end, Include)
			return err
		})
		for _, a := range attributes {
			in, err := parseInclude(a, start, end)
			if err != nil {
				return 0, err
			}
			if len(list) >= maxDiscovered {
				return 0, tooMany()
			}
			list = append(list, in)
			start, last = followedBy(a.Handle), a.Handle
		}
		return last, err
	})
	for i := range list {
		if err == nil && list[i].UUID == (att.UUID{}) {
			list[i].UUID, err = c.uuidOf(ctx, list[i].Start, known)
		}
	}
	return list, err
}

// parseInclude reads an include declaration that lies between first and end: the service's handles, and its UUID unless that has
// 128 bits (Vol 3, Part G, 3.2).
func parseInclude(a att.AttributeData, first, end uint16) (RemoteInclude, error) {
	const short, long = 4, 6
	wrong := a.Handle < first || first == 0 || a.Handle > end
	if n := len(a.Value); wrong || n != short && n != long {
		return RemoteInclude{}, fmt.Errorf("%w: an include of %d octets at 0x%04x, between 0x%04x and 0x%04x", ErrDiscovery, n, a.Handle, first, end)
	}
	in := RemoteInclude{Handle: a.Handle, Start: le.Uint16(a.Value), End: le.Uint16(a.Value[2:])}
	if in.Start == 0 || in.End < in.Start {
		return RemoteInclude{}, fmt.Errorf("%w: an include at 0x%04x of a service from 0x%04x to 0x%04x", ErrDiscovery, in.Handle, in.Start, in.End)
	}
	if len(a.Value) == long {
		in.UUID = att.UUID16(le.Uint16(a.Value[short:]))
	}
	return in, nil
}

// uuidOf is the UUID of the service at a handle.
func (c *Client) uuidOf(ctx context.Context, handle uint16, known []RemoteService) (att.UUID, error) {
	for _, s := range known {
		if s.Handle == handle {
			return s.UUID, nil
		}
	}
	var value []byte
	err := c.secured(ctx, func() (err error) {
		value, err = c.conn.att.Read(ctx, handle)
		return err
	})
	if err != nil {
		return att.UUID{}, err
	}
	uuid, err := att.ParseUUID(value)
	if err != nil {
		return att.UUID{}, fmt.Errorf("%w: service at 0x%04x: %w", ErrDiscovery, handle, err)
	}
	return uuid, nil
}

// characteristics finds the characteristics from start to end. Each ends where the next one begins.
func (c *Client) characteristics(ctx context.Context, start, end uint16) ([]RemoteCharacteristic, error) {
	var list []RemoteCharacteristic
	err := c.walk(start, end, func(start, end uint16) (last uint16, err error) {
		var attributes []att.AttributeData
		err = c.secured(ctx, func() (err error) {
			attributes, err = c.conn.att.ReadByType(ctx, start, end, CharacteristicDeclaration)
			return err
		})
		for _, a := range attributes {
			ch, err := parseCharacteristic(a, start, end)
			if err != nil {
				return 0, err
			}
			if len(list) >= maxDiscovered {
				return 0, tooMany()
			}
			if len(list) > 0 {
				list[len(list)-1].End = ch.Handle - 1
			}
			list = append(list, ch)
			start, last = followedBy(ch.ValueHandle), ch.ValueHandle
		}
		return last, err
	})
	return list, err
}

// parseCharacteristic reads a characteristic declaration that lies between first and end: properties, value handle, UUID
// (Vol 3, Part G, 3.3.1).
func parseCharacteristic(a att.AttributeData, first, end uint16) (RemoteCharacteristic, error) {
	const uuidAt = 3
	if len(a.Value) < uuidAt {
		return RemoteCharacteristic{}, fmt.Errorf("%w: characteristic at 0x%04x: declaration of %d octets", ErrDiscovery, a.Handle, len(a.Value))
	}
	uuid, err := att.ParseUUID(a.Value[uuidAt:])
	if err != nil {
		return RemoteCharacteristic{}, fmt.Errorf("%w: characteristic at 0x%04x: %w", ErrDiscovery, a.Handle, err)
	}
	ch := RemoteCharacteristic{
		UUID:        uuid,
		Properties:  Properties(a.Value[0]),
		Handle:      a.Handle,
		ValueHandle: le.Uint16(a.Value[1:]),
		End:         end,
	}
	if ch.Handle < first || first == 0 || ch.ValueHandle <= ch.Handle || ch.ValueHandle > end {
		return RemoteCharacteristic{}, fmt.Errorf("%w: a characteristic at 0x%04x with its value at 0x%04x, between 0x%04x and 0x%04x",
			ErrDiscovery, ch.Handle, ch.ValueHandle, first, end)
	}
	return ch, nil
}

// DiscoverDescriptors finds the descriptors of a characteristic (Vol 3, Part G, 4.7.1). It stops at a declaration, so that an End too large
// does no harm.
func (c *Client) DiscoverDescriptors(ctx context.Context, ch RemoteCharacteristic) ([]RemoteDescriptor, error) {
	var list []RemoteDescriptor
	if ch.ValueHandle >= ch.End {
		return nil, nil
	}
	err := c.walk(ch.ValueHandle+1, ch.End, func(start, end uint16) (last uint16, err error) {
		var found []att.Information
		err = c.secured(ctx, func() (err error) {
			found, err = c.conn.att.FindInformation(ctx, start, end)
			return err
		})
		for _, i := range found {
			switch {
			case i.Handle < start || start == 0 || i.Handle > end:
				return 0, fmt.Errorf("%w: a descriptor at 0x%04x, between 0x%04x and 0x%04x", ErrDiscovery, i.Handle, start, end)
			case isDeclaration(i.Type):
				return end, nil
			case len(list) >= maxDiscovered:
				return 0, tooMany()
			}
			list = append(list, RemoteDescriptor{UUID: i.Type, Handle: i.Handle})
			start, last = followedBy(i.Handle), i.Handle
		}
		return last, err
	})
	return list, err
}

// isDeclaration tells whether an attribute of this type begins something new.
func isDeclaration(uuid att.UUID) bool {
	return uuid == PrimaryService || uuid == SecondaryService || uuid == Include || uuid == CharacteristicDeclaration
}

// walk calls step for what is left of a range of handles until the server says that nothing is. step returns the last handle it has
// seen; it lies in the range, so that a server can't go on for ever.
func (c *Client) walk(start, end uint16, step func(start, end uint16) (last uint16, err error)) error {
	for start != 0 && start <= end {
		last, err := step(start, end)
		if errors.Is(err, att.ErrAttributeNotFound) && isRefusal(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if last < start {
			return fmt.Errorf("%w: nothing new after 0x%04x", ErrDiscovery, start)
		}
		start = followedBy(last)
	}
	return nil
}

// followedBy is the handle after h; 0 if there is none.
func followedBy(h uint16) uint16 { return h + 1 }

func tooMany() error { return fmt.Errorf("%w: more than %d of one kind", ErrDiscovery, maxDiscovered) }
