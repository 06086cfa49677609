package hcitest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// recorder stands for the test that a Script tells of its errors.
type recorder struct {
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, a...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// end runs the cleanups and returns what was reported.
func (r *recorder) end() string {
	for _, f := range r.cleanups {
		f()
	}
	return strings.Join(r.errors, "\n")
}

func octetsOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// get reads one packet.
func get(t *testing.T, c transport.Conn) []byte {
	t.Helper()
	b := make([]byte, transport.MaxPacket)
	n, err := c.ReadPacket(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// put writes one packet.
func put(t *testing.T, c transport.Conn, p []byte) {
	t.Helper()
	if err := c.WritePacket(p); err != nil {
		t.Fatal(err)
	}
}

// act is a host that does what was recorded.
func act(t *testing.T, c transport.Conn, packets []Packet) {
	t.Helper()
	for _, p := range packets {
		if p.FromHost {
			put(t, c, p.Data)
		} else if got := get(t, c); string(got) != string(p.Data) {
			t.Fatalf("read %x, want %v", got, p)
		}
	}
}

func TestScriptPlaysRecordings(t *testing.T) {
	for _, name := range []string{"paired", "key-missing"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				packets := recording(t, name)
				s := NewScript(t, packets, ScriptConfig{})
				put(t, s, packets[0].Data)
				began := time.Now()
				var paused time.Duration // before packets of the controller: the host makes no pauses here
				for i, p := range packets[1:] {
					act(t, s, []Packet{p})
					if !p.FromHost {
						paused += p.At - packets[i].At
					}
					if got := time.Since(began); got != paused {
						t.Errorf("%v: after %v, want %v", p, got, paused)
					}
				}
				select {
				case <-s.Played():
				default:
					t.Error("the script is not played")
				}
			})
		})
	}
}

// TestScriptCountsPausesFromTheHost lets the host take its time: the controller's pause begins afterwards.
func TestScriptCountsPausesFromTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "paired")[:3]
		s := NewScript(t, packets, ScriptConfig{})
		time.Sleep(time.Hour)
		put(t, s, packets[0].Data)
		began := time.Now()
		act(t, s, packets[1:])
		if got, want := time.Since(began), packets[2].At-packets[0].At; got != want {
			t.Errorf("took %v, want %v", got, want)
		}
	})
}

// TestScriptSlowReader reads long after packets were due: they come at once, and the clock goes on from
// when they were due.
func TestScriptSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "paired")[:4]
		s := NewScript(t, packets, ScriptConfig{})
		put(t, s, packets[0].Data)
		time.Sleep(time.Minute)
		began := time.Now()
		act(t, s, packets[1:])
		if got := time.Since(began); got != 0 {
			t.Errorf("took %v, want none", got)
		}
	})
}

func TestScriptWaitsForTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "paired")
		s := NewScript(t, packets, ScriptConfig{})
		act(t, s, packets[:4])
		read := make(chan []byte)
		go func() { read <- get(t, s) }()
		time.Sleep(time.Hour)
		select {
		case p := <-read:
			t.Errorf("read %x before the Pairing Request", p)
		default:
		}
		put(t, s, packets[4].Data)
		if got := <-read; string(got) != string(packets[5].Data) {
			t.Errorf("read %x, want %v", got, packets[5])
		}
		act(t, s, packets[6:])
	})
}

func TestScriptMismatch(t *testing.T) {
	paired := recording(t, "paired")
	broken := append([]Packet{paired[0]}, Packet{FromHost: true, Data: []byte{1, 3}, Line: 2})
	for _, c := range []struct {
		name    string
		packets []Packet
		play    int    // packets that go well
		send    string // hex of what comes then; empty for nothing
		want    []string
	}{
		{"an octet of a pairing request", paired, 4, "0210000b000700060001030000100001", []string{
			"line 5: SMP Pairing Request", "octet 12 differs",
			"sent 0210000b000700060001030000100001", "want 0210000b000700060001030001100001",
		}},
		{"cut", paired, 4, "0210000100ff", []string{"octet 3 differs"}},
		{"another packet", paired, 4, "01060403100005", []string{"octet 0 differs", "want 0210000b"}},
		{"no packet", paired, 4, "02", []string{"the host sent 02"}},
		{"nothing at all", paired, 4, "-", []string{"the host sent : a packet of 0 octets"}},
		{"too early", paired, 2, "0210000b000700060001030001100001", []string{
			"too early", "line 5: < 0210000b", "before it was read:\nline 3: > 043e13",
		}},
		{"another peer", paired, 0, "010d201960003000000031f0ff051c00002800380000002a0000000000", []string{"line 1: LE Create Connection", "octet 10 differs"}},
		{"data before the script", paired, 0, "0210000100ff", []string{"line 1: LE Create Connection", "octet 0 differs"}},
		{"more than the script has", paired[:1], 1, "01030c00", []string{"more than the script has:\n  01030c00"}},
		{"more than the script has, and unread packets", paired[:3], 2, "01030c00", []string{"more than the script has:\n  01030c00", "line 3: >"}},
		{"the host never sent", paired, 4, "", []string{"the host never sent:\nline 5: < 0210000b0007000600010300", "SMP Pairing Request"}},
		{"the host never read", paired, 5, "", []string{"never ready to read:\nline 6: > 0413"}},
		{"no script", nil, 0, "", []string{"begins with a packet of the host"}},
		{"begins with the controller", paired[1:], 0, "", []string{"begins with a packet of the host"}},
		{"not a packet", broken, 0, "", []string{"line 2: < 0103"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				s := NewScript(r, c.packets, ScriptConfig{})
				act(t, s, c.packets[:c.play])
				if c.send != "" {
					err := s.WritePacket(octetsOf(t, strings.TrimPrefix(c.send, "-")))
					if err == nil {
						t.Error("the packet was taken")
					}
					if _, readErr := s.ReadPacket(make([]byte, transport.MaxPacket)); readErr == nil || readErr.Error() != err.Error() {
						t.Errorf("reading gives %v, want %v", readErr, err)
					}
					if again := s.WritePacket([]byte{1, 3, 0x0C, 0}); again == nil || again.Error() != err.Error() {
						t.Errorf("writing on gives %v, want %v", again, err)
					}
				}
				got := r.end()
				if len(r.errors) != 1 {
					t.Errorf("%d errors, want one: %q", len(r.errors), r.errors)
				}
				for _, want := range c.want {
					if !strings.Contains(got, want) {
						t.Errorf("reported %q, want %q in it", got, want)
					}
				}
			})
		})
	}
}

// TestScriptEarly sends Start Encryption before the Security Request has come.
func TestScriptEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "key-missing")[:7]
		s := NewScript(t, packets, ScriptConfig{Early: true})
		put(t, s, packets[0].Data)
		began := time.Now()
		act(t, s, packets[1:3])
		put(t, s, packets[4].Data)
		act(t, s, []Packet{packets[3], packets[5], packets[6]})
		// The pause before the host's own packet is not the controller's.
		if got, want := time.Since(began), packets[6].At-packets[0].At-(packets[4].At-packets[3].At); got != want {
			t.Errorf("took %v, want %v", got, want)
		}
		<-s.Played()
	})
}

func TestScriptStartup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "paired")[:3]
		s := NewScript(t, packets, ScriptConfig{Startup: StartUp(Settings{ACLBuffers: 1})})
		for _, c := range []struct{ send, want string }{
			{"01030c00", "040e0401030c00"},
			{"01022000", "040e070102200" + "01b0001"},
			{"01012008ff00000000000000", "040e0401012000"},
			{"01022000", "040e070102200" + "01b0001"},
			{"01ffff00", "040f040101ffff"},
		} {
			put(t, s, octetsOf(t, c.send))
			if got := fmt.Sprintf("%x", get(t, s)); got != c.want {
				t.Errorf("%s is answered by %s, want %s", c.send, got, c.want)
			}
		}
		act(t, s, packets)
	})
}

func TestScriptStartupEndsWithTheFirstPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		packets := recording(t, "paired")
		s := NewScript(r, packets, ScriptConfig{})
		act(t, s, packets[:3])
		if err := s.WritePacket([]byte{1, 3, 0x0C, 0}); err == nil {
			t.Error("a Reset in the middle was answered")
		}
		if got := r.end(); !strings.Contains(got, "sent 01030c00") {
			t.Errorf("reported %q", got)
		}
	})
}

func TestScriptAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "key-missing")[:7]
		var after []string
		s := NewScript(t, packets, ScriptConfig{After: func(p []byte) [][]byte {
			after = append(after, fmt.Sprintf("%x", p))
			return [][]byte{{4, 0x10, 1, 0}}
		}})
		act(t, s, packets)
		put(t, s, octetsOf(t, "0210000100ff"))
		if got := fmt.Sprintf("%x", get(t, s)); got != "04100100" {
			t.Errorf("read %s", got)
		}
		s.Inject([]byte{4, 0x10, 1, 7})
		if got := fmt.Sprintf("%x", get(t, s)); got != "04100107" {
			t.Errorf("read %s of what was injected", got)
		}
		if len(after) != 1 || after[0] != "0210000100ff" {
			t.Errorf("after the script came %q", after)
		}
	})
}

func TestScriptInjectGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "paired")[:2]
		s := NewScript(t, packets, ScriptConfig{})
		put(t, s, packets[0].Data)
		s.Inject([]byte{4, 0x10, 1, 7})
		if got := get(t, s); got[1] != byte(hci.EvHardwareError) {
			t.Errorf("read %x, want what was injected", got)
		}
		act(t, s, packets[1:])
	})
}

func TestScriptClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets := recording(t, "paired")
		r := &recorder{}
		s := NewScript(r, packets, ScriptConfig{})
		put(t, s, packets[0].Data)
		done := make(chan error)
		go func() {
			b := make([]byte, transport.MaxPacket)
			var err error
			for err == nil {
				_, err = s.ReadPacket(b)
			}
			done <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a read that waited ended with %v", err)
		}
		if _, err := s.ReadPacket(make([]byte, transport.MaxPacket)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading a closed script: %v", err)
		}
		if err := s.WritePacket(packets[4].Data); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing a closed script: %v", err)
		}
		if got := r.end(); !strings.Contains(got, "line") {
			t.Errorf("a script closed half way was reported as %q", got)
		}
	})
}

// ExampleScript plays the recording in which a pulse oximeter has lost its key, up to the moment when the
// host learns of it.
func ExampleScript() {
	packets, err := Recording("key-missing")
	if err != nil {
		fmt.Println(err)
		return
	}
	t := &recorder{} // a *testing.T, in a test
	s := NewScript(t, packets[:2], ScriptConfig{})
	b := make([]byte, transport.MaxPacket)

	_ = s.WritePacket(hci.AppendCommand(nil, hci.Reset))
	n, _ := s.ReadPacket(b)
	fmt.Printf("start-up: %x\n", b[:n])

	_ = s.WritePacket(packets[0].Data)
	n, _ = s.ReadPacket(b)
	fmt.Printf("script:   %x\n", b[:n])
	fmt.Printf("errors:   %q\n", t.end())
	// Output:
	// start-up: 040e0401030c00
	// script:   040f0400020d20
	// errors:   ""
}
