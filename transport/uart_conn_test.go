package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// A rig is a Conn over a line in memory, with a controller.
type rig struct {
	*h4Line
	t    *testing.T
	line *simLine
	chip *simChip
	log  *bytes.Buffer
}

// inRig runs a test in a bubble.
func inRig(t *testing.T, s Spec, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newSimLine()
		log := &bytes.Buffer{}
		logger := logrus.New()
		logger.SetOutput(log)
		s.Kind, s.Path = UART, "/dev/sim"
		r := &rig{h4Line: newH4Line(l, s, logger), t: t, line: l, chip: newSimChip(l), log: log}
		defer r.Close()
		f(r)
	})
}

// next reads a packet.
func (r *rig) next() ([]byte, error) {
	b := make([]byte, MaxPacket)
	n, err := r.ReadPacket(b)
	return b[:n], err
}

// gets wants a packet to be read.
func (r *rig) gets(want []byte) {
	r.t.Helper()
	if got, err := r.next(); err != nil || !bytes.Equal(got, want) {
		r.t.Fatalf("read % X, %v; want % X", got, err, want)
	}
}

// works wants a command to be answered.
func (r *rig) works() {
	r.t.Helper()
	if err := r.WritePacket([]byte{Command, 0x01, 0x10, 0x00}); err != nil {
		r.t.Fatal(err)
	}
	r.gets([]byte{Event, 0x0E, 0x04, 0x01, 0x01, 0x10, 0x00})
}

// stopped wants the Conn to say this error and no other.
func (r *rig) stopped(want error) {
	r.t.Helper()
	if _, err := r.next(); err != want {
		r.t.Errorf("read says %v, want %v", err, want)
	}
	if err := r.WritePacket(resetCommand); err != want {
		r.t.Errorf("write says %v, want %v", err, want)
	}
}

// resyncs wants the Conn to come back, with so many resets so far.
func (r *rig) resyncs(resets int) {
	r.t.Helper()
	if err := r.Resync(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	if got := r.Counters().Resets; got != resets {
		r.t.Errorf("%d resets counted, want %d", got, resets)
	}
	r.works()
}

func TestLineOutOfStep(t *testing.T) {
	tests := []struct {
		name   string
		sent   []byte
		offset int64
		typ    byte
		length int
		cause  string
		after  time.Duration
	}{
		{"bad type", []byte{0x55}, 0, 0x55, 0, "0x55 is no packet type", 0},
		{"bad type behind a packet", append(packet(Event, 3), 0xFF), 6, 0xFF, 0, "0xFF is no packet type", 0},
		{"command", resetCommand, 0, Command, 0, "command packet in the wrong direction", 0},
		{"too long", []byte{ACL, 0, 0, 0xFF, 0xFF}, 0, ACL, 0xFFFF, "ACL packet of 65540 octets, at most 4096", 0},
		{"silence behind the type", []byte{Event}, 0, Event, 2, "packet of type 0x04: 1 octets, then nothing for 200ms", frameGap},
		{"silence in the header", []byte{ACL, 1, 2}, 0, ACL, 4, "packet of type 0x02: 3 octets, then nothing for 200ms", frameGap},
		{"silence before the last octet", packet(Event, 5)[:7], 0, Event, 7, "packet of type 0x04: 7 octets, then nothing for 200ms", frameGap},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, Spec{}, func(r *rig) {
				r.line.errors = LineErrors{Overrun: 2, Framing: 1}
				r.line.send(tt.sent...)
				start := time.Now()
				var err error
				for err == nil {
					_, err = r.next()
				}
				var f *FrameError
				if !errors.As(err, &f) || !errors.Is(err, ErrOutOfStep) || errors.Is(err, ErrGone) {
					t.Fatalf("%v", err)
				}
				want := FrameError{tt.offset, tt.typ, tt.length, tt.cause, Counters{Losses: 1, Line: r.line.errors}}
				if *f != want {
					t.Errorf("%+v\nwant %+v", *f, want)
				}
				if !strings.HasSuffix(err.Error(), tt.cause+" (loss 1 of this line; 2 overruns, 1 framing error)") {
					t.Errorf("text %q", err)
				}
				if took := time.Since(start); took != tt.after {
					t.Errorf("found after %v, want %v", took, tt.after)
				}
				r.stopped(err)
				if n := strings.Count(r.log.String(), "out of step"); n != 1 {
					t.Errorf("%d lines in the log:\n%s", n, r.log)
				}
				r.resyncs(1)
				r.line.send(0x55)
				if _, err := r.next(); !errors.As(err, &f) || f.Counters.Losses != 2 || f.Counters.Resets != 1 {
					t.Errorf("second loss: %+v", err)
				}
				r.resyncs(2)
			})
		})
	}
}

// A packet may come slowly, and a line may be silent between packets for as long as it likes.
func TestLineIsPatient(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		want := packet(ACL, 20)
		go func() {
			time.Sleep(time.Hour)
			for _, octet := range want {
				r.line.send(octet)
				time.Sleep(frameGap - 1)
			}
			time.Sleep(time.Hour)
			r.line.send(want...)
		}()
		r.gets(want)
		r.gets(want)
	})
}

func TestLinePassesOverVendorPackets(t *testing.T) {
	diagnostics := append([]byte{0x07}, make([]byte, 63)...)
	tests := []struct {
		name   string
		chip   Chip
		sent   []byte
		passed int
	}{
		{"Broadcom", ChipBroadcom, append(bytes.Clone(diagnostics), 0x00, 0x31, 0x34, 0x00), 5},
		{"Broadcom, twice", ChipBroadcom, append(bytes.Clone(diagnostics), diagnostics...), 2},
		{"Texas Instruments", ChipTI, []byte{0x30, 0x31, 0x32, 0x33}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, Spec{}, func(r *rig) {
				r.SetChip(tt.chip)
				r.line.send(tt.sent...)
				r.works()
				if got := r.Counters(); got != (Counters{Vendor: tt.passed}) {
					t.Errorf("counters %+v, want %d passed over", got, tt.passed)
				}
			})
			for _, other := range []Chip{"", ChipAuto, ChipNone} {
				inRig(t, Spec{Chip: other}, func(r *rig) {
					r.line.send(tt.sent...)
					if _, err := r.next(); !errors.Is(err, ErrOutOfStep) {
						t.Errorf("chip %q: %v", other, err)
					}
				})
			}
		})
	}
}

func TestLineVendorPacketCutShort(t *testing.T) {
	inRig(t, Spec{Chip: ChipBroadcom}, func(r *rig) {
		r.line.send(append([]byte{0x07}, make([]byte, 62)...)...)
		_, err := r.next()
		if f, ok := errors.AsType[*FrameError](err); !ok || f.Cause != "packet of type 0x07: 63 octets, then nothing for 200ms" {
			t.Errorf("%v", err)
		}
	})
}

func TestLineStuck(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.line.stuck = true
		start := time.Now()
		err := r.WritePacket(packet(ACL, 200))
		stuck, ok := errors.AsType[*StuckError](err)
		if !ok || !errors.Is(err, ErrOutOfStep) || errors.Is(err, ErrGone) {
			t.Fatalf("%v", err)
		}
		limit := r.patience(205)
		if stuck.Written != simRoom || stuck.Length != 205 || stuck.Waited != limit || !stuck.Held || stuck.Counters.Losses != 1 {
			t.Errorf("%+v", stuck)
		}
		if took := time.Since(start); took != limit || limit < writeGrace || limit > 2*writeGrace {
			t.Errorf("took %v, limit %v", took, limit)
		}
		if want := "write packet: out of step: 64 of 205 octets in 2.373s: the controller does not raise CTS (loss 1 of this line; no line errors)"; err.Error() != want {
			t.Errorf("text %q, want %q", err, want)
		}
		r.stopped(err)
		r.line.unstick()
		r.resyncs(1)
	})
}

// A line that is only slow is not stuck.
func TestLineSlow(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.line.stuck = true
		go func() {
			time.Sleep(writeGrace)
			r.line.unstick()
		}()
		if err := r.WritePacket(packet(ACL, 200)); err != nil {
			t.Error(err)
		}
	})
}

func TestLineHungUp(t *testing.T) {
	for _, end := range []error{io.EOF, syscall.EIO} {
		inRig(t, Spec{}, func(r *rig) {
			r.line.send(packet(Event, 1)...)
			r.line.send(packet(Event, 9)[:5]...)
			r.line.change(func() { r.line.hung = end })
			r.gets(packet(Event, 1))
			_, err := r.next()
			if !errors.Is(err, ErrGone) || errors.Is(err, ErrOutOfStep) {
				t.Errorf("read says %v", err)
			}
			r.stopped(err)
			if err := r.Resync(context.Background()); !errors.Is(err, ErrGone) {
				t.Errorf("Resync says %v", err)
			}
		})
		inRig(t, Spec{}, func(r *rig) {
			r.line.change(func() { r.line.hung = end })
			err := r.WritePacket(resetCommand)
			if !errors.Is(err, ErrGone) || !errors.Is(err, end) {
				t.Errorf("write says %v", err)
			}
			r.stopped(err)
		})
		inRig(t, Spec{}, func(r *rig) {
			r.line.change(func() { r.line.hung = end })
			err := r.Resync(context.Background())
			if !errors.Is(err, ErrGone) || !errors.Is(err, end) {
				t.Errorf("Resync says %v", err)
			}
			r.stopped(err)
		})
	}
}

func TestLineRefusesWhatIsNoPacket(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		var refused *PacketError
		if err := r.WritePacket([]byte{Command, 1}); !errors.As(err, &refused) {
			t.Errorf("%v", err)
		}
		if _, err := r.ReadPacket(make([]byte, MaxPacket-1)); !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("%v", err)
		}
		r.works()
	})
}

func TestLineBaud(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		ctx := context.Background()
		if r.Baud() != DefaultBaud {
			t.Errorf("%d baud", r.Baud())
		}
		if err := r.SetBaud(ctx, 1_234_567); err != nil || r.Baud() != 1_234_567 {
			t.Errorf("%d baud, %v", r.Baud(), err)
		}
		var impossible *BaudError
		if err := r.SetBaud(ctx, 5_000_000); !errors.As(err, &impossible) || *impossible != (BaudError{Want: 5_000_000, Got: 1_234_567}) {
			t.Errorf("%v", err)
		}
		r.chip.rate = 1_234_567
		r.works()
	})
}

// The rate changes only behind what was written.
func TestLineBaudWaitsForTheLine(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.line.stuck = true
		if err := r.WritePacket(resetCommand); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second)
			if got := r.line.baud(); got != DefaultBaud {
				t.Errorf("%d baud while octets wait", got)
			}
			r.line.change(func() { r.line.out = nil })
		}()
		start := time.Now()
		if err := r.SetBaud(context.Background(), 921_600); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		r.line.change(func() { r.line.out = []byte{0} })
		start = time.Now()
		if err := r.SetBaud(context.Background(), 115_200); !errors.Is(err, context.DeadlineExceeded) || r.Baud() != 921_600 {
			t.Errorf("%v, %d baud", err, r.Baud())
		}
		if took := time.Since(start); took != r.patience(0) {
			t.Errorf("gave up after %v", took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if err := r.SetBaud(ctx, 115_200); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

// What a chip sends while it starts anew is no loss of step, and a reader does not notice.
func TestLineDiscard(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		read := make(chan []byte)
		r.line.send(Event, 0x0E) // the reader is within a packet
		go func() {
			b, err := r.next()
			if err != nil {
				t.Error(err)
			}
			read <- b
		}()
		synctest.Wait()
		go func() {
			time.Sleep(150 * time.Millisecond)
			r.line.send(0xAA, 0x55, 0x00)
		}()
		start := time.Now()
		if err := r.Discard(context.Background(), 300*time.Millisecond); err != nil || time.Since(start) != 300*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := r.WritePacket(resetCommand); err != nil {
			t.Error(err)
		}
		if got := <-read; !isResetAnswer(got) {
			t.Errorf("read % X", got)
		}
		if got := r.Counters(); got.Losses != 0 {
			t.Errorf("%+v", got)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.Discard(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		r.works()
	})
}

// Discard does not call off writes.
func TestLineDiscardLetsWrite(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.line.stuck = true
		written := make(chan error)
		go func() { written <- r.WritePacket(packet(ACL, 200)) }()
		synctest.Wait()
		if err := r.Discard(context.Background(), time.Second); err != nil {
			t.Error(err)
		}
		r.line.unstick()
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

func TestLineBreak(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		start := time.Now()
		if err := r.Break(context.Background(), 10*time.Millisecond); err != nil || time.Since(start) != 10*time.Millisecond || r.line.breaks != 1 {
			t.Errorf("%v, %d breaks in %v", err, r.line.breaks, time.Since(start))
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.Break(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		r.works()
	})
}

// Close returns at once and leaves nothing running, whatever goes on.
func TestLineCloseInEveryState(t *testing.T) {
	ctx := context.Background()
	states := []struct {
		name string
		do   func(r *rig) error
	}{
		{"reading", func(r *rig) error { _, err := r.next(); return err }},
		{"reading within a packet", func(r *rig) error { r.line.send(Event); _, err := r.next(); return err }},
		{"writing", func(r *rig) error { r.line.stuck = true; return r.WritePacket(packet(ACL, 200)) }},
		{"waiting to write", func(r *rig) error {
			r.line.stuck = true
			go r.WritePacket(packet(ACL, 200))
			time.Sleep(time.Microsecond)
			return r.WritePacket(resetCommand)
		}},
		{"changing the rate", func(r *rig) error {
			r.line.change(func() { r.line.out = []byte{0} })
			return r.SetBaud(ctx, 9600)
		}},
		{"resynchronising", func(r *rig) error { r.chip.deaf = true; return r.Resync(ctx) }},
		{"resynchronising a stuck line", func(r *rig) error { r.line.stuck, r.line.room = true, 2; return r.Resync(ctx) }},
		{"waiting to resynchronise", func(r *rig) error {
			r.chip.deaf = true
			go r.Resync(ctx)
			time.Sleep(time.Microsecond)
			return r.Resync(ctx)
		}},
		{"discarding", func(r *rig) error { return r.Discard(ctx, time.Hour) }},
		{"reading while discarding", func(r *rig) error {
			go r.Discard(ctx, time.Hour)
			time.Sleep(time.Microsecond)
			_, err := r.next()
			return err
		}},
		{"in a break", func(r *rig) error { return r.Break(ctx, time.Hour) }},
	}
	for _, tt := range states {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, Spec{}, func(r *rig) {
				done := make(chan error)
				go func() { done <- tt.do(r) }()
				time.Sleep(time.Millisecond)
				start := time.Now()
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				if err := <-done; !errors.Is(err, net.ErrClosed) {
					t.Errorf("%v", err)
				}
				if took := time.Since(start); took > 100*time.Millisecond {
					t.Errorf("took %v", took)
				}
				if err := r.Close(); err != nil {
					t.Errorf("second Close: %v", err)
				}
				r.stopped(errClosed)
				for what, err := range map[string]error{
					"Resync":  r.Resync(ctx),
					"SetBaud": r.SetBaud(ctx, 9600),
					"Discard": r.Discard(ctx, 0),
					"Break":   r.Break(ctx, 0),
				} {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("%s after Close: %v", what, err)
					}
				}
			})
		})
	}
}

// Who has waited for his turn while the Conn was resynchronised is turned away.
func TestLineTurnsAwayTheLate(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.writing <- struct{}{}
		late := make(chan error)
		go func() { late <- r.WritePacket(resetCommand) }()
		synctest.Wait()
		r.mu.Lock()
		r.epoch++
		r.mu.Unlock()
		<-r.writing
		if err := <-late; err != errResyncing {
			t.Errorf("%v", err)
		}
		r.works()
	})
}

func TestLineErrorTexts(t *testing.T) {
	tests := []struct {
		err  error
		want string
		is   []error
	}{
		{&BaudError{Want: 4_000_000, Got: 115_200}, "the line does not do 4000000 baud, and is at 115200", nil},
		{&BaudError{Want: 7, Err: syscall.EINVAL}, "7 baud refused: invalid argument", []error{syscall.EINVAL}},
		{&StuckError{Length: 4, Waited: time.Second}, "write packet: out of step: 0 of 4 octets in 1s: the line takes no more", []error{ErrOutOfStep}},
		{&ResyncError{Rates: []int{115_200, 921_600}, Resets: 6},
			"out of step: no answer to 6 resets at 115200, 921600 baud: nothing came back; no line errors", []error{ErrOutOfStep}},
		{&ResyncError{Rates: []int{9600}, Resets: 1, Received: 3, Held: true, Line: LineErrors{Break: 1}, Err: context.Canceled},
			"out of step: no answer to 1 resets at 9600 baud: 3 octets came back, none of them the answer; the controller does not raise CTS; 1 break; context canceled",
			[]error{ErrOutOfStep, context.Canceled}},
	}
	for _, tt := range tests {
		if tt.err.Error() != tt.want {
			t.Errorf("%q\nwant %q", tt.err, tt.want)
		}
		for _, is := range tt.is {
			if !errors.Is(tt.err, is) {
				t.Errorf("%v is not %v", tt.err, is)
			}
		}
	}
	all := LineErrors{1, 2, 3, 4, 5}
	if want := "1 overrun, 2 buffer overflows, 3 framing errors, 4 parity errors, 5 breaks"; all.String() != want {
		t.Errorf("%q, want %q", all, want)
	}
	if diff := all.Sub(LineErrors{1, 1, 1, 1, 1}); diff != (LineErrors{0, 1, 2, 3, 4}) {
		t.Errorf("%+v", diff)
	}
}

// A tap hides nothing of what is below.
func TestAs(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		tapped := &tap{Conn: &tap{Conn: r.h4Line}}
		if s, ok := As[Serial](tapped); !ok || s != Serial(r.h4Line) {
			t.Errorf("Serial %v, %v", s, ok)
		}
		if s, ok := As[Resyncer](tapped); !ok || s != Resyncer(r.h4Line) {
			t.Errorf("Resyncer %v, %v", s, ok)
		}
		if _, ok := As[Serial](&tap{Conn: NewH4(stream{})}); ok {
			t.Error("a stream is a Serial")
		}
		if _, ok := As[Serial](nil); ok {
			t.Error("nothing is a Serial")
		}
	})
}

// A line is cut into the same packets as a socket, but for those of the chip's vendor; nothing is lost track of.
func FuzzLine(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add(append(packet(Event, 3), 0x55), byte(0))
	f.Add(append(append([]byte{0x07}, make([]byte, 63)...), packet(ACL, 4)...), byte(1))
	f.Add(append([]byte{0x00, 0x31, 0x34}, packet(ISO, 4)...), byte(1))
	f.Add(append([]byte{0x30, 0x33}, packet(SCO, 4)[:3]...), byte(2))
	f.Fuzz(func(t *testing.T, in []byte, which byte) {
		chip := []Chip{ChipNone, ChipBroadcom, ChipTI}[which%3]
		l := newSimLine()
		l.send(in...)
		l.hung = io.EOF
		c := newH4Line(l, Spec{Kind: UART, Chip: chip}, nil)
		defer c.Close()
		want, wantErr := readAll(bytes.NewReader(in))
		b := make([]byte, MaxPacket)
		var octets int64
		for i := 0; ; i++ {
			n, err := c.ReadPacket(b)
			if c.framer.offset > int64(len(in)) {
				t.Fatalf("%d octets read of %d", c.framer.offset, len(in))
			}
			if err != nil {
				if out, gone := errors.Is(err, ErrOutOfStep), errors.Is(err, ErrGone); out == gone {
					t.Errorf("%v", err)
				}
				if chip == ChipNone && (i != len(want) || errors.Is(err, ErrGone) != errors.Is(wantErr, ErrGone)) {
					t.Errorf("%d packets, %v; want %d, %v", i, err, len(want), wantErr)
				}
				break
			}
			if octets += int64(n); octets+c.in.passedOver.Load() > c.framer.offset {
				t.Errorf("%d octets in packets, %d in all", octets, c.framer.offset)
			}
			if chip == ChipNone && !bytes.Equal(b[:n], want[i]) {
				t.Errorf("packet %d is % X, want % X", i, b[:n], want[i])
			}
		}
	})
}
