package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// userPacket is the longest packet that a user channel takes, in octets with its type: the kernel's
	// HCI_MAX_FRAME_SIZE.
	userPacket = 1028
	// receiveBuffer is the room asked for what the kernel holds for us, in octets. When it is full the kernel
	// drops packets and says nothing.
	receiveBuffer = 1 << 20

	busyWait    = 10 * time.Second       // how long a busy controller is tried again
	busyFirst   = 50 * time.Millisecond  // the first pause
	busyLongest = 800 * time.Millisecond // pauses double up to this
)

// openUser binds the user channel of s and makes a Conn of it.
func openUser(ctx context.Context, s Spec, o Options) (Conn, error) {
	fd, err := patiently(ctx, s, o, func() (int, bool, error) { return bindOver(s.Index, o.TakeOver) })
	if err != nil {
		cause, remedy := explain(look(s.Index, err))
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: cause, Remedy: remedy}
	}
	if err := growReceiveBuffer(fd); err != nil && o.Log != nil {
		o.Log.Warnf("%v: small receive buffer, packets may be lost: %v", s, err)
	}
	c, err := newUserConn(fd, fmt.Sprintf("%s%d", hciPrefix, s.Index))
	if err != nil {
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: "the runtime can't wait for the socket"}
	}
	return c, nil
}

// patiently calls try until it says that trying again would not help, or o.BusyWait is over.
func patiently(ctx context.Context, s Spec, o Options, try func() (fd int, again bool, err error)) (int, error) {
	wait := o.BusyWait
	if wait == 0 {
		wait = busyWait
	}
	end := time.Now().Add(wait)
	for pause := busyFirst; ; pause = min(2*pause, busyLongest) {
		fd, again, err := try()
		if !again || time.Now().Add(pause).After(end) {
			return fd, err
		}
		if o.Log != nil && pause == busyFirst {
			o.Log.Infof("%v is busy, waiting up to %v", s, wait)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return -1, fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// bindOver binds the user channel of a controller. It brings down one that is up, unless it is in use: by
// whoever has its user channel, or by bluetoothd, from which only takeOver takes it. again tells that the
// kernel itself is busy with the controller, so that waiting may help.
func bindOver(index int, takeOver bool) (fd int, again bool, err error) {
	fd, err = bindUser(index)
	switch {
	case !errors.Is(err, unix.EBUSY):
		return fd, false, err
	case userHeld(index):
		return -1, false, fmt.Errorf("%w: %w", unix.EUSERS, err)
	case !isUp(index):
		return -1, true, err
	case !takeOver && bluetoothd(procRoot).pid != 0:
		return -1, false, err
	}
	bringDown(index)
	fd, err = bindUser(index)
	return fd, errors.Is(err, unix.EBUSY), err
}

// hciSocket makes a Bluetooth HCI socket, without blocking and closed on exec.
func hciSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	return fd, os.NewSyscallError("socket", err)
}

// bindUser binds the user channel of a controller and returns its socket.
func bindUser(index int) (int, error) {
	fd, err := hciSocket()
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: uint16(index), Channel: unix.HCI_CHANNEL_USER}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// growReceiveBuffer asks for receiveBuffer, past the system's limit if the capability for it is there.
func growReceiveBuffer(fd int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) == nil {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil && n < receiveBuffer {
		return fmt.Errorf("%d octets of %d", n, receiveBuffer)
	}
	return nil
}

// A userConn is a Conn over a user channel: one read or write of the socket is one packet.
type userConn struct {
	ending
	file *os.File // in the runtime's poller, so that Close unblocks
}

// newUserConn owns fd, which must not block.
func newUserConn(fd int, name string) (*userConn, error) {
	f := os.NewFile(uintptr(fd), name)
	if err := f.SetDeadline(time.Time{}); err != nil { // fails for what the poller can't watch
		f.Close()
		return nil, err
	}
	return &userConn{ending: ending{shut: f.Close}, file: f}, nil
}

// ReadPacket implements Conn. Its error satisfies errors.Is(err, ErrGone).
func (c *userConn) ReadPacket(b []byte) (int, error) {
	if err := checkBuffer(b); err != nil {
		return 0, err
	}
	for {
		if err := c.over(); err != nil {
			return 0, err
		}
		n, err := c.file.Read(b)
		if err != nil {
			return 0, c.fail(fmt.Errorf("%w: %w", ErrGone, err))
		}
		// Kernels from 6.16 on pass packets of their drivers too, of a type that is not HCI's.
		if headerOf(b[0]).size != 0 {
			return n, nil
		}
	}
}

// WritePacket implements Conn. What is not exactly one packet of at most 1028 octets, the kernel's limit, is
// refused with a *PacketError.
func (c *userConn) WritePacket(p []byte) error {
	if err := checkPacket(p, userPacket); err != nil {
		return err
	}
	if err := c.over(); err != nil {
		return err
	}
	switch _, err := c.file.Write(p); {
	case err == nil:
		return nil
	case gone(err):
		return c.fail(fmt.Errorf("%w: %w", ErrGone, err))
	default:
		if over := c.over(); over != nil { // closed meanwhile
			return over
		}
		return fmt.Errorf("write packet: %w", err)
	}
}

// gone reports whether an error of a user channel means the end of its controller. The kernel says
// so once; whoever reads on after that waits for ever.
func gone(err error) bool {
	for _, end := range []error{unix.EPIPE, unix.ENETDOWN, unix.EBADFD, unix.ENODEV, io.EOF} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
