package transport

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Flow is how a serial line holds up whoever sends too fast.
type Flow string

// The ways to control the flow.
const (
	FlowRTSCTS Flow = "rtscts" // two wires, one each way; what H4 is made for
	FlowNone   Flow = "none"   // not at all: octets are lost when this machine is late
)

// A Chip is a family of controllers: which packet types of their own they send, at which rates they may be found.
type Chip string

// The families.
const (
	ChipAuto     Chip = "auto" // to be found out
	ChipBroadcom Chip = "bcm"  // Broadcom, Cypress, Infineon, Synaptics
	ChipNone     Chip = "none" // a controller that needs nothing
	ChipTI       Chip = "ti"   // Texas Instruments CC256x and WL18xx; in no Spec, for Serial.SetChip
)

const (
	// DefaultBaud is the rate of a serial line whose Spec names none: the one that chips start with.
	DefaultBaud = 115200

	minBaud = 300
	maxBaud = 12_000_000 // what the fastest USB adapters do
)

type uartKind struct{}

func (uartKind) name() Kind                       { return UART }
func (uartKind) form() string                     { return "uart:/dev/ttyAMA0?baud=921600" }
func (uartKind) parse(rest string) (Spec, string) { return parseSerial(rest) }
func (uartKind) format(s Spec) string             { return formatSerial(s) }

func (uartKind) open(ctx context.Context, s Spec, o Options) (Conn, error) {
	return openUART(ctx, s, o)
}

// A serialOption is what may stand behind the question mark of a serial line's specification.
type serialOption struct {
	name  string
	set   func(s *Spec, value string) (known string) // a value not known is answered by those that are
	value func(s Spec) string                        // empty if the Spec does not say
}

// serialOptions is every option there is, in the order in which they are written.
var serialOptions = []serialOption{
	{"baud", setBaudOption, baudOption},
	{"flow", func(s *Spec, v string) string { return oneOf(&s.Flow, Flow(v), FlowRTSCTS, FlowNone) },
		func(s Spec) string { return string(s.Flow) }},
	{"chip", func(s *Spec, v string) string { return oneOf(&s.Chip, Chip(v), ChipAuto, ChipBroadcom, ChipNone) },
		func(s Spec) string { return string(s.Chip) }},
	{"firmware", setFirmwareOption, func(s Spec) string { return s.Firmware }},
}

func setBaudOption(s *Spec, v string) string {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil || n < minBaud || n > maxBaud {
		return fmt.Sprintf("a number from %d to %d", minBaud, maxBaud)
	}
	s.Baud = int(n)
	return ""
}

func baudOption(s Spec) string {
	if s.Baud == 0 {
		return ""
	}
	return strconv.Itoa(s.Baud)
}

func setFirmwareOption(s *Spec, v string) string {
	if v == "" || strings.ContainsRune(v, 0) {
		return "a folder"
	}
	s.Firmware = v
	return ""
}

// oneOf sets to to v if that is known, and else says what is.
func oneOf[T ~string](to *T, v T, known ...T) string {
	if !slices.Contains(known, v) {
		list := make([]string, len(known))
		for i, k := range known {
			list[i] = string(k)
		}
		return orList(list)
	}
	*to = v
	return ""
}

// parseSerial reads a device and its options: "/dev/ttyAMA0?baud=921600&flow=none". In the device and in the
// values, %3F is a question mark, %26 an ampersand and %25 a percent sign.
func parseSerial(rest string) (Spec, string) {
	device, list, more := strings.Cut(rest, "?")
	device, err := url.PathUnescape(device)
	switch {
	case err != nil:
		return Spec{}, "a percent sign in the device is written %25"
	case device == "":
		return Spec{}, "no path to the device"
	case strings.ContainsRune(device, 0):
		return Spec{}, "a path can't hold a zero octet"
	}
	s := Spec{Path: device}
	if !more {
		return s, ""
	}
	var seen []string
	for text := range strings.SplitSeq(list, "&") {
		name, value, _ := strings.Cut(text, "=")
		i := slices.IndexFunc(serialOptions, func(o serialOption) bool { return o.name == name })
		if i < 0 {
			return Spec{}, fmt.Sprintf("no option %s; there are %s", shorten(name), optionNames())
		}
		if slices.Contains(seen, name) {
			return Spec{}, fmt.Sprintf("option %s is there twice", name)
		}
		seen = append(seen, name)
		value, err := url.PathUnescape(value)
		if err != nil {
			return Spec{}, fmt.Sprintf("option %s: a percent sign is written %%25", name)
		}
		if known := serialOptions[i].set(&s, value); known != "" {
			return Spec{}, fmt.Sprintf("option %s is %s, not %s", name, known, shorten(value))
		}
	}
	return s, ""
}

// formatSerial is the way back from parseSerial.
func formatSerial(s Spec) string {
	var b strings.Builder
	b.WriteString(escape(s.Path))
	sign := "?"
	for _, o := range serialOptions {
		if v := o.value(s); v != "" {
			b.WriteString(sign + o.name + "=" + escape(v))
			sign = "&"
		}
	}
	return b.String()
}

// optionNames lists the options: "a, b and c".
func optionNames() string {
	list := make([]string, len(serialOptions))
	for i, o := range serialOptions {
		list[i] = o.name
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// shorten quotes what was given, or its beginning.
func shorten(text string) string {
	const most = 32
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

var escaper = strings.NewReplacer("%", "%25", "?", "%3F", "&", "%26")

func escape(s string) string { return escaper.Replace(s) }
