package gatt

import (
	"slices"

	"github.com/jelling-ble/jelling/att"
)

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
	configures  *published // whose CCCD it is, or nil
	descriptor  bool       // of a characteristic
}

// A published is a characteristic in the database.
type published struct {
	declared  *Characteristic
	value     *attribute
	cccd      *attribute // or nil
	supported uint16     // bits of the configuration
	notify    requirement
}

// A placed is a service in the database.
type placed struct {
	declared   *Service
	index      int // for errors: which of the services, from 1
	attributes []*attribute
	published  []*published
	end        uint16
	next       int // while it is placed: the next handle
}

// handles is where the service lies.
func (p *placed) handles() handleRange { return handleRange{p.attributes[0].handle, p.end} }

// A handleRange is the first and the last of some handles.
type handleRange struct{ start, end uint16 }

// union is the smallest range that holds both; a zero range holds nothing.
func (r handleRange) union(other handleRange) handleRange {
	switch (handleRange{}) {
	case r:
		return other
	case other:
		return r
	}
	return handleRange{min(r.start, other.start), max(r.end, other.end)}
}

// overlaps tells whether a handle is in both.
func (r handleRange) overlaps(other handleRange) bool {
	return r.start <= other.end && other.start <= r.end
}

// A database is the attributes in order of handle, and what points into them. It does not change after it has been built, but for
// the attributes' values; another takes its place, with the attributes that stay.
type database struct {
	attributes []*attribute
	services   []*placed // in order of handle
	published  map[*Characteristic]*published
	hash       [hashLen]byte
}

// newDatabase puts services together that have their places.
func newDatabase(services []*placed) *database {
	db := &database{services: services, published: map[*Characteristic]*published{}}
	slices.SortFunc(db.services, func(a, b *placed) int { return int(a.handles().start) - int(b.handles().start) })
	for _, s := range db.services {
		db.attributes = append(db.attributes, s.attributes...)
		for _, p := range s.published {
			db.published[p.declared] = p
		}
	}
	db.hash = db.computeHash()
	return db
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

// service is where a declaration has become a part of the database, or nil.
func (db *database) service(s *Service) *placed {
	return findPlaced(db.services, func(p *placed) bool { return p.declared == s })
}
