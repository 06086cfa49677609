package transport

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	tests := []struct {
		text string
		want Spec
		back string // if empty, text
	}{
		{"user:0", Spec{Kind: User}, ""},
		{"user:7", Spec{Kind: User, Index: 7}, ""},
		{"user:65534", Spec{Kind: User, Index: 65534}, ""},
		{"user:007", Spec{Kind: User, Index: 7}, "user:7"},
		{"hci0", Spec{Kind: User}, "user:0"},
		{"hci12", Spec{Kind: User, Index: 12}, "user:12"},
		{"user:hci3", Spec{Kind: User, Index: 3}, "user:3"},
		{"user:00:1A:7D:DA:71:13", Spec{Kind: User, Address: "00:1A:7D:DA:71:13"}, ""},
		{"user:00:1a:7d:da:71:13", Spec{Kind: User, Address: "00:1A:7D:DA:71:13"}, "user:00:1A:7D:DA:71:13"},
		{"unix:/run/h4.sock", Spec{Kind: Unix, Path: "/run/h4.sock"}, ""},
		{"unix:relative", Spec{Kind: Unix, Path: "relative"}, ""},
		{"unix:/with:colon", Spec{Kind: Unix, Path: "/with:colon"}, ""},
		{"unix:@abstract", Spec{Kind: Unix, Path: "@abstract"}, ""},
		{"tcp:localhost:9000", Spec{Kind: TCP, Address: "localhost:9000"}, ""},
		{"tcp:[::1]:9000", Spec{Kind: TCP, Address: "[::1]:9000"}, ""},
		{"tcp:[fe80::1%eth0]:1", Spec{Kind: TCP, Address: "[fe80::1%eth0]:1"}, ""},
		{"tcp:10.0.0.1:0080", Spec{Kind: TCP, Address: "10.0.0.1:80"}, "tcp:10.0.0.1:80"},
		{"virtual:", Spec{Kind: Virtual}, ""},
		{"virtual:oximeter?loss=3 %:x", Spec{Kind: Virtual, Rest: "oximeter?loss=3 %:x"}, ""},
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

func TestParseSpecRefuses(t *testing.T) {
	const hint = "; write user:0 (or hci0), unix:/path, tcp:host:port, uart:/dev/ttyAMA0?baud=921600, h5:/dev/ttyAMA0 or virtual:"
	number := "the controller is a number from 0 to 65534, as in user:0"
	octets := "an address has six octets, as in user:00:1A:7D:DA:71:13"
	hostPort := "a host and a port are needed, an IPv6 host in brackets"
	port := "the port is a number from 1 to 65535"
	tests := []struct{ text, cause string }{
		{"", "nothing given"},
		{"user", "no colon behind the kind"},
		{"virtual", "no colon behind the kind"},
		{"/dev/ttyS0", "no such kind"},
		{"usb:0", "no such kind"},
		{":", "no such kind"},
		{"USER:0", "no such kind"},
		{" user:0", "no such kind"},
		{"user:", number},
		{"user:-1", number},
		{"user:+1", number},
		{"user:65535", number},
		{"user:99999999999999999999", number},
		{"user:0x1", number},
		{"user:0 ", number},
		{"user:hcihci0", number},
		{"hci", number},
		{"hcix", number},
		{"user:00:1A:7D:DA:71", octets},
		{"user:00:1A:7D:DA:71:13:00", octets},
		{"user:00:00:00:00:00:00", octets},
		{"user:0:1A:7D:DA:71:13", octets},
		{"user:00:1A:7D:DA:71:1G", octets},
		{"user:00:1A:7D:DA:71:+1", octets},
		{"user:hci0:1", octets},
		{"unix:", "no path to the socket"},
		{"unix:a\x00b", "a path can't hold a zero octet"},
		{"tcp:", hostPort},
		{"tcp:localhost", hostPort},
		{"tcp::9000", hostPort},
		{"tcp:::1:9000", hostPort},
		{"tcp:host:", port},
		{"tcp:host:0", port},
		{"tcp:host:65536", port},
		{"tcp:host:http", port},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			s, err := ParseSpec(tt.text)
			var bad *SpecError
			if !errors.As(err, &bad) || s != (Spec{}) {
				t.Fatalf("ParseSpec = %+v, %v; want a SpecError", s, err)
			}
			if want := fmt.Sprintf("transport %q: %s%s", tt.text, tt.cause, hint); err.Error() != want {
				t.Errorf("error:\n%s\nwant:\n%s", err, want)
			}
		})
	}
}

func TestSpecErrorIsOneShortLine(t *testing.T) {
	_, err := ParseSpec("usb:\n\x1b[2J" + strings.Repeat("x", 1<<20))
	if text := err.Error(); len(text) > 250 || strings.ContainsAny(text, "\n\x1b") {
		t.Errorf("error of %d octets: %.300q", len(text), text)
	}
}

func TestSpecStringOfUnknownKind(t *testing.T) {
	if got := (Spec{Kind: "usb"}).String(); got != "usb:" {
		t.Errorf("String = %q", got)
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, s := range []string{"user:0", "hci1", "user:hci2", "user:00:1A:7D:DA:71:13", "unix:/a", "tcp:[::1]:1", "tcp:h:0", "virtual:x:y", "", ":", "user:",
		"uart:/dev/a", "uart:/a?baud=9600&flow=none", "uart:a%3F%25?chip=bcm&firmware=/b%26", "uart:a?baud=9600&baud=9600", "uart:%",
		"h5:/dev/a", "h5:/a?baud=9600&flow=rtscts", "h5:/a?chip=bcm"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of more than one line: %v", err)
			}
			return
		}
		back, err := ParseSpec(s.String())
		if err != nil || back != s {
			t.Errorf("%q gives %+v, whose text %q gives %+v, %v", text, s, s, back, err)
		}
	})
}
