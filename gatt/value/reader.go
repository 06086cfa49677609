package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// A reader takes fields from a value, least significant octet first. After the first that is not there all are zero.
type reader struct {
	rest   []byte
	short  bool
	fields Fields
}

// take takes n octets, nil if there are fewer.
func (r *reader) take(n int) []byte {
	if r.short || n < 0 || len(r.rest) < n {
		r.short = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// uint takes a number of up to 8 octets.
func (r *reader) uint(octets int) uint64 {
	var b [8]byte
	copy(b[:], r.take(octets))
	return binary.LittleEndian.Uint64(b[:])
}

// int takes a number with a sign.
func (r *reader) int(octets int) int64 {
	unused := 64 - 8*octets
	return int64(r.uint(octets)<<unused) >> unused
}

// add appends a field, unless the value has ended before it.
func (r *reader) add(name string, value any, unit string) {
	if !r.short {
		r.fields = append(r.fields, Field{name, value, unit})
	}
}

// number takes a whole number without a sign into a field.
func (r *reader) number(name string, octets int, unit string) {
	r.add(name, int64(r.uint(octets)), unit)
}

// scaled takes a number without a sign in units of 10 to the power of exponent. One with all bits set says that nobody knows.
func (r *reader) scaled(name string, octets, exponent int, unit string) {
	v := r.uint(octets)
	if v == math.MaxUint64>>(64-8*octets) {
		r.add(name, unknown, unit)
		return
	}
	r.add(name, decimal(int64(v), exponent), unit)
}

const unknown = "unknown"

// decimal is a number of 10 to the power of exponent, as near as a float64 comes.
func decimal(mantissa int64, exponent int) float64 {
	v, err := strconv.ParseFloat(fmt.Sprintf("%de%d", mantissa, exponent), 64)
	if err != nil {
		return 0 // out of range, which the exponents of FLOAT are not
	}
	return v
}

// sfloat takes a SFLOAT of IEEE 11073-20601, 16 bits: an exponent of 4 and a mantissa of 12. shift moves the point of the unit.
func (r *reader) sfloat(name string, shift int, unit string) {
	v := uint16(r.uint(2))
	mantissa, exponent := int64(int16(v<<4)>>4), int(int16(v)>>12)
	r.float(name, mantissa, 12, exponent, shift, unit)
}

// float32 takes a FLOAT of IEEE 11073-20601, 32 bits: an exponent of 8 and a mantissa of 24.
func (r *reader) float32(name, unit string) {
	v := uint32(r.uint(4))
	mantissa, exponent := int64(int32(v<<8)>>8), int(int8(v>>24))
	r.float(name, mantissa, 24, exponent, 0, unit)
}

// float adds a float, or what stands for one: a mantissa near the end of its range, with the exponent 0.
func (r *reader) float(name string, mantissa int64, bits, exponent, shift int, unit string) {
	most := int64(1)<<(bits-1) - 1
	special := map[int64]string{most: "no number", most - 1: "+infinity", -most - 1: "not at this resolution", -most + 1: "-infinity", -most: "reserved"}
	if word := special[mantissa]; word != "" && exponent == 0 {
		r.add(name, word, unit)
		return
	}
	r.add(name, decimal(mantissa, exponent+shift), unit)
}

// word takes one octet that stands for a word.
func (r *reader) word(name string, words map[uint64]string) {
	r.add(name, wordFor(r.uint(1), words), "")
}

// wordFor is a word, or the number of one that nobody knows.
func wordFor(v uint64, words map[uint64]string) string {
	if word, ok := words[v]; ok {
		return word
	}
	return strconv.FormatUint(v, 10)
}

// bits takes octets of which each bit says whether something holds; names are in order of the bits, empty for those without.
func (r *reader) bits(name string, octets int, names ...string) {
	r.add(name, namesOf(r.uint(octets), names...), "")
}

// namesOf are the names of the bits that are set, or their numbers.
func namesOf(bits uint64, names ...string) []string {
	set := []string{}
	for i := range 64 {
		switch {
		case bits>>i&1 == 0:
		case i < len(names) && names[i] != "":
			set = append(set, names[i])
		default:
			set = append(set, fmt.Sprintf("bit %d", i))
		}
	}
	return set
}

// text takes all that is left as UTF-8. Zeros at the end are padding.
func (r *reader) text(name string) {
	b := r.take(len(r.rest))
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	r.add(name, strconv.Quote(string(b)), "")
}

// hex takes n octets as they are.
func (r *reader) hex(name string, n int) {
	r.add(name, fmt.Sprintf("%x", r.take(n)), "")
}
