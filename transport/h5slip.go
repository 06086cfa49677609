package transport

// Octets of the SLIP layer (Vol 4, Part D, 3).
const (
	slipEnd       = 0xC0 // before and behind every frame
	slipEscape    = 0xDB
	slipEscEnd    = 0xDC // escaped 0xC0
	slipEscEscape = 0xDD // escaped 0xDB
	slipEscXON    = 0xDE // escaped 0x11, where software flow control was agreed on
	slipEscXOFF   = 0xDF // escaped 0x13, likewise
	xon           = 0x11
	xoff          = 0x13
)

// appendSLIP appends octets of a frame in their escaped form, with flow XON and XOFF as well.
func appendSLIP(b, octets []byte, flow bool) []byte {
	from := 0
	for i, c := range octets {
		var second byte
		switch {
		case c == slipEnd:
			second = slipEscEnd
		case c == slipEscape:
			second = slipEscEscape
		case flow && c == xon:
			second = slipEscXON
		case flow && c == xoff:
			second = slipEscXOFF
		default:
			continue
		}
		b = append(append(b, octets[from:i]...), slipEscape, second)
		from = i + 1
	}
	return append(b, octets[from:]...)
}

// A slipDecoder finds the frames in a stream of octets. What stands before the first delimiter is dropped, and
// so is a frame with a bad escape or with more than h5MaxFrame octets: the next delimiter begins anew.
type slipDecoder struct {
	flow    bool // XON and XOFF are no data
	held    bool // the last of them was XOFF
	damaged int  // frames dropped

	frame   []byte // of the frame under way, unescaped
	synced  bool   // a delimiter was seen
	escaped bool   // the octet before was an escape
	bad     bool   // the frame under way is to be dropped
	done    bool   // the frame was handed out, and the next octet begins another
}

// next takes octets up to the end of a frame, and returns that frame and the octets behind it. The frame is nil if b
// has no end of one, and is the caller's until the next call.
func (d *slipDecoder) next(b []byte) (frame, rest []byte) {
	if d.done {
		d.done, d.frame = false, d.frame[:0]
	}
	for i, c := range b {
		switch {
		case c == slipEnd:
			if d.end() {
				return d.frame, b[i+1:]
			}
		case d.flow && (c == xon || c == xoff):
			d.held = c == xoff
		case !d.synced || d.bad:
		case d.escaped:
			d.escaped = false
			d.unescape(c)
		case c == slipEscape:
			d.escaped = true
		default:
			d.add(c)
		}
	}
	return nil, nil
}

// end handles a delimiter, and reports whether there is a frame before it.
func (d *slipDecoder) end() bool {
	if d.bad || d.escaped {
		d.damaged++
		d.frame = d.frame[:0]
	}
	d.synced, d.bad, d.escaped = true, false, false
	d.done = len(d.frame) > 0
	return d.done
}

// unescape adds what stood behind an escape.
func (d *slipDecoder) unescape(c byte) {
	switch c {
	case slipEscEnd:
		d.add(slipEnd)
	case slipEscEscape:
		d.add(slipEscape)
	case slipEscXON:
		d.add(xon)
	case slipEscXOFF:
		d.add(xoff)
	default:
		d.bad = true
	}
}

func (d *slipDecoder) add(c byte) {
	if len(d.frame) == h5MaxFrame {
		d.bad = true
		return
	}
	d.frame = append(d.frame, c)
}
