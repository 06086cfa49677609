package profile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/att"
)

// value reads the value of a characteristic or descriptor: text, {"hex": …} or {"uint8": n} and the like.
func (n node) octets(to *[]byte) error {
	var value []byte
	switch s, isText := n.value.(string); {
	case isText:
		value = []byte(s)
	case len(n.members) == 1:
		m := n.members[0]
		text, isText := m.node.value.(string)
		if !isText {
			text = fmt.Sprint(m.node.value) // a number stands as it was written
		}
		var err error
		if value, err = ParseValue(m.key, text); err != nil || isText != (m.key == "hex" || m.key == "text") {
			if err == nil {
				return m.node.wrong(map[bool]string{true: "a number", false: "text"}[isText])
			}
			return &Error{m.node.path, err}
		}
	default:
		return n.wrong(`text, {"hex": "…"} or {"uint8": n}`)
	}
	if len(value) > att.MaxValueLen {
		return n.fail("%d octets, at most %d may be", len(value), att.MaxValueLen)
	}
	*to = value
	return nil
}

// ParseValue reads a value by its form: "hex", with or without spaces; "text"; or "uint8" to "uint64" and "sint8" to "sint64" in steps of eight,
// which are numbers, least significant octet first.
func ParseValue(form, text string) ([]byte, error) {
	switch form {
	case "text":
		return []byte(text), nil
	case "hex":
		value, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			return nil, fmt.Errorf("%q: want pairs of hexadecimal digits", shorten(text))
		}
		return value, nil
	}
	bits, signed, ok := integerForm(form)
	if !ok {
		return nil, fmt.Errorf("%q is no form of a value: want hex, text, uint8, sint16 or the like", shorten(form))
	}
	var v uint64
	var err error
	if signed {
		var i int64
		i, err = strconv.ParseInt(text, 10, bits)
		v = uint64(i)
	} else {
		v, err = strconv.ParseUint(text, 10, bits)
	}
	if err != nil {
		low, high := "0", strconv.FormatUint(math.MaxUint64>>(64-bits), 10)
		if signed {
			low, high = strconv.FormatInt(math.MinInt64>>(64-bits), 10), strconv.FormatInt(math.MaxInt64>>(64-bits), 10)
		}
		return nil, fmt.Errorf("%s: want a whole number from %s to %s", shorten(text), low, high)
	}
	return binary.LittleEndian.AppendUint64(nil, v)[:bits/8], nil
}

// integerForm reads "uint16".
func integerForm(form string) (bits int, signed, ok bool) {
	digits, isSigned := strings.CutPrefix(form, "sint")
	if !isSigned {
		var isUnsigned bool
		if digits, isUnsigned = strings.CutPrefix(form, "uint"); !isUnsigned {
			return 0, false, false
		}
	}
	bits, err := strconv.Atoi(digits)
	ok = err == nil && bits >= 8 && bits <= 64 && bits%8 == 0 && strconv.Itoa(bits) == digits
	return bits, isSigned, ok
}

// shorten cuts what somebody wrote, for an error.
func shorten(text string) string {
	const shown = 40
	if len(text) > shown {
		return text[:shown] + "..."
	}
	return text
}
