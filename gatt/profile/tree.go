package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An Error says what is wrong with a file, and where.
type Error struct {
	Path string // of the key: services[1].characteristics[0].uuid; empty for the file as a whole
	Err  error
}

// Error names the path and what is wrong.
func (e *Error) Error() string {
	if e.Path == "" {
		return "profile: " + e.Err.Error()
	}
	return "profile: " + e.Path + ": " + e.Err.Error()
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// maxDepth bounds how deep values of a file may lie in each other.
const maxDepth = 16

// A node is one value of a file, and where it is.
type node struct {
	path    string
	value   any // string, json.Number, bool or nil; of an array or object see below
	items   []node
	members []member
	kind    string // "text", "a number", …
}

// A member is a key of an object and its value.
type member struct {
	key  string
	node node
}

// fail is an error about a node.
func (n node) fail(format string, a ...any) error { return &Error{n.path, fmt.Errorf(format, a...)} }

// wrong is the error for a node of another kind than wanted.
func (n node) wrong(want string) error { return n.fail("%s, want %s", n.kind, want) }

// parseTree reads JSON, and refuses keys that stand twice.
func parseTree(text []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	n, err := parseNode(d, "", 0)
	if err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("something after the end of the profile")
		} else if errors.Is(err, io.EOF) {
			return n, nil
		}
	}
	var located *Error
	if errors.As(err, &located) {
		return node{}, err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	at := int(d.InputOffset()) // the end of what was good
	for at < len(text) && strings.IndexByte(" \t\r\n:,", text[at]) >= 0 {
		at++
	}
	before := string(text[:at])
	line := 1 + strings.Count(before, "\n")
	column := len(before) - strings.LastIndexByte(before, '\n')
	return node{}, &Error{"", fmt.Errorf("line %d, column %d: %w", line, column, err)}
}

func parseNode(d *json.Decoder, path string, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, &Error{path, fmt.Errorf("more than %d values in each other", maxDepth)}
	}
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	n := node{path: path, value: token}
	switch v := token.(type) {
	case string:
		n.kind = "text"
	case json.Number:
		n.kind = "the number " + v.String()
	case bool:
		n.kind = fmt.Sprint(v)
	case nil:
		n.kind = "null"
	case json.Delim:
		n.value = nil
		if v == '[' {
			n.kind = "a list"
			return parseItems(d, n, depth)
		}
		n.kind = "an object"
		return parseMembers(d, n, depth)
	}
	return n, nil
}

func parseItems(d *json.Decoder, n node, depth int) (node, error) {
	n.items = []node{}
	for d.More() {
		item, err := parseNode(d, fmt.Sprintf("%s[%d]", n.path, len(n.items)), depth+1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
	}
	_, err := d.Token()
	return n, err
}

func parseMembers(d *json.Decoder, n node, depth int) (node, error) {
	n.members = []member{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return n, err
		}
		key, _ := token.(string) // an object has no others
		path := key
		if n.path != "" {
			path = n.path + "." + key
		}
		if slices.ContainsFunc(n.members, func(m member) bool { return m.key == key }) {
			return n, &Error{path, errors.New("it stands there twice")}
		}
		value, err := parseNode(d, path, depth+1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{key, value})
	}
	_, err := d.Token()
	return n, err
}

// object reads an object by giving each of its members to the field with its name.
func (n node) object(fields map[string]func(node) error) error {
	if n.members == nil {
		return n.wrong("an object")
	}
	for _, m := range n.members {
		read, known := fields[m.key]
		if !known {
			names := []string{}
			for name := range fields {
				names = append(names, name)
			}
			slices.Sort(names)
			return m.node.fail("nobody knows this key; there are %s", strings.Join(names, ", "))
		}
		if err := read(m.node); err != nil {
			return err
		}
	}
	return nil
}

// list reads a list by giving each of its items to read.
func (n node) list(read func(node) error) error {
	if n.items == nil {
		return n.wrong("a list")
	}
	for _, item := range n.items {
		if err := read(item); err != nil {
			return err
		}
	}
	return nil
}

// text reads a text.
func (n node) text(to *string) error {
	s, ok := n.value.(string)
	if !ok {
		return n.wrong("text")
	}
	*to = s
	return nil
}

// boolean reads true or false.
func (n node) boolean(to *bool) error {
	b, ok := n.value.(bool)
	if !ok {
		return n.wrong("true or false")
	}
	*to = b
	return nil
}

// integer reads a whole number from low to high.
func (n node) integer(low, high int64) (int64, error) {
	number, ok := n.value.(json.Number)
	v, err := number.Int64()
	if !ok || err != nil || v < low || v > high {
		return 0, n.wrong(fmt.Sprintf("a whole number from %d to %d", low, high))
	}
	return v, nil
}

// oneOf reads one of some texts.
func (n node) oneOf(words []string) (int, error) {
	s, ok := n.value.(string)
	if i := slices.Index(words, s); ok && i >= 0 {
		return i, nil
	}
	if ok {
		return 0, n.fail("%q, want one of %s", s, strings.Join(words, ", "))
	}
	return 0, n.wrong("one of " + strings.Join(words, ", "))
}
