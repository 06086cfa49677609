package profile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/assigned"
)

const (
	maxName = 248 // octets of a device name (Vol 3, Part C, 12.1)
	minMTU  = 23
	maxMTU  = 517
)

// Securities are the words of Profile.Security.
var Securities = []string{"none", "encrypted", "authenticated", "sc"}

// A Profile is a peripheral as a file has it.
type Profile struct {
	Name       string
	Appearance uint16
	MTU        int    // what the server answers to an MTU request, in octets, 23 to 517
	Builtin    bool   // the GAP and GATT services come by themselves
	Security   string // what the peripheral asks of every link: one of Securities
	Advertise  Advertise
	// Characteristics of all services, in the order of the file.
	Characteristics []*Characteristic

	services []*service
}

// Advertise is what a peripheral advertises beside its name and appearance.
type Advertise struct {
	Services     []att.UUID
	Manufacturer []byte        // company identifier, least significant octet first, and data; nil for none
	Interval     time.Duration // 0 if the file does not say
}

// A Characteristic is one of a profile.
type Characteristic struct {
	Declared *gatt.Characteristic
	Every    time.Duration // between changes by itself; 0 for none
	Sequence [][]byte      // the values it takes, again and again; without any, it is told as it is

	service *service
	id      string
}

// A service is one of a profile, with what others call it by.
type service struct {
	declared *gatt.Service
	id       string
	includes []node
}

// Parse reads a file. An error is an [*Error].
func Parse(text []byte) (*Profile, error) {
	root, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	p := &Profile{MTU: maxMTU, Builtin: true, Security: Securities[0]}
	err = root.object(map[string]func(node) error{
		"name":       func(n node) error { return n.name(&p.Name) },
		"appearance": func(n node) error { return n.number16(&p.Appearance, 0) },
		"mtu": func(n node) error {
			v, err := n.integer(minMTU, maxMTU)
			p.MTU = int(v)
			return err
		},
		"builtin": func(n node) error { return n.boolean(&p.Builtin) },
		"security": func(n node) error {
			i, err := n.oneOf(Securities)
			p.Security = Securities[i]
			return err
		},
		"advertise": func(n node) error { return p.Advertise.read(n) },
		"services":  func(n node) error { return n.list(p.service) },
	})
	if err == nil {
		err = p.resolveIncludes()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// name reads a device name.
func (n node) name(to *string) error {
	if err := n.text(to); err != nil {
		return err
	}
	if len(*to) > maxName {
		return n.fail("%d octets, at most %d may be", len(*to), maxName)
	}
	return nil
}

// number16 reads a number of 16 bits, or the text of one, such as "0x0020".
func (n node) number16(to *uint16, low int64) error {
	if s, ok := n.value.(string); ok {
		v, err := ParseHandle(s)
		if err != nil || int64(v) < low {
			return n.fail("%q, want a number from %d to 65535, or text such as \"0x0020\"", shorten(s), low)
		}
		*to = v
		return nil
	}
	v, err := n.integer(low, 0xFFFF)
	*to = uint16(v)
	return err
}

// ParseHandle reads a handle, or another number of 16 bits: "32", "0x0020" or "0020". With a zero before it, a number is hexadecimal.
func ParseHandle(text string) (uint16, error) {
	base := 10
	if digits, hex := strings.CutPrefix(strings.ToLower(text), "0x"); hex {
		text, base = digits, 16
	} else if len(text) > 1 && text[0] == '0' {
		base = 16
	}
	v, err := strconv.ParseUint(text, base, 16)
	if err != nil {
		return 0, fmt.Errorf("profile: handle %q: want a number up to 65535, or 0x0020", shorten(text))
	}
	return uint16(v), nil
}

// uuid reads a UUID by number or name.
func (n node) uuid(kind assigned.Kind, to *att.UUID) error {
	var s string
	err := n.text(&s)
	if err == nil {
		if *to, err = assigned.UUID(kind, s); err != nil {
			err = &Error{n.path, err}
		}
	}
	return err
}

// identifier reads what others call a service or characteristic by.
func (n node) identifier(to *string) error {
	if err := n.text(to); err != nil {
		return err
	}
	if *to == "" || strings.ContainsAny(*to, ". \t\r\n") {
		return n.fail("%q, want a word without dots and spaces", shorten(*to))
	}
	return nil
}

func (a *Advertise) read(n node) error {
	return n.object(map[string]func(node) error{
		"services": func(n node) error {
			return n.list(func(item node) error {
				var uuid att.UUID
				err := item.uuid(assigned.Service, &uuid)
				a.Services = append(a.Services, uuid)
				return err
			})
		},
		"manufacturer": a.manufacturer,
		"interval_ms": func(n node) error {
			v, err := n.integer(20, 10240)
			a.Interval = time.Duration(v) * time.Millisecond
			return err
		},
	})
}

func (a *Advertise) manufacturer(n node) error {
	var id uint16
	var data []byte
	hasID := false
	err := n.object(map[string]func(node) error{
		"id": func(n node) error {
			hasID = true
			return n.number16(&id, 0)
		},
		"hex": func(n node) error {
			var text string
			err := n.text(&text)
			if err == nil {
				if data, err = ParseValue("hex", text); err != nil {
					err = &Error{n.path, err}
				}
			}
			return err
		},
	})
	if err == nil && !hasID {
		err = n.fail("it has no id")
	}
	a.Manufacturer = append([]byte{byte(id), byte(id >> 8)}, data...)
	return err
}

// service reads a service.
func (p *Profile) service(n node) error {
	s := &service{declared: &gatt.Service{}}
	primary, hasUUID := true, false
	err := n.object(map[string]func(node) error{
		"id": func(n node) error {
			if err := n.identifier(&s.id); err != nil {
				return err
			}
			if slices.ContainsFunc(p.services, func(other *service) bool { return other.id == s.id }) {
				return n.fail("%q is another service", s.id)
			}
			return nil
		},
		"uuid": func(n node) error {
			hasUUID = true
			return n.uuid(assigned.Service, &s.declared.UUID)
		},
		"primary": func(n node) error { return n.boolean(&primary) },
		"handle":  func(n node) error { return n.number16(&s.declared.Handle, 1) },
		"handles": func(n node) error {
			v, err := n.integer(1, 0xFFFF)
			s.declared.Handles = int(v)
			return err
		},
		"includes": func(n node) error {
			s.includes = n.items
			return n.list(func(node) error { return nil })
		},
		"characteristics": func(n node) error {
			return n.list(func(item node) error { return p.characteristic(s, item) })
		},
	})
	switch {
	case err != nil:
		return err
	case !hasUUID:
		return n.fail("it has no uuid")
	}
	s.declared.Secondary = !primary
	p.services = append(p.services, s)
	return nil
}

// resolveIncludes finds the services that others include, which may come later in the file.
func (p *Profile) resolveIncludes() error {
	for _, s := range p.services {
		for _, n := range s.includes {
			included, err := p.included(n)
			if err != nil {
				return err
			}
			if included == s {
				return n.fail("it includes itself")
			}
			s.declared.Includes = append(s.declared.Includes, included.declared)
		}
	}
	return nil
}

// included is the service with an id, or the only one with a UUID.
func (p *Profile) included(n node) (found *service, err error) {
	var name string
	if err := n.text(&name); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(p.services, func(s *service) bool { return s.id == name && name != "" }); i >= 0 {
		return p.services[i], nil
	}
	for _, s := range p.services {
		if !isUUID(assigned.Service, name, s.declared.UUID) {
			continue
		}
		if found != nil {
			return nil, n.fail("several services are %q: give one an id", shorten(name))
		}
		found = s
	}
	if found == nil {
		return nil, n.fail("no service has the id %q", shorten(name))
	}
	return found, nil
}

// NewServer makes the server of the profile. Name, Appearance, Bare and Services of cfg are set; the rest is the caller's. An error about the
// database is an [*Error] with the path of the key.
func (p *Profile) NewServer(cfg gatt.ServerConfig) (*gatt.Server, error) {
	cfg.Name, cfg.Appearance, cfg.Bare, cfg.Services = p.Name, p.Appearance, !p.Builtin, nil
	for _, s := range p.services {
		cfg.Services = append(cfg.Services, s.declared)
	}
	server, err := gatt.NewServer(cfg)
	var wrong *gatt.DeclarationError
	if errors.As(err, &wrong) {
		return nil, &Error{pathOf(wrong), wrong.Err}
	}
	return server, err
}

// pathOf is where in the file a declaration stands.
func pathOf(e *gatt.DeclarationError) string {
	if e.Service == 0 {
		return "builtin"
	}
	path := fmt.Sprintf("services[%d]", e.Service-1)
	if e.Characteristic > 0 {
		path += fmt.Sprintf(".characteristics[%d]", e.Characteristic-1)
	}
	if e.Descriptor > 0 {
		path += fmt.Sprintf(".descriptors[%d]", e.Descriptor-1)
	}
	if e.Field != "" {
		path += "." + strings.ToLower(e.Field)
	}
	return path
}

// Find is the characteristic with a name: that of its service, a dot, and its own. A service's name is its id or its UUID, and so is a
// characteristic's, which may also be the assigned one.
func (p *Profile) Find(name string) (*Characteristic, error) {
	of, own, ok := strings.Cut(name, ".")
	if !ok {
		return nil, fmt.Errorf("profile: %q: want a service, a dot and a characteristic, as in hr.2a37", shorten(name))
	}
	var found *Characteristic
	for _, c := range p.Characteristics {
		if !c.service.called(of) || !c.called(own) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("profile: several characteristics are called %q: give the handle of one, or an id", shorten(name))
		}
		found = c
	}
	if found == nil {
		return nil, fmt.Errorf("profile: no characteristic is called %q", shorten(name))
	}
	return found, nil
}

func (s *service) called(name string) bool {
	return name != "" && s.id == name || isUUID(assigned.Service, name, s.declared.UUID)
}

func (c *Characteristic) called(name string) bool {
	return name != "" && c.id == name || isUUID(assigned.Characteristic, name, c.Declared.UUID)
}

func isUUID(kind assigned.Kind, name string, uuid att.UUID) bool {
	u, err := assigned.UUID(kind, name)
	return err == nil && u == uuid
}

// Name is what Find calls the characteristic by.
func (c *Characteristic) Name() string {
	of, own := c.service.id, c.id
	if of == "" {
		of = c.service.declared.UUID.String()
	}
	if own == "" {
		own = c.Declared.UUID.String()
	}
	return of + "." + own
}
