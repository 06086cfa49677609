package assigned

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/jelling-ble/jelling/att"
)

// A Kind is what a UUID is the type of.
type Kind uint8

// The kinds of UUID.
const (
	Service Kind = iota
	Characteristic
	Descriptor // and the declarations
)

// String is the kind's name.
func (k Kind) String() string { return [...]string{"service", "characteristic", "descriptor"}[k] }

var (
	//go:embed services.txt
	services string
	//go:embed characteristics.txt
	characteristics string
	//go:embed descriptors.txt
	descriptors string
)

// A table is the numbers of all kinds.
type table struct {
	names map[att.UUID]string
	kinds [3]map[string]att.UUID // by the name in the form of key
	lists [3][]string            // of names, in order of number
}

// tables are read when they are first asked for.
var tables = sync.OnceValue(func() *table {
	t := &table{names: map[att.UUID]string{}}
	for kind, text := range [...]string{Service: services, Characteristic: characteristics, Descriptor: descriptors} {
		t.kinds[kind] = map[string]att.UUID{}
		for line := range strings.Lines(text) {
			number, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			uuid, err := att.UUIDFromText(number)
			if err != nil {
				continue // a test reads every line
			}
			if _, taken := t.names[uuid]; !taken {
				t.names[uuid] = name
			}
			if _, taken := t.kinds[kind][key(name)]; !taken {
				t.kinds[kind][key(name)] = uuid
			}
			t.lists[kind] = append(t.lists[kind], name)
		}
	}
	return t
})

// key is a name without what people write differently: case, spaces, hyphens, and that a service is one.
func key(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	if short := strings.TrimSuffix(name, "service"); short != "" {
		return short
	}
	return name
}

// Name is the name of a UUID, such as "Heart Rate Measurement"; empty for one that is not in the tables.
func Name(uuid att.UUID) string { return tables().names[uuid] }

// UUID reads a UUID of a kind: a number as [att.UUIDFromText] does, or with 0x before it, or a name, in any case and with or without spaces and
// hyphens. The error names some that are like it.
func UUID(kind Kind, text string) (att.UUID, error) {
	digits := text
	if len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x' {
		digits = text[2:]
	}
	if uuid, err := att.UUIDFromText(digits); err == nil {
		return uuid, nil
	}
	t, k := tables(), key(text)
	if uuid, ok := t.kinds[kind][k]; ok && k != "" {
		return uuid, nil
	}
	const shown = 40
	if len(text) > shown {
		text = text[:shown] + "..."
	}
	return att.UUID{}, fmt.Errorf("%v %q: want a number like 2a37, a UUID of 128 bits, or an assigned name%s", kind, text, t.like(kind, k))
}

// like names some of a kind that begin with, or contain, what was written.
func (t *table) like(kind Kind, k string) string {
	const enough, short = 3, 3
	if len(k) < short {
		return ""
	}
	var found []string
	for _, matches := range []func(a, b string) bool{strings.HasPrefix, strings.Contains} {
		for _, name := range t.lists[kind] {
			if len(found) < enough && matches(key(name), k) && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return " such as " + strings.Join(found, ", ")
}
