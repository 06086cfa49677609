package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUARTCarriesPackets(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	b := make([]byte, MaxPacket)
	for size := range 200 {
		if err := c.WritePacket(packet(Command, size)); err != nil {
			t.Fatal(err)
		}
		p.receive(packet(Command, size)...)
		p.send(packet(Event, size)...)
		n, err := c.ReadPacket(b)
		if err != nil || !bytes.Equal(b[:n], packet(Event, size)) {
			t.Fatalf("size %d: % X, %v", size, b[:n], err)
		}
	}
}

// What a terminal makes of an octet, a serial line does not.
func TestUARTIsRaw(t *testing.T) {
	p := newPTY(t)
	p.send([]byte("before\n")...) // is not for us
	p.receive([]byte("before\r\n")...)
	c := p.open()
	every := packet(ACL, 256)
	for i := range 256 {
		every[5+i] = byte(i)
	}
	p.send(every...)
	b := make([]byte, MaxPacket)
	if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], every) {
		t.Errorf("% X, %v", b[:n], err)
	}
	if err := c.WritePacket(every); err != nil {
		t.Error(err)
	}
	p.receive(every...)
}

func TestUARTSettings(t *testing.T) {
	for _, s := range []Spec{{}, {Baud: 1_234_567}, {Flow: FlowNone}, {Flow: FlowRTSCTS, Baud: 50_000}, {Baud: maxBaud}} {
		p := newPTY(t)
		s.Kind, s.Path = UART, p.name
		conn, err := Open(context.Background(), s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		got, err := conn.(*h4Line).line.(*port).termios()
		if err != nil {
			t.Fatal(err)
		}
		baud := s.Baud
		if baud == 0 {
			baud = DefaultBaud
		}
		if int(got.Ospeed) != baud || conn.(Serial).Baud() != baud {
			t.Errorf("%v: %d baud, said to be %d", s, got.Ospeed, conn.(Serial).Baud())
		}
		if flow := got.Cflag&unix.CRTSCTS != 0; flow != (s.Flow != FlowNone) {
			t.Errorf("%v: RTS/CTS %v", s, flow)
		}
		if got.Lflag != 0 || got.Oflag != 0 || got.Iflag != unix.IGNBRK|unix.IGNPAR|unix.INPCK || got.Cc[unix.VMIN] != 0 || got.Cc[unix.VTIME] != 0 {
			t.Errorf("%v: not raw: %+v", s, got)
		}
		if err := conn.(Serial).SetBaud(context.Background(), 57_600); err != nil || conn.(Serial).Baud() != 57_600 {
			t.Errorf("%v: %d baud, %v", s, conn.(Serial).Baud(), err)
		}
	}
}

// The numbers are those of struct serial_icounter_struct: CTS, DSR, ring, DCD, received, sent, frame, overrun, parity,
// break, buffer overrun.
func TestParseCounts(t *testing.T) {
	var b []byte
	for i := range uint32(20) {
		b = binary.NativeEndian.AppendUint32(b, i)
	}
	if got := parseCounts(b); got != (LineErrors{Framing: 6, Overrun: 7, Parity: 8, Break: 9, Overflow: 10}) {
		t.Errorf("%+v", got)
	}
}

// A second program is told, and does not disturb the first.
func TestUARTBelongsToOne(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	if err := c.SetBaud(context.Background(), 1_000_000); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), p.spec(), Options{})
	var e *OpenError
	if !errors.As(err, &e) || !errors.Is(err, unix.EBUSY) || !errors.Is(err, errLocked) || e.Remedy == "" {
		t.Errorf("%v", err)
	}
	if got, err := c.line.(*port).termios(); err != nil || got.Ospeed != 1_000_000 {
		t.Errorf("%d baud, %v", got.Ospeed, err)
	}
	if !exclusive(t, p) {
		t.Error("the line is open to all")
	}
	c.Close()
	if exclusive(t, p) {
		t.Error("the line stays closed to others")
	}
	p.open()
}

// exclusive reports whether only root may open a pty's near end.
func exclusive(t *testing.T, p *pty) bool {
	t.Helper()
	f, err := os.OpenFile(p.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return errors.Is(err, unix.EBUSY)
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCGEXCL) })
	if err != nil {
		t.Fatal(err)
	}
	return n != 0
}

func TestUARTRefusesWhatIsNoLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	none := "this is no serial line"
	tests := []struct {
		path, cause string
		is          error
	}{
		{filepath.Join(dir, "missing"), "there is no such device", fs.ErrNotExist},
		{dir, none, unix.EISDIR},
		{file, none, unix.ENOTTY},
		{fifo, none, unix.ENOTTY},
		{"/dev/null", none, unix.ENOTTY},
	}
	before := openFiles(t)
	for _, tt := range tests {
		_, err := Open(context.Background(), Spec{Kind: UART, Path: tt.path}, Options{})
		var e *OpenError
		if !errors.As(err, &e) || !errors.Is(err, tt.is) || e.Cause != tt.cause || e.Remedy == "" {
			t.Errorf("%s: %v", tt.path, err)
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, were %d", after, before)
	}
}

// openFiles counts what this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestUARTLeavesNothingOpen(t *testing.T) {
	p := newPTY(t)
	before := openFiles(t)
	for range 20 {
		c := p.open()
		if _, err := Open(context.Background(), p.spec(), Options{}); err == nil {
			t.Fatal("opened twice")
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, were %d", after, before)
	}
}

// prompt is how long Close may take. The loaded machine of a test gets ten times as much.
const prompt = time.Second

// Close returns at once and unblocks, whatever goes on.
func TestUARTCloseInEveryState(t *testing.T) {
	long := packet(ACL, MaxPacket-5)
	tests := []struct {
		name string
		do   func(p *pty, c *h4Line) error
	}{
		{"reading", func(_ *pty, c *h4Line) error { _, err := c.ReadPacket(make([]byte, MaxPacket)); return err }},
		{"reading within a packet", func(p *pty, c *h4Line) error {
			c.in.gap = time.Hour
			p.send(Event)
			_, err := c.ReadPacket(make([]byte, MaxPacket))
			return err
		}},
		{"writing", func(_ *pty, c *h4Line) error {
			for { // nobody reads, until the line is full
				if err := c.WritePacket(long); err != nil {
					return err
				}
			}
		}},
		{"resynchronising", func(_ *pty, c *h4Line) error { return c.Resync(context.Background()) }},
		{"discarding", func(_ *pty, c *h4Line) error { return c.Discard(context.Background(), time.Hour) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPTY(t)
			c := p.open()
			done := make(chan error)
			go func() { done <- tt.do(p, c) }()
			wait := time.NewTimer(100 * time.Millisecond) // as long as it takes to be blocked, mostly
			defer wait.Stop()
			select {
			case err := <-done:
				t.Fatalf("did not block: %v", err)
			case <-wait.C:
			}
			start := time.Now()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > prompt {
				t.Errorf("took %v", took)
			}
		})
	}
}

// What was written before Close has a moment to leave.
func TestUARTCloseSendsTheLastPacket(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	if err := c.WritePacket(resetCommand); err != nil {
		t.Fatal(err)
	}
	c.Close()
	p.receive(resetCommand...)
}

func TestUARTWriteStuck(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	var err error
	var start time.Time
	for err == nil { // nobody reads
		start = time.Now()
		err = c.WritePacket(packet(ACL, 1000))
	}
	stuck, ok := errors.AsType[*StuckError](err)
	if !ok || stuck.Written >= stuck.Length || stuck.Length != 1005 || stuck.Held {
		t.Fatalf("%v", err)
	}
	if took := time.Since(start); took < stuck.Waited || stuck.Waited < writeGrace || took > stuck.Waited+prompt {
		t.Errorf("took %v", took)
	}
	if _, err := c.ReadPacket(make([]byte, MaxPacket)); err != error(stuck) {
		t.Errorf("read says %v", err)
	}
}

func TestUARTSilenceWithinAPacket(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	p.send(packet(Event, 9)[:5]...)
	start := time.Now()
	_, err := c.ReadPacket(make([]byte, MaxPacket))
	if f, ok := errors.AsType[*FrameError](err); !ok || f.Offset != 0 || f.Counters.Losses != 1 {
		t.Fatalf("%v", err)
	}
	if took := time.Since(start); took < frameGap || took > frameGap+prompt {
		t.Errorf("took %v", took)
	}
}

// The other end of the line goes away: an adapter is unplugged.
func TestUARTHungUp(t *testing.T) {
	tests := []struct {
		name string
		sent []byte
		is   error
	}{
		{"between packets", packet(Event, 1), ErrGone},
		{"within a packet", append(packet(Event, 1), packet(Event, 9)[:4]...), ErrGone},
	}
	for _, tt := range tests {
		for _, blocked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, blocked %v", tt.name, blocked), func(t *testing.T) {
				p := newPTY(t)
				c := p.open()
				b := make([]byte, MaxPacket)
				p.send(tt.sent...)
				if _, err := c.ReadPacket(b); err != nil {
					t.Fatal(err)
				}
				if !blocked {
					p.far.Close()
				}
				read := make(chan error, 1)
				go func() { _, err := c.ReadPacket(b); read <- err }()
				p.far.Close()
				err := <-read
				if !errors.Is(err, tt.is) || errors.Is(err, ErrOutOfStep) {
					t.Errorf("read says %v", err)
				}
				if _, again := c.ReadPacket(b); again != err {
					t.Errorf("and then %v", again)
				}
				if again := c.WritePacket(resetCommand); again != err {
					t.Errorf("write says %v", again)
				}
				if again := c.Resync(context.Background()); again != err {
					t.Errorf("Resync says %v", again)
				}
			})
		}
	}
}

func TestUARTHungUpWhileWriting(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	p.far.Close()
	if err := c.WritePacket(resetCommand); !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
}

// A deadline is the line's, not ours: octets that are there are read, however late.
func TestUARTReadsLate(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	l := c.line.(*port)
	l.SetReadDeadline(past)
	b := make([]byte, 8)
	if n, err := l.Read(b); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d octets, %v", n, err)
	}
	p.send(1, 2, 3)
	for got := []byte{}; len(got) < 3; {
		n, err := l.Read(b)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if n, err := l.Read(nil); n != 0 || err != nil {
		t.Errorf("empty read: %d, %v", n, err)
	}
}

// A faulty serial port does on top of its own faults what the system may do at any read.
type faulty struct {
	serialPort
	random *rand.Rand
	reads  atomic.Int64
}

func (f *faulty) Read(b []byte) (int, error) {
	f.reads.Add(1)
	if f.random.IntN(4) == 0 {
		return 0, &fs.PathError{Op: "read", Path: "serial", Err: unix.EINTR}
	}
	n, err := f.serialPort.Read(b[:1+f.random.IntN(len(b))])
	if n == 0 && errors.Is(err, io.EOF) && f.random.IntN(2) == 0 {
		err = &fs.PathError{Op: "read", Path: "serial", Err: unix.EAGAIN}
	}
	return n, err
}

func TestUARTFaultyReads(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 7))
		p := newPTY(t)
		c := p.open()
		l := c.line.(*port)
		f := &faulty{serialPort: l.serial, random: random}
		l.serial = f
		var want [][]byte
		for range 200 {
			want = append(want, packet([]byte{ACL, Event, ISO}[random.IntN(3)], random.IntN(256)))
		}
		cut := random.IntN(7)
		all := append(bytes.Join(want, nil), packet(ACL, 9)[:cut]...)
		lengths := rand.New(rand.NewPCG(seed, 8))
		go func() {
			for len(all) > 0 {
				n := min(1+lengths.IntN(600), len(all))
				if _, err := p.far.Write(all[:n]); err != nil {
					t.Error(err)
				}
				all = all[n:]
			}
		}()
		b := make([]byte, MaxPacket)
		for i, w := range want {
			if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], w) {
				t.Fatalf("seed %d, packet %d: % X, %v", seed, i, b[:n], err)
			}
		}
		if cut > 0 {
			if _, err := c.ReadPacket(b); !errors.Is(err, ErrOutOfStep) {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
		p.far.Close()
	}
}

// An end that is not noticed would be read again and again, at the cost of a whole processor.
func TestUARTDoesNotSpin(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	l := c.line.(*port)
	f := &faulty{serialPort: l.serial, random: rand.New(rand.NewPCG(1, 1))}
	l.serial = f
	b := make([]byte, MaxPacket)
	for range 5 { // each wait is a handful of reads
		p.send(packet(Event, 2)...)
		if _, err := c.ReadPacket(b); err != nil {
			t.Fatal(err)
		}
	}
	p.far.Close()
	c.ReadPacket(b)
	if n := f.reads.Load(); n > 200 {
		t.Errorf("%d reads for 5 packets and an end", n)
	}
}

// The controller's answers are read over a real line, with a chip that has to be found first.
func TestUARTResync(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	p.send(0x55, 0xAA)
	if _, err := c.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, ErrOutOfStep) {
		t.Fatalf("%v", err)
	}
	served := make(chan error, 1)
	go func() {
		served <- func() error {
			b := make([]byte, 4)
			if _, err := io.ReadFull(p.far, b); err != nil {
				return err
			}
			if !bytes.Equal(b, resetCommand) {
				return fmt.Errorf("% X", b)
			}
			_, err := p.far.Write(append([]byte{0x04, 0x0E, 0x55}, append(bytes.Clone(answered), packet(Event, 4)...)...))
			return err
		}()
	}()
	if err := c.Resync(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	b := make([]byte, MaxPacket)
	if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(Event, 4)) {
		t.Errorf("% X, %v", b[:n], err)
	}
}

func TestUARTAllocatesNothing(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	in, out := packet(ACL, 27), packet(ACL, 20)
	b, far := make([]byte, MaxPacket), make([]byte, MaxPacket)
	allocs := testing.AllocsPerRun(500, func() {
		p.far.Write(in)
		if _, err := c.ReadPacket(b); err != nil {
			t.Fatal(err)
		}
		if err := c.WritePacket(out); err != nil {
			t.Fatal(err)
		}
		p.far.Read(far)
	})
	if allocs != 0 && !raceEnabled {
		t.Errorf("%v allocations per packet each way", allocs)
	}
}
