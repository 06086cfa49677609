package hcitest

import (
	"time"
)

// A Packet is one line of a recording.
type Packet struct {
	At       time.Duration // on the recording's own clock
	FromHost bool
	Data     []byte // with its packet type
	Comment  string
	Line     int // in the recording, from 1
}

// ParseRecording reads lines of `seconds < hex # comment`, where < is host to controller and > controller
// to host. Empty lines and lines that begin with # are skipped.
func ParseRecording(text []byte) ([]Packet, error) { return nil, nil }

// Recording is the recording named "paired" or "key-missing", which come with this package.
func Recording(name string) ([]Packet, error) { return nil, nil }
