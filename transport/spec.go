package transport

import (
	"context"
	"fmt"
	"strings"
)

// A Kind is the word before the colon of a transport specification.
type Kind string

// The kinds of transport.
const (
	User      Kind = "user"    // a kernel controller's HCI user channel (Linux)
	Unix      Kind = "unix"    // H4 over a Unix stream socket
	TCP       Kind = "tcp"     // H4 over TCP
	UART      Kind = "uart"    // H4 over a serial line (Linux)
	ThreeWire Kind = "h5"      // H5, the three-wire UART, over a serial line (Linux)
	Virtual   Kind = "virtual" // a controller in memory, opened by package transport/virtual
)

// A Spec says which controller to open. The fields that its Kind does not name are zero, so that
// specs can be compared.
type Spec struct {
	Kind Kind
	// Index is the controller's number in the kernel, 0 for hci0. User only, and zero if Address names it.
	Index int
	// Path is the socket's path, or "@" and a name for an abstract socket; or the serial line's device.
	// Unix, UART and ThreeWire only.
	Path string
	// Address is host:port, an IPv6 host in brackets; or the controller's public device address, whatever number
	// it has, in the form "00:1A:7D:DA:71:13". TCP and User only.
	Address string
	// Baud is the serial line's rate in bits per second, and the one that a chip is brought to. If zero,
	// DefaultBaud. UART and ThreeWire only.
	Baud int
	// Flow is the serial line's flow control. If empty, FlowRTSCTS, and with ThreeWire FlowNone. UART and ThreeWire
	// only.
	Flow Flow
	// Chip is the family of the controller behind a serial line. If empty, ChipAuto. UART only.
	Chip Chip
	// Firmware is the folder with the chip's firmware. If empty, where systems keep it. UART only.
	Firmware string
	// Rest is whatever stands behind the colon, kept for the one who opens it. Virtual only.
	Rest string
}

// A kind is how one sort of transport is written, read and opened. Each is one type in a file of its own
// and one line in kinds.
type kind interface {
	name() Kind
	form() string                             // for people, as in "tcp:host:port"
	parse(rest string) (s Spec, cause string) // rest is what stands behind the colon; a cause is a refusal
	format(s Spec) string                     // the way back: what stands behind the colon
	open(ctx context.Context, s Spec, o Options) (Conn, error)
}

// kinds is every kind there is, in the order in which errors list them.
var kinds = []kind{userKind{}, unixKind{}, tcpKind{}, uartKind{}, h5Kind{}, virtualKind{}}

// ParseSpec reads a transport specification: "user:0" (also "hci0" and "user:hci0"), "user:00:1A:7D:DA:71:13",
// "unix:/path", "tcp:host:port", "uart:/dev/ttyAMA0", to which "?baud=921600&flow=rtscts|none&chip=auto|bcm|none&firmware=DIR"
// or some of it may be added, "h5:/dev/ttyAMA0", to which baud and flow may be, or "virtual:" with anything behind the
// colon. The error is a *SpecError.
func ParseSpec(text string) (Spec, error) {
	word, rest, found := strings.Cut(text, ":")
	if !found && strings.HasPrefix(text, hciPrefix) {
		word, rest, found = string(User), text, true
	}
	k := kindOf(Kind(word))
	switch {
	case text == "":
		return Spec{}, &SpecError{Text: text, Cause: "nothing given"}
	case k == nil:
		return Spec{}, &SpecError{Text: text, Cause: "no such kind"}
	case !found:
		return Spec{}, &SpecError{Text: text, Cause: "no colon behind the kind"}
	}
	s, cause := k.parse(rest)
	if cause != "" {
		return Spec{}, &SpecError{Text: text, Cause: cause}
	}
	s.Kind = k.name()
	return s, nil
}

// String returns the specification in the form that ParseSpec reads back to the same Spec.
func (s Spec) String() string {
	k := kindOf(s.Kind)
	if k == nil {
		return string(s.Kind) + ":"
	}
	return string(s.Kind) + ":" + k.format(s)
}

func kindOf(name Kind) kind {
	for _, k := range kinds {
		if k.name() == name {
			return k
		}
	}
	return nil
}

// forms lists how specifications are written: "a, b or c".
func forms() string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.form())
	}
	return orList(list)
}

// orList writes "a, b or c".
func orList(list []string) string {
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

// A SpecError is a text that is no transport specification.
type SpecError struct {
	Text  string // what was given
	Cause string // what is wrong with it
}

// specTextShown is how much of a bad text its error quotes, in octets.
const specTextShown = 64

// Error says in one line what is wrong, and lists the forms there are.
func (e *SpecError) Error() string {
	text := e.Text
	if len(text) > specTextShown {
		text = text[:specTextShown] + "..."
	}
	return fmt.Sprintf("transport %q: %s; write %s", text, e.Cause, forms())
}
