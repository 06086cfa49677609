package secrettest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// part is how many octets in a row are looked for.
const part = 7

// Finder is the parts of keys, in either order. Make one by Finder{}.
type Finder map[[part]byte]bool

// Add takes a key to look for, of at least seven octets.
func (f Finder) Add(key []byte) {
	for range 2 {
		for i := range len(key) - part + 1 {
			if p := [part]byte(key[i:]); random(p) {
				f[p] = true
			}
		}
		key = slices.Clone(key)
		slices.Reverse(key)
	}
}

// random tells whether octets, and the steps between them, look like drawn ones. Others are made up or masked, and the
// like of them is everywhere.
func random(p [part]byte) bool {
	octets, steps := map[byte]bool{}, map[byte]bool{}
	for i, o := range p {
		octets[o], steps[o-p[max(0, i-1)]] = true, true
	}
	return len(octets) >= part-1 && len(steps) >= part-1
}

// In names the form in which a text has a part of a key: octets as they are, in hexadecimal digits with anything
// between them, or as numbers. It is empty where there is none.
func (f Finder) In(text []byte) string {
	var digits []byte
	for _, c := range text {
		if v := strings.IndexByte("0123456789abcdef", c|0x20); v >= 0 && (c >= '0' && c <= '9' || c >= 'A') {
			digits = append(digits, byte(v))
		}
	}
	even, odd := pairs(digits), pairs(digits[min(1, len(digits)):])
	for form, octets := range map[string][]byte{
		"octets": text, "hexadecimal": even, "hexadecimal, too": odd,
		"decimal numbers": numbers(text, 10), "hexadecimal numbers": numbers(text, 0),
	} {
		for i := 0; i+part <= len(octets); i++ {
			if f[[part]byte(octets[i:])] {
				return form
			}
		}
	}
	return ""
}

func pairs(digits []byte) []byte {
	var octets []byte
	for i := 0; i+1 < len(digits); i += 2 {
		octets = append(octets, digits[i]<<4|digits[i+1])
	}
	return octets
}

// numbers is the numbers in a text that fit an octet, with or without 0x as the base has it.
func numbers(text []byte, base int) []byte {
	var octets []byte
	for word := range bytes.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if base == 0 && !bytes.HasPrefix(word, []byte("0x")) {
			continue
		}
		if n, err := strconv.ParseUint(string(word), base, 8); err == nil {
			octets = append(octets, byte(n))
		}
	}
	return octets
}
