package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// userPacket is the longest packet that a user channel takes, in octets with its type: the kernel's
// HCI_MAX_FRAME_SIZE.
const userPacket = 1028

// A userConn is a Conn over a user channel: one read or write of the socket is one packet.
type userConn struct {
	ending
	file    *os.File // in the runtime's poller, so that Close unblocks
	adapter Adapter

	drops   dropMeter // owner: the goroutine in ReadPacket
	unknown atomic.Int64
	dropped atomic.Int64
}

// newUserConn owns fd, which must not block.
func newUserConn(fd int, a Adapter) (*userConn, error) {
	f := os.NewFile(uintptr(fd), a.Name)
	if err := f.SetDeadline(time.Time{}); err != nil { // fails for what the poller can't watch
		f.Close()
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	c := &userConn{ending: ending{shut: f.Close}, file: f, adapter: a}
	c.drops.start(socketDrops(raw))
	return c, nil
}

// Adapter implements UserChannel.
func (c *userConn) Adapter() Adapter { return c.adapter }

// Stats implements UserChannel.
func (c *userConn) Stats() UserStats {
	return UserStats{Unknown: int(c.unknown.Load()), Dropped: int(c.dropped.Load())}
}

// ReadPacket implements Conn. Its error satisfies errors.Is(err, ErrGone), or is a *DropError.
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
		if lost := c.drops.look(); lost > 0 {
			c.dropped.Store(int64(lost))
			return 0, c.fail(&DropError{Packets: lost})
		}
		// Kernels from 6.16 on pass packets of their drivers too, of a type that is not HCI's.
		if headerOf(b[0]).size != 0 {
			return n, nil
		}
		c.unknown.Add(1)
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
