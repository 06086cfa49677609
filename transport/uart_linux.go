package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

const (
	// drainPoll is how often a line is asked whether it is empty: nothing tells.
	drainPoll = 2 * time.Millisecond
	// hardwareQueue is how many octets a UART may hold that does not say how many.
	hardwareQueue = 64
	// lastWords is how long Close waits for what was written before it drops it.
	lastWords = 50 * time.Millisecond
	// usbSettle is how long USB adapters may garble what is sent after they were opened.
	usbSettle = 100 * time.Millisecond
	// baudTolerance is how far off a rate may be, in per cent: both ends together may be off by 5.
	baudTolerance = 2
)

// openUART opens the serial line of s and makes a Conn of it.
func openUART(ctx context.Context, s Spec, o Options) (Conn, error) {
	p, err := openPort(ctx, s)
	if err != nil {
		cause, remedy := explainSerial(s, err, procRoot)
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: cause, Remedy: remedy}
	}
	if o.Log != nil && !p.counts {
		o.Log.Debugf("%v: this line does not count its errors", s)
	}
	return newH4Line(p, s, o.Log), nil
}

// A port is a line of Linux. Package serial opens, reads and closes it. It can do no more than that: it knows no flow
// control and few rates, its Read blocks Close, and says the same of time-out and hang-up. So a second descriptor of
// the same line, in the runtime's poller, waits, writes, and does the rest.
type port struct {
	serial serialPort // a *serial.Port; it never blocks: it reads with VMIN and VTIME zero, and writes nothing
	file   *os.File   // the second descriptor
	raw    syscall.RawConn

	counts bool // the driver counts errors
	before LineErrors
	rate   atomic.Int64
	rtscts bool

	// A read in progress. Owner: the goroutine in Read.
	buf  []byte
	n    int
	err  error
	read func(fd uintptr) bool // made once, so that Read does not allocate

	closing sync.Once
	closed  error // of Close
}

// A serialPort is what is used of package serial's Port.
type serialPort interface {
	Read(b []byte) (int, error)
	Flush() error
	Close() error
}

// errLocked is a line that another process has locked.
var errLocked = errors.New("locked")

// openPort opens and sets a line. It is locked before anything is changed: whoever has it is not disturbed.
func openPort(ctx context.Context, s Spec) (*port, error) {
	f, err := os.OpenFile(s.Path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	p := &port{file: f, rtscts: s.Flow != FlowNone}
	p.read = p.readOnce
	if err := p.set(ctx, s); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// set makes the line what s wants.
func (p *port) set(ctx context.Context, s Spec) error {
	var err error
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return err
	}
	if _, err := p.termios(); err != nil { // no serial line
		return err
	}
	if err := p.file.SetDeadline(time.Time{}); err != nil { // fails for what the poller can't watch
		return err
	}
	if err := p.lock(); err != nil {
		return err
	}
	first, err := serial.OpenPort(&serial.Config{Name: s.Path, Baud: DefaultBaud})
	if err != nil {
		return err
	}
	p.serial = first
	if err := p.ioctlInt("TIOCEXCL", unix.TIOCEXCL, 0); err != nil {
		return err
	}
	baud := s.Baud
	if baud == 0 {
		baud = DefaultBaud
	}
	if err := p.setBaud(baud); err != nil {
		return err
	}
	p.ioctl("", setLowLatency) // not every driver can
	if errs, err := p.countErrors(); err == nil {
		p.counts, p.before = true, errs
	}
	if isUSB(s.Path) {
		select {
		case <-time.After(usbSettle):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(p.dropOutput(), p.dropInput())
}

// isUSB reports whether a line belongs to a USB adapter.
func isUSB(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	return err == nil && strings.HasPrefix(filepath.Base(real), "ttyUSB")
}

// lock keeps out other processes that lock lines.
func (p *port) lock() error {
	err := p.ioctl("flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%w: %w", unix.EBUSY, errLocked)
	}
	return err
}

// ioctl runs f on the second descriptor, which is not closed meanwhile.
func (p *port) ioctl(name string, f func(fd int) error) error {
	err := error(unix.EINTR)
	refused := p.raw.Control(func(fd uintptr) {
		for errors.Is(err, unix.EINTR) {
			err = f(int(fd))
		}
	})
	if refused != nil {
		return refused
	}
	return os.NewSyscallError(name, err)
}

// ioctlInt runs a request whose argument is a number.
func (p *port) ioctlInt(name string, request uint, value int) error {
	return p.ioctl(name, func(fd int) error { return unix.IoctlSetInt(fd, request, value) })
}

// Read implements io.Reader. It waits on the second descriptor, and reads by the first what is there.
func (p *port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	p.buf, p.n, p.err = b, 0, nil
	err := p.raw.Read(p.read)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// The deadline is the line's. If this process was late, what has come is there.
		if late := p.raw.Control(func(fd uintptr) { p.read(fd) }); late != nil {
			err = late
		} else if p.n > 0 || p.err != nil {
			err = nil
		}
	}
	p.buf = nil
	if err != nil {
		return 0, err
	}
	return p.n, p.err
}

// readOnce reads what is there. It reports whether it is done: not if nothing was there.
func (p *port) readOnce(fd uintptr) bool {
	for {
		p.n, p.err = p.serial.Read(p.buf)
		switch {
		case p.n > 0:
			p.err = nil // if there was one, it comes again
			return true
		case errors.Is(p.err, unix.EINTR):
		case errors.Is(p.err, unix.EAGAIN), errors.Is(p.err, io.EOF):
			// Package serial says EOF for nothing, and for the end.
			if hungUp(int(fd)) {
				p.err = io.EOF
				return true
			}
			p.err = nil
			return false
		default:
			return true
		}
	}
}

// hungUp reports whether a line has no other end any more: the adapter was unplugged.
func hungUp(fd int) bool {
	set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(set, 0)
		if !errors.Is(err, unix.EINTR) {
			return set[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
		}
	}
}

// Write implements io.Writer.
func (p *port) Write(b []byte) (int, error) { return p.file.Write(b) }

// SetReadDeadline implements line.
func (p *port) SetReadDeadline(t time.Time) error { return p.file.SetReadDeadline(t) }

// SetWriteDeadline implements line.
func (p *port) SetWriteDeadline(t time.Time) error { return p.file.SetWriteDeadline(t) }

// drain implements line. The kernel would do this too, and wait for ever behind a CTS that nobody raises.
func (p *port) drain(ctx context.Context) error {
	if err := p.emptied(ctx); err != nil {
		return err
	}
	empty := time.Now()
	return p.poll(ctx, func() (bool, error) {
		var n int
		err := p.ioctl("TIOCSERGETLSR", func(fd int) (err error) {
			n, err = unix.IoctlGetInt(fd, unix.TIOCSERGETLSR)
			return err
		})
		switch {
		case errors.Is(err, os.ErrClosed):
			return false, err
		case err != nil: // it does not say, and is given time
			return time.Since(empty) >= lineTime(hardwareQueue, p.baud()), nil
		}
		return n&unix.TIOCSER_TEMT != 0, nil
	})
}

// emptied waits until the kernel holds nothing any more of what was written.
func (p *port) emptied(ctx context.Context) error {
	n := 0
	err := p.poll(ctx, func() (_ bool, err error) {
		n, err = p.queued()
		return n == 0, err
	})
	if n > 0 && err != nil {
		return fmt.Errorf("%d octets do not leave: %w", n, err)
	}
	return err
}

// poll asks until the answer is yes, an error, or the context is over.
func (p *port) poll(ctx context.Context, ask func() (bool, error)) error {
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// queued returns how many octets the kernel holds of what was written.
func (p *port) queued() (n int, err error) {
	err = p.ioctl("TIOCOUTQ", func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	return n, err
}

// dropInput implements line.
func (p *port) dropInput() error { return p.ioctlInt("TCFLSH", unix.TCFLSH, unix.TCIFLUSH) }

// dropOutput implements line.
func (p *port) dropOutput() error { return p.ioctlInt("TCFLSH", unix.TCFLSH, unix.TCOFLUSH) }

// setBreak implements line.
func (p *port) setBreak(on bool) error {
	if on {
		return p.ioctlInt("TIOCSBRK", unix.TIOCSBRK, 0)
	}
	return p.ioctlInt("TIOCCBRK", unix.TIOCCBRK, 0)
}

// held implements line. A line without modem lines is not held.
func (p *port) held() bool {
	lines := unix.TIOCM_CTS
	p.ioctl("TIOCMGET", func(fd int) error {
		n, err := unix.IoctlGetInt(fd, unix.TIOCMGET)
		if err == nil {
			lines = n
		}
		return err
	})
	return p.rtscts && lines&unix.TIOCM_CTS == 0
}

// Close implements io.Closer. What was written last has a moment to leave; what has not then would hold up the kernel,
// for half a minute behind a CTS that nobody raises.
func (p *port) Close() error {
	p.closing.Do(func() { p.closed = p.close() })
	return p.closed
}

func (p *port) close() error {
	if p.serial == nil { // it was never wholly open
		return p.file.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	left := p.emptied(ctx)
	cancel()
	p.file.SetDeadline(past)
	p.ioctlInt("TIOCNXCL", unix.TIOCNXCL, 0)
	err := p.file.Close() // nobody uses it after this
	if left != nil {
		p.serial.Flush()
	}
	return errors.Join(err, p.serial.Close())
}
