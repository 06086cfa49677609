package hci

import (
	"bytes"
	"errors"
	"testing"
)

// Every parser gets every length of octets that are all alike, all zero and all one among them: whatever
// comes of it is an error that names itself, or a value that writes itself.
func TestOctetsOfEveryLength(t *testing.T) {
	parsers := append(append(commandParsers(OpDisconnect), eventParsers()...), metaParsers()...)
	parsers = append(parsers, parser(ParseLocalVersion), parser(ParseBufferSize), parser(ParseLEBufferSize))
	for _, later := range [][]func([]byte) (any, error){laterCommandParsers(OpDisconnect), laterEventParsers(), laterMetaParsers(), laterReturnParsers()} {
		parsers = append(parsers, later...)
	}
	for _, fill := range []byte{0x00, 0x01, 0x03, 0x1F, 0x7F, 0x80, 0xFF} {
		for n := range 260 {
			b := bytes.Repeat([]byte{fill}, n)
			settles(t, b, parsers)
			for _, parse := range parsers {
				_, err := parse(b)
				var short *ShortError
				if err != nil && !errors.As(err, &short) && !errors.Is(err, InvalidHCICommandParameters) {
					t.Errorf("%d octets of %02X: %v", n, fill, err)
				}
				if short != nil && (short.Length != n || short.Want <= n) {
					t.Errorf("%d octets of %02X: %+v", n, fill, *short)
				}
			}
			_, _, _ = ParseLEMeta(b)
			_, _ = ParseACL(b)
			_, _ = ParseCommand(b)
			_, _ = ParseEvent(b)
		}
	}
}

// What a parser gives of lists is bounded by the octets that there are, not by what they say.
func TestListsAreBounded(t *testing.T) {
	lie := append([]byte{255}, make([]byte, 30)...)
	if n := testing.AllocsPerRun(10, func() { _, _ = ParseLEAdvertisingReport(lie) }); n > 4 && !raceEnabled {
		t.Errorf("%v allocations for 31 octets", n)
	}
	if e, err := ParseLEAdvertisingReport(lie); err == nil || e.Reports != nil {
		t.Errorf("%d reports, %v", len(e.Reports), err)
	}
	if e, err := ParseNumberOfCompletedPackets(lie); err == nil || e.Len() != 0 {
		t.Errorf("%d entries, %v", e.Len(), err)
	}
}
