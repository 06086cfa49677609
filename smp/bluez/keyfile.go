package bluez

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// maxFile bounds a file, in octets. An info takes about one thousand.
const maxFile = 64 << 10

// keyFile is a file as GLib writes it: groups of keys with values, comments and blank lines among them. What is
// not known stays as it was.
type keyFile struct {
	groups []group // the first, without a name, is what stands before any group
}

type group struct {
	name    string
	entries []entry
}

// entry is a key and its value. One without a key is a line to be kept: a comment, or nothing.
type entry struct{ key, value string }

// parseKeyFile reads the text of a file. Its errors name the line and hold nothing of it, which may be a key.
func parseKeyFile(text []byte) (keyFile, error) {
	switch {
	case len(text) == 0:
		return keyFile{}, fmt.Errorf("%w: empty, as a power cut leaves it", ErrDamaged)
	case len(text) > maxFile:
		return keyFile{}, fmt.Errorf("%w: longer than %d octets", ErrDamaged, maxFile)
	case bytes.IndexByte(text, 0) >= 0:
		return keyFile{}, fmt.Errorf("%w: zeros in it, as a power cut leaves it", ErrDamaged)
	}
	f := keyFile{groups: []group{{}}}
	at := 0 // the group that lines go to
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.Trim(line, " \t\r\n")
		switch name, isGroup := groupName(line); {
		case line == "" || line[0] == '#':
			f.groups[at].entries = append(f.groups[at].entries, entry{"", line})
		case isGroup:
			at = f.make(name) // a second group of the name continues the first
		default:
			key, value, ok := strings.Cut(line, "=")
			if key = strings.TrimRight(key, " \t"); !ok || key == "" || at == 0 {
				return keyFile{}, fmt.Errorf("%w: line %d is no key with a value in a group", ErrDamaged, number)
			}
			f.groups[at].set(key, strings.TrimLeft(value, " \t"))
		}
	}
	return f, nil
}

// groupName is the name in a line like [General].
func groupName(line string) (string, bool) {
	if len(line) < 3 || line[0] != '[' || line[len(line)-1] != ']' {
		return "", false
	}
	name := line[1 : len(line)-1]
	return name, !strings.ContainsAny(name, "[]")
}

// find is the place of a group, -1 if it is not there.
func (f *keyFile) find(name string) int {
	return slices.IndexFunc(f.groups, func(g group) bool { return g.name == name })
}

// make is the place of a group, which is added if need be.
func (f *keyFile) make(name string) int {
	if i := f.find(name); i >= 0 {
		return i
	}
	f.groups = append(f.groups, group{name: name})
	return len(f.groups) - 1
}

func (f *keyFile) has(name string) bool { return f.find(name) >= 0 }

// get is a value.
func (f *keyFile) get(name, key string) (string, bool) {
	i := f.find(name)
	if i < 0 {
		return "", false
	}
	for _, e := range f.groups[i].entries {
		if e.key == key {
			return e.value, true
		}
	}
	return "", false
}

func (f *keyFile) set(name, key, value string) { f.groups[f.make(name)].set(key, value) }

// replace puts a group in place of the one of that name; without entries there is none afterwards.
func (f *keyFile) replace(name string, entries ...entry) {
	if len(entries) == 0 {
		f.groups = slices.DeleteFunc(f.groups, func(g group) bool { return g.name == name })
		return
	}
	f.groups[f.make(name)].entries = entries
}

func (g *group) set(key, value string) {
	for i, e := range g.entries {
		if e.key == key {
			g.entries[i].value = value // the last one counts
			return
		}
	}
	g.entries = append(g.entries, entry{key, value})
}

// text is the file again.
func (f *keyFile) text() []byte {
	var b bytes.Buffer
	for i, g := range f.groups {
		if i > 0 {
			if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "[%s]\n", g.name)
		}
		for _, e := range g.entries {
			if e.key != "" {
				b.WriteString(e.key + "=")
			}
			b.WriteString(e.value + "\n")
		}
	}
	return b.Bytes()
}
