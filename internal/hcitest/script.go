package hcitest

import (
	"io"

	"github.com/jelling-ble/jelling/transport"
)

// TB is what a controller needs of a *testing.T.
type TB interface {
	Helper()
	Errorf(format string, a ...any)
	Cleanup(func())
}

// ScriptConfig is what a Script may be told. Its zero value works.
type ScriptConfig struct {
	// Startup answers commands until the script's first packet comes; if nil, StartUp(Settings{}).
	Startup Responder
	// Early lets the host send a packet before the controller's packets that the recording has ahead of it.
	Early bool
	// After takes what the host sends when the whole script has been played, and returns the answers; if
	// nil, whatever comes then is an error of the test.
	After func(packet []byte) [][]byte
}

// Script is a controller that plays a recorded session. The host has to send the recording's packets
// octet for octet and in order; the controller's packets come when the ones before them have been seen and
// the recorded pause is over. What differs is an error of the test that shows both, and so is a script not
// played to its end when the test ends.
type Script struct{}

var _ transport.Conn = (*Script)(nil)

// NewScript plays packets, the first of which is the host's.
func NewScript(t TB, packets []Packet, c ScriptConfig) *Script { return &Script{} }

// Played is closed when the script's last packet has been seen or read.
func (s *Script) Played() <-chan struct{} { return nil }

// Inject makes packets the next that the host reads.
func (s *Script) Inject(packets ...[]byte) {}

// ReadPacket implements transport.Conn.
func (s *Script) ReadPacket(b []byte) (int, error) { return 0, io.EOF }

// WritePacket implements transport.Conn.
func (s *Script) WritePacket(p []byte) error { return nil }

// Close implements transport.Conn.
func (s *Script) Close() error { return nil }
