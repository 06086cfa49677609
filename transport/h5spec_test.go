package transport

import (
	"context"
	"errors"
	"testing"
)

func TestParseH5Spec(t *testing.T) {
	tests := []struct {
		text string
		want Spec
	}{
		{"h5:/dev/ttyAMA0", Spec{Kind: ThreeWire, Path: "/dev/ttyAMA0"}},
		{"h5:/dev/ttyS1?baud=921600", Spec{Kind: ThreeWire, Path: "/dev/ttyS1", Baud: 921_600}},
		{"h5:/dev/ttyS1?baud=1000000&flow=none", Spec{Kind: ThreeWire, Path: "/dev/ttyS1", Baud: 1_000_000, Flow: FlowNone}},
		{"h5:/dev/ttyS1?flow=rtscts", Spec{Kind: ThreeWire, Path: "/dev/ttyS1", Flow: FlowRTSCTS}},
		{"h5:/a%3Fb%26c%25d", Spec{Kind: ThreeWire, Path: "/a?b&c%d"}},
	}
	for _, tt := range tests {
		if got, err := ParseSpec(tt.text); err != nil || got != tt.want || got.String() != tt.text {
			t.Errorf("%s: %+v, %v; and back %s", tt.text, got, err, got)
		}
	}
}

func TestParseH5SpecRefuses(t *testing.T) {
	const firmware = "a chip's firmware is loaded over uart:; options of h5: are baud and flow"
	tests := []struct{ text, cause string }{
		{"h5:", "no path to the device"},
		{"h5", "no colon behind the kind"},
		{"H5:/dev/ttyS0", "no such kind"},
		{"h5:/dev/ttyS0?chip=bcm", firmware},
		{"h5:/dev/ttyS0?baud=9600&firmware=/lib", firmware},
		{"h5:/dev/ttyS0?baud=1", `option baud is a number from 300 to 12000000, not "1"`},
	}
	for _, tt := range tests {
		var e *SpecError
		if s, err := ParseSpec(tt.text); !errors.As(err, &e) || e.Cause != tt.cause || s != (Spec{}) {
			t.Errorf("%s: %+v, %v", tt.text, s, err)
		}
	}
}

func TestExplainH5(t *testing.T) {
	s := Spec{Kind: ThreeWire, Path: "/dev/ttyS0", Baud: 9600}
	const check = "check the wires, the power and the rate (baud=) of a controller that talks H5; for one that talks H4 write uart:/dev/ttyS0?baud=9600"
	tests := []struct {
		e             H5Error
		cause, remedy string
	}{
		{H5Error{Cause: "no SYNC RESPONSE", Err: context.DeadlineExceeded}, "no SYNC RESPONSE", check},
		{H5Error{Cause: "no SYNC RESPONSE", Err: context.Canceled}, "cancelled", ""},
		{H5Error{Cause: "read", Err: ErrGone}, "the line ended: read", "look whether the adapter is still plugged in"},
	}
	for _, tt := range tests {
		if cause, remedy := explainH5(s, &tt.e); cause != tt.cause || remedy != tt.remedy {
			t.Errorf("%v: %q, %q", &tt.e, cause, remedy)
		}
	}
}
