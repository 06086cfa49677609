package hcitest

import (
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// maxSeconds bounds a recording's clock to a year, far from what a time.Duration can't hold.
const maxSeconds = 366 * 24 * 3600

// A Packet is one line of a recording.
type Packet struct {
	At       time.Duration // on the recording's own clock
	FromHost bool
	Data     []byte // with its packet type
	Comment  string
	Line     int // in the recording, from 1
}

// String is the packet as a recording has it, with its line in place of its time.
func (p Packet) String() string {
	direction := ">"
	if p.FromHost {
		direction = "<"
	}
	return fmt.Sprintf("line %d: %s %x  # %s", p.Line, direction, p.Data, p.Comment)
}

//go:embed testdata/paired.txt testdata/key-missing.txt
var recordings embed.FS

// Recording is one of the recordings that come with this package: "paired", in which a pulse oximeter pairs
// with a bond, or "key-missing", in which it comes back without its key.
func Recording(name string) ([]Packet, error) {
	text, err := recordings.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("hcitest: no recording %q", name)
	}
	return ParseRecording(text)
}

// ParseRecording reads lines of `seconds < hex # comment`, where < is host to controller and > controller
// to host. Empty lines and lines that begin with # are skipped. Every packet has to be well framed and of a
// type that goes its way, and time does not run backwards.
func ParseRecording(text []byte) ([]Packet, error) {
	var packets []Packet
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := parseLine(line)
		if err == nil && len(packets) > 0 && p.At < packets[len(packets)-1].At {
			err = fmt.Errorf("earlier than the line before")
		}
		if err != nil {
			return nil, fmt.Errorf("hcitest: recording: line %d: %w", i+1, err)
		}
		p.Line = i + 1
		packets = append(packets, p)
	}
	return packets, nil
}

func parseLine(line string) (p Packet, err error) {
	head, comment, _ := strings.Cut(line, "#")
	p.Comment = strings.TrimSpace(comment)
	words := strings.Fields(head)
	if len(words) != 3 || words[1] != "<" && words[1] != ">" {
		return p, fmt.Errorf("want: seconds < hex # comment")
	}
	p.FromHost = words[1] == "<"
	if p.At, err = parseSeconds(words[0]); err != nil {
		return p, err
	}
	if p.Data, err = hex.DecodeString(words[2]); err != nil {
		return p, err
	}
	return p, checkFrame(p.FromHost, p.Data)
}

// parseSeconds reads seconds with up to nine decimals, without the rounding of a float.
func parseSeconds(text string) (time.Duration, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseUint(whole, 10, 32)
	if err != nil || s > maxSeconds || len(fraction) > 9 {
		return 0, fmt.Errorf("%q is no time in seconds", text)
	}
	ns, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no time in seconds", text)
	}
	return time.Duration(s)*time.Second + time.Duration(ns), nil
}

// checkFrame tells why data is not one whole packet that goes that way.
func checkFrame(fromHost bool, data []byte) (err error) {
	if len(data) == 0 || len(data) > transport.MaxPacket {
		return fmt.Errorf("a packet of %d octets", len(data))
	}
	switch kind := data[0]; {
	case kind == hci.CommandPacket && fromHost:
		_, err = hci.ParseCommand(data[1:])
	case kind == hci.EventPacket && !fromHost:
		_, err = hci.ParseEvent(data[1:])
	case kind == hci.ACLPacket:
		_, err = hci.ParseACL(data[1:])
	default:
		err = fmt.Errorf("packet type 0x%02X does not go this way", kind)
	}
	return err
}
