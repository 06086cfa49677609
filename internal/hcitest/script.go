package hcitest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// TB is what a Script needs of a *testing.T.
type TB interface {
	Helper()
	Errorf(format string, a ...any)
	Cleanup(func())
}

// ScriptConfig is what a Script may be told. Its zero value works.
type ScriptConfig struct {
	// Startup answers commands until the script's first packet comes; if nil, StartUp(Settings{}). What it
	// does not know is answered by Unknown HCI Command.
	Startup Responder
	// Early lets the host send a packet before the controller's packets that the recording has ahead of it.
	Early bool
	// After takes what the host sends when the whole script has been played, and returns the answers; if
	// nil, whatever comes then is an error of the test. It must not call the Script.
	After func(packet []byte) [][]byte
}

// Script is a controller that plays a recorded session. The host has to send the recording's packets
// octet for octet and in order; the controller's packets come when the ones before them have been seen and
// the recorded pause is over. What differs is an error of the test that shows both, and so is a script not
// played to its end when the test ends.
//
// State: guarded by the pipe's mutex.
type Script struct {
	pipe
	t       TB
	c       ScriptConfig
	packets []Packet
	host    int         // the next packet that the host has to send, or len(packets)
	at      int         // the next packet to play: seen, if it is the host's, or read
	seen    []time.Time // when the host's packets came
	base    time.Time   // when the packet before at was played
	played  chan struct{}
	failed  bool // the test has been told why the script can't be played
	over    bool // the test has ended
}

var _ transport.Conn = (*Script)(nil)

// NewScript plays packets, the first of which is the host's. Make it inside the synctest bubble, if any.
func NewScript(t TB, packets []Packet, c ScriptConfig) *Script {
	t.Helper()
	if c.Startup == nil {
		c.Startup = StartUp(Settings{})
	}
	s := &Script{pipe: newPipe(), t: t, c: c, packets: packets, seen: make([]time.Time, len(packets)), played: make(chan struct{})}
	if len(packets) == 0 || !packets[0].FromHost {
		s.mismatch("a script begins with a packet of the host")
	}
	for _, p := range packets {
		if err := checkFrame(p.FromHost, p.Data); err != nil {
			s.mismatch("%v: %v", p, err)
		}
	}
	t.Cleanup(s.finish)
	return s
}

// Played is closed when the script's last packet has been seen or read.
func (s *Script) Played() <-chan struct{} { return s.played }

// Inject makes packets the next that the host reads.
func (s *Script) Inject(packets ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push(packets...)
}

// ReadPacket implements transport.Conn.
func (s *Script) ReadPacket(b []byte) (int, error) { return s.read(b, s.next) }

// WritePacket implements transport.Conn. A packet that the script does not have is refused, after which
// nothing works.
func (s *Script) WritePacket(p []byte) error {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if err := checkFrame(true, p); err != nil {
		return s.mismatch("the host sent %x: %v", p, err)
	}
	switch {
	case s.host == len(s.packets):
		return s.after(p)
	case bytes.Equal(p, s.packets[s.host].Data):
		return s.take()
	case s.host == 0:
		return s.startup(p)
	}
	return s.differs(p)
}

// Close implements transport.Conn.
func (s *Script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
	return nil
}

// take notes the host's packet that is due.
func (s *Script) take() error {
	s.t.Helper()
	s.skip()
	if s.at < s.host && !s.c.Early {
		return s.mismatch("sent too early:\n%v\nbefore it was read:\n%v", s.packets[s.host], s.packets[s.at])
	}
	s.seen[s.host] = time.Now()
	for s.host++; s.host < len(s.packets) && !s.packets[s.host].FromHost; s.host++ {
	}
	s.skip()
	s.changed()
	return nil
}

// skip plays the host's packets that have been seen.
func (s *Script) skip() {
	for s.at < len(s.packets) && s.packets[s.at].FromHost && !s.seen[s.at].IsZero() {
		if s.seen[s.at].After(s.base) {
			s.base = s.seen[s.at]
		}
		s.advance()
	}
}

func (s *Script) advance() {
	if s.at++; s.at == len(s.packets) {
		close(s.played)
	}
}

// next plays a packet of the controller when it is due, for pipe.read.
func (s *Script) next(now time.Time) ([]byte, time.Duration) {
	s.skip()
	if s.at == 0 || s.at == len(s.packets) || s.packets[s.at].FromHost {
		return nil, -1
	}
	p := s.packets[s.at]
	due := s.base.Add(p.At - s.packets[s.at-1].At)
	if now.Before(due) {
		return nil, due.Sub(now)
	}
	s.base = due
	s.advance()
	return p.Data, 0
}

// startup answers what comes before the script.
func (s *Script) startup(p []byte) error {
	s.t.Helper()
	first, err := hci.ParseCommand(s.packets[0].Data[1:])
	if err != nil || p[0] != hci.CommandPacket {
		return s.differs(p)
	}
	command, err := hci.ParseCommand(p[1:])
	if err != nil || command.Opcode == first.Opcode {
		return s.differs(p)
	}
	answers, known := s.c.Startup(command)
	if !known {
		answers = [][]byte{unknownCommand(command.Opcode, 1)}
	}
	s.push(answers...)
	return nil
}

// after passes on what comes when the script is over.
func (s *Script) after(p []byte) error {
	s.t.Helper()
	if s.at < len(s.packets) {
		return s.mismatch("the host sent more than the script has:\n  %x\nbefore it read:\n%v", p, s.packets[s.at])
	}
	if s.c.After == nil {
		return s.mismatch("the host sent more than the script has:\n  %x", p)
	}
	s.push(s.c.After(bytes.Clone(p))...)
	return nil
}

// differs reports a packet that is not the script's.
func (s *Script) differs(p []byte) error {
	s.t.Helper()
	want := s.packets[s.host]
	i := 0
	for i < len(p) && i < len(want.Data) && p[i] == want.Data[i] {
		i++
	}
	return s.mismatch("line %d: %s: octet %d differs\n  sent %x\n  want %x", want.Line, want.Comment, i, p, want.Data)
}

// mismatch tells the test, once, and ends the script.
func (s *Script) mismatch(format string, a ...any) error {
	s.t.Helper()
	text := "hcitest: script: " + fmt.Sprintf(format, a...)
	if !s.failed && !s.over {
		s.t.Errorf("%s", text)
	}
	s.failed = true
	err := errors.New(text)
	s.fail(err)
	return err
}

// finish ends the test: whatever the script still has is an error.
func (s *Script) finish() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at < len(s.packets) && !s.failed {
		what := "the host was never ready to read"
		if s.packets[s.at].FromHost {
			what = "the host never sent"
		}
		s.t.Errorf("hcitest: script: %s:\n%v", what, s.packets[s.at])
	}
	s.over = true
	s.close()
}
