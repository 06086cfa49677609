package l2cap

import (
	"bytes"
	"testing"
)

func TestSignals(t *testing.T) {
	for _, c := range []struct {
		name   string
		octets []byte
		want   Signal
	}{
		{"Command Reject, not understood", []byte{0x01, 7, 2, 0, 0, 0}, Signal{CommandReject, 7, []byte{0, 0}}},
		{"Command Reject, MTU exceeded", []byte{0x01, 7, 4, 0, 1, 0, 23, 0}, Signal{CommandReject, 7, []byte{1, 0, 23, 0}}},
		{"Connection Parameter Update Request", []byte{0x12, 1, 8, 0, 6, 0, 0x80, 0x0C, 0xF3, 1, 0x80, 0x0C},
			Signal{ConnectionParameterUpdateRequest, 1, Parameters{6, 3200, 499, 3200}.AppendTo(nil)}},
		{"Connection Parameter Update Response", []byte{0x13, 255, 2, 0, 1, 0}, Signal{ConnectionParameterUpdateResponse, 255, []byte{1, 0}}},
		{"no data", []byte{0x0A, 3, 0, 0}, Signal{Code(0x0A), 3, []byte{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseSignal(c.octets)
			if err != nil || got.Code != c.want.Code || got.Identifier != c.want.Identifier || !bytes.Equal(got.Data, c.want.Data) {
				t.Errorf("parsed as %+v, %v", got, err)
			}
			if got := c.want.AppendTo([]byte{0xEE}); !bytes.Equal(got[1:], c.octets) || got[0] != 0xEE {
				t.Errorf("AppendTo gives % X", got)
			}
			for n := range c.octets {
				if _, err := ParseSignal(c.octets[:n]); err == nil {
					t.Errorf("%d octets were taken", n)
				}
			}
			if _, err := ParseSignal(append(bytes.Clone(c.octets), 0)); err == nil {
				t.Error("an octet too many was taken: LE signalling has one command to a C-frame")
			}
		})
	}
}

func TestParameters(t *testing.T) {
	octets := []byte{0x18, 0, 0x28, 0, 4, 0, 0xA4, 1}
	want := Parameters{IntervalMin: 24, IntervalMax: 40, Latency: 4, Timeout: 420}
	if got, err := ParseParameters(octets); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if got := want.AppendTo(nil); !bytes.Equal(got, octets) {
		t.Errorf("% X", got)
	}
	for n := range octets {
		if _, err := ParseParameters(octets[:n]); err == nil {
			t.Errorf("%d octets were taken", n)
		}
	}
	if _, err := ParseParameters(append(octets, 0)); err == nil {
		t.Error("nine octets were taken")
	}
}

// The bounds of Vol 4, Part E, 7.8.18, each from both sides.
func TestParametersValid(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Parameters
		want bool
	}{
		{"common", Parameters{24, 40, 0, 420}, true},
		{"shortest interval", Parameters{6, 6, 0, 10}, true},
		{"interval below 7.5 ms", Parameters{5, 6, 0, 10}, false},
		{"longest interval", Parameters{3200, 3200, 0, 3200}, true},
		{"interval above 4 s", Parameters{3200, 3201, 0, 3200}, false},
		{"minimum above maximum", Parameters{25, 24, 0, 420}, false},
		{"minimum is maximum", Parameters{24, 24, 0, 420}, true},
		{"longest latency", Parameters{6, 6, 499, 3200}, true},
		{"latency of 500", Parameters{6, 6, 500, 3200}, false},
		{"shortest time-out", Parameters{6, 39, 0, 10}, true},
		{"time-out below 100 ms", Parameters{6, 6, 0, 9}, false},
		{"time-out above 32 s", Parameters{6, 6, 0, 3201}, false},
		{"time-out of just two intervals", Parameters{40, 40, 0, 10}, false}, // 100 ms and 50 ms
		{"latency that outlasts the time-out", Parameters{80, 80, 4, 100}, false},
		{"latency just below", Parameters{80, 80, 3, 100}, true},
		{"everything at its most", Parameters{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, false},
		{"nothing", Parameters{}, false},
	} {
		if got := c.p.Valid(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestRejectReasons(t *testing.T) {
	for reason, want := range map[RejectReason]string{
		NotUnderstood: "command not understood (0x0000)", SignallingMTU: "signalling MTU exceeded (0x0001)",
		InvalidChannelInIt: "invalid CID in request (0x0002)", 7: "reject reason 0x0007",
	} {
		if reason.Error() != want {
			t.Errorf("%q, want %q", reason.Error(), want)
		}
	}
}
