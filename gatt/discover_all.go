package gatt

import (
	"context"
	"slices"

	"github.com/jelling-ble/jelling/att"
)

// Discover finds all primary services with what is in them, and the secondary services that they include. Of a server with an identity that is known
// from before it asks nothing: see [Client.SetServer].
func (c *Client) Discover(ctx context.Context) ([]RemoteService, error) {
	if c.Server() == "" {
		return c.discover(ctx)
	}
	k, err := c.learned(ctx)
	if err != nil {
		return nil, err
	}
	return k.clone(), nil
}

// FindCharacteristics finds every characteristic of one kind in the whole database (Vol 3, Part G, 4.6.2). Those of a server with an identity come with
// their descriptors, and without a request if it is known from before; others come without.
func (c *Client) FindCharacteristics(ctx context.Context, uuid att.UUID) ([]RemoteCharacteristic, error) {
	var all []RemoteCharacteristic
	if c.Server() == "" {
		var err error
		if all, err = c.characteristics(ctx, 1, lastHandle); err != nil {
			return nil, err
		}
	} else {
		services, err := c.Discover(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range services {
			all = append(all, s.Characteristics...)
		}
	}
	return slices.DeleteFunc(all, func(ch RemoteCharacteristic) bool { return ch.UUID != uuid }), nil
}

// discover asks for the whole database. Includes and characteristics are asked for across all services at once, which takes fewer requests.
func (c *Client) discover(ctx context.Context) ([]RemoteService, error) {
	services, err := c.DiscoverServices(ctx)
	if err != nil {
		return nil, err
	}
	includes, err := c.includes(ctx, 1, lastHandle, services)
	if err != nil {
		return nil, err
	}
	if services, err = addIncludes(services, includes); err != nil {
		return nil, err
	}
	characteristics, err := c.characteristics(ctx, 1, lastHandle)
	if err != nil {
		return nil, err
	}
	left := maxDiscovered
	for _, ch := range characteristics {
		s := spanning(services, ch.Handle)
		if s == nil || ch.ValueHandle > s.End {
			continue // of a secondary service that nobody includes
		}
		ch.End = min(ch.End, s.End)
		if ch.Descriptors, err = c.DiscoverDescriptors(ctx, ch); err != nil {
			return nil, err
		}
		if left -= 1 + len(ch.Descriptors); left < 0 {
			return nil, tooMany()
		}
		s.Characteristics = append(s.Characteristics, ch)
	}
	return services, nil
}

// addIncludes gives each service its includes, and adds the secondary services among them.
func addIncludes(services []RemoteService, includes []RemoteInclude) ([]RemoteService, error) {
	for _, in := range includes {
		if slices.ContainsFunc(services, func(s RemoteService) bool { return s.Handle == in.Start }) {
			continue
		}
		if len(services) >= maxDiscovered {
			return nil, tooMany()
		}
		services = append(services, RemoteService{UUID: in.UUID, Secondary: true, Handle: in.Start, End: in.End})
	}
	slices.SortFunc(services, func(a, b RemoteService) int { return int(a.Handle) - int(b.Handle) })
	for _, in := range includes {
		if s := spanning(services, in.Handle); s != nil {
			s.Includes = append(s.Includes, in)
		}
	}
	return services, nil
}

// spanning is the service that spans a handle, or nil. They are in order of handle; where a server has them overlap, the last that begins
// before the handle counts.
func spanning(services []RemoteService, handle uint16) *RemoteService {
	i, found := slices.BinarySearchFunc(services, handle, func(s RemoteService, h uint16) int { return int(s.Handle) - int(h) })
	if !found {
		i--
	}
	if i < 0 || services[i].End < handle {
		return nil
	}
	return &services[i]
}
