package value

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jelling-ble/jelling/att"
)

var (
	// ErrUnknown is the error for a UUID whose values nobody here can read.
	ErrUnknown = errors.New("value: no such characteristic or descriptor is known")
	// ErrShort is wrapped by the error for a value that ends before its last field does.
	ErrShort = errors.New("value: it ends too early")
)

// A Field is one part of a value.
type Field struct {
	Name string // "heart rate"; empty where the value has only one part
	// Value is a bool, an int64, a float64, a string, or a []string of what holds of several things.
	Value any
	Unit  string // "/min", "°C"; empty without one
}

// String is the name, the value and the unit: "heart rate 72/min".
func (f Field) String() string {
	text := f.text()
	switch {
	case f.Unit == "" || f.isWord():
	case strings.HasPrefix(f.Unit, "/"):
		text += f.Unit
	default:
		text += " " + f.Unit
	}
	if f.Name == "" {
		return text
	}
	return f.Name + " " + text
}

// isWord tells whether there is a word where a number could be.
func (f Field) isWord() bool {
	_, word := f.Value.(string)
	return word
}

func (f Field) text() string {
	switch v := f.Value.(type) {
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		const large, little = 1e15, 1e-9
		if size := math.Abs(v); size >= large || size < little && v != 0 {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		if len(v) == 0 {
			return "none"
		}
		return strings.Join(v, " + ")
	}
	return fmt.Sprint(f.Value)
}

// MarshalJSON writes an object with value, and with name and unit where there are any.
func (f Field) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name  string `json:"name,omitempty"`
		Value any    `json:"value"`
		Unit  string `json:"unit,omitempty"`
	}{f.Name, f.Value, f.Unit})
}

// Fields are the parts of one value, in order.
type Fields []Field

// String lists the fields: "heart rate 72/min, sensor contact yes".
func (f Fields) String() string {
	all := make([]string, len(f))
	for i := range f {
		all[i] = f[i].String()
	}
	return strings.Join(all, ", ")
}

// Get is the value of the field with a name, nil if there is none.
func (f Fields) Get(name string) any {
	for _, one := range f {
		if one.Name == name {
			return one.Value
		}
	}
	return nil
}

// Decode reads the value of a characteristic or descriptor. It fails with [ErrUnknown], and with [ErrShort] beside the fields that are there.
func Decode(uuid att.UUID, b []byte) (Fields, error) {
	number, ok := uuid.Uint16()
	decode := decoders[number]
	if !ok || decode == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknown, uuid)
	}
	r := &reader{rest: b}
	decode(r)
	if r.short {
		return r.fields, fmt.Errorf("%w: %d octets for %v", ErrShort, len(b), uuid)
	}
	if len(r.rest) > 0 {
		r.add("rest", fmt.Sprintf("%x", r.rest), "")
	}
	return r.fields, nil
}

// Known tells whether Decode knows a UUID.
func Known(uuid att.UUID) bool {
	number, ok := uuid.Uint16()
	return ok && decoders[number] != nil
}

// Text is a value for people: what Decode makes of it, or text where it is nothing but that, or hexadecimal.
func Text(uuid att.UUID, b []byte) string {
	if fields, err := Decode(uuid, b); err == nil {
		return fields.String()
	}
	if isText(b) {
		return strconv.Quote(string(b))
	}
	return fmt.Sprintf("%x", b)
}

// isText tells whether octets are probably text. One or two may be anything.
func isText(b []byte) bool {
	const least = 3
	if len(b) < least || !utf8.Valid(b) {
		return false
	}
	for _, c := range string(b) {
		if !strconv.IsPrint(c) {
			return false
		}
	}
	return true
}

// decoders are by the 16-bit UUID.
var decoders = func() map[uint16]func(*reader) {
	all := map[uint16]func(*reader){}
	for _, table := range []map[uint16]func(*reader){
		profileDecoders, timeDecoders, heartDecoders, thermometerDecoders, pressureDecoders, glucoseDecoders, scaleDecoders, motionDecoders, scalarDecoders(),
	} {
		maps.Copy(all, table)
	}
	return all
}()
