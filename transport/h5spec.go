package transport

import (
	"context"
	"errors"
)

type h5Kind struct{}

func (h5Kind) name() Kind           { return ThreeWire }
func (h5Kind) form() string         { return "h5:/dev/ttyAMA0" }
func (h5Kind) format(s Spec) string { return formatSerial(s) }

func (h5Kind) parse(rest string) (Spec, string) {
	s, cause := parseSerial(rest)
	if cause == "" && (s.Chip != "" || s.Firmware != "") {
		return Spec{}, "a chip's firmware is loaded over uart:; options of h5: are baud and flow"
	}
	return s, cause
}

func (h5Kind) open(ctx context.Context, s Spec, o Options) (Conn, error) {
	return openH5(ctx, s, o)
}

// explainH5 says what a link that did not come about means, and what to do.
func explainH5(s Spec, e *H5Error) (cause, remedy string) {
	switch {
	case errors.Is(e, context.Canceled):
		return "cancelled", ""
	case errors.Is(e, ErrGone):
		return "the line ended: " + e.Cause, "look whether the adapter is still plugged in"
	}
	return e.Cause, "check the wires, the power and the rate (baud=) of a controller that talks H5; for one that talks H4 write " +
		Spec{Kind: UART, Path: s.Path, Baud: s.Baud}.String()
}
