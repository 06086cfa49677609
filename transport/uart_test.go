package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseSerialSpec(t *testing.T) {
	tests := []struct {
		text string
		want Spec
		back string // if empty, text
	}{
		{"uart:/dev/ttyAMA0", Spec{Kind: UART, Path: "/dev/ttyAMA0"}, ""},
		{"uart:/dev/ttyAMA0?baud=921600", Spec{Kind: UART, Path: "/dev/ttyAMA0", Baud: 921_600}, ""},
		{"uart:/dev/serial1?baud=3000000&flow=rtscts&chip=bcm&firmware=/lib/firmware/brcm",
			Spec{Kind: UART, Path: "/dev/serial1", Baud: 3_000_000, Flow: FlowRTSCTS, Chip: ChipBroadcom, Firmware: "/lib/firmware/brcm"}, ""},
		{"uart:/dev/x?firmware=a&chip=auto&flow=none&baud=300",
			Spec{Kind: UART, Path: "/dev/x", Baud: 300, Flow: FlowNone, Chip: ChipAuto, Firmware: "a"},
			"uart:/dev/x?baud=300&flow=none&chip=auto&firmware=a"},
		{"uart:/dev/x?chip=none", Spec{Kind: UART, Path: "/dev/x", Chip: ChipNone}, ""},
		{"uart:/dev/x?baud=0115200", Spec{Kind: UART, Path: "/dev/x", Baud: 115_200}, "uart:/dev/x?baud=115200"},
		{"uart:relative", Spec{Kind: UART, Path: "relative"}, ""},
		{"uart:/with:colon=and+plus", Spec{Kind: UART, Path: "/with:colon=and+plus"}, ""},
		{"uart:/a%3Fb%26c%25d", Spec{Kind: UART, Path: "/a?b&c%d"}, ""},
		{"uart:/a%2fb", Spec{Kind: UART, Path: "/a/b"}, "uart:/a/b"},
		{"uart:/a?firmware=/x%26y=z%3F%25", Spec{Kind: UART, Path: "/a", Firmware: "/x&y=z?%"}, ""},
		{"uart:/a?firmware=/x?y", Spec{Kind: UART, Path: "/a", Firmware: "/x?y"}, "uart:/a?firmware=/x%3Fy"},
		{"uart:COM3", Spec{Kind: UART, Path: "COM3"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseSpec(tt.text)
			if err != nil || got != tt.want {
				t.Fatalf("ParseSpec = %+v, %v; want %+v", got, err, tt.want)
			}
			back := tt.back
			if back == "" {
				back = tt.text
			}
			if got.String() != back {
				t.Errorf("String = %q, want %q", got, back)
			}
		})
	}
}

func TestParseSerialSpecRefuses(t *testing.T) {
	baud := "option baud is a number from 300 to 12000000, not "
	tests := []struct{ text, cause string }{
		{"uart:", "no path to the device"},
		{"uart:?baud=9600", "no path to the device"},
		{"uart:a\x00b", "a path can't hold a zero octet"},
		{"uart:a%00b", "a path can't hold a zero octet"},
		{"uart:a%", "a percent sign in the device is written %25"},
		{"uart:a%2", "a percent sign in the device is written %25"},
		{"uart:a%+1", "a percent sign in the device is written %25"},
		{"uart:/x?", `no option ""; there are baud, flow, chip and firmware`},
		{"uart:/x?speed=1", `no option "speed"; there are baud, flow, chip and firmware`},
		{"uart:/x?Baud=9600", `no option "Baud"; there are baud, flow, chip and firmware`},
		{"uart:/x?baud=9600&", `no option ""; there are baud, flow, chip and firmware`},
		{"uart:/x?\n=1", `no option "\n"; there are baud, flow, chip and firmware`},
		{"uart:/x?baud=9600&baud=9600", "option baud is there twice"},
		{"uart:/x?baud", baud + `""`},
		{"uart:/x?baud=", baud + `""`},
		{"uart:/x?baud=0", baud + `"0"`},
		{"uart:/x?baud=299", baud + `"299"`},
		{"uart:/x?baud=12000001", baud + `"12000001"`},
		{"uart:/x?baud=-9600", baud + `"-9600"`},
		{"uart:/x?baud=9600k", baud + `"9600k"`},
		{"uart:/x?baud=99999999999999999999", baud + `"99999999999999999999"`},
		{"uart:/x?flow=xonxoff", `option flow is rtscts or none, not "xonxoff"`},
		{"uart:/x?flow=", `option flow is rtscts or none, not ""`},
		{"uart:/x?chip=ti", `option chip is auto, bcm or none, not "ti"`},
		{"uart:/x?chip=" + strings.Repeat("y", 99), `option chip is auto, bcm or none, not "` + strings.Repeat("y", 32) + `"...`},
		{"uart:/x?firmware=", `option firmware is a folder, not ""`},
		{"uart:/x?firmware=%00", `option firmware is a folder, not "\x00"`},
		{"uart:/x?firmware=%x", "option firmware: a percent sign is written %25"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			s, err := ParseSpec(tt.text)
			var bad *SpecError
			if !errors.As(err, &bad) || s != (Spec{}) {
				t.Fatalf("ParseSpec = %+v, %v; want a SpecError", s, err)
			}
			if bad.Cause != tt.cause {
				t.Errorf("cause:\n%s\nwant:\n%s", bad.Cause, tt.cause)
			}
			if text := err.Error(); len(text) > 300 || strings.ContainsAny(text, "\n\x00") {
				t.Errorf("error %q", text)
			}
		})
	}
}

// Every Spec of a serial line that can be made is read back from its text.
func TestSerialSpecReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	text := func() string {
		b := make([]byte, 1+r.IntN(9))
		for i := range b {
			b[i] = pick("/", "?", "&", "=", "%", ":", "+", "#", "a", "2", "5", "\xFF", " ", "\n")[0]
		}
		return string(b)
	}
	for range 5000 {
		s := Spec{
			Kind: UART,
			Path: text(),
			Flow: Flow(pick("", "rtscts", "none")),
			Chip: Chip(pick("", "auto", "bcm", "none")),
		}
		if r.IntN(2) == 0 {
			s.Baud = minBaud + r.IntN(maxBaud-minBaud+1)
		}
		if r.IntN(2) == 0 {
			s.Firmware = text()
		}
		back, err := ParseSpec(s.String())
		if err != nil || back != s {
			t.Fatalf("%+v is written %q, which is read as %+v, %v", s, s, back, err)
		}
	}
}

func ExampleParseSpec_uart() {
	s, err := ParseSpec("uart:/dev/serial1?flow=none&baud=460800")
	fmt.Println(s.Path, s.Baud, s.Flow, err)
	_, err = ParseSpec("uart:/dev/serial1?flow=xon")
	fmt.Println(err.(*SpecError).Cause)
	// Output:
	// /dev/serial1 460800 none <nil>
	// option flow is rtscts or none, not "xon"
}
