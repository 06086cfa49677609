package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// userPair returns a userConn over a socket that keeps packets apart as a user channel does, and the far end.
func userPair(t *testing.T) (*userConn, int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newUserConn(fds[0], Adapter{Name: "hci0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); unix.Close(fds[1]) })
	return c, fds[1]
}

func send(t *testing.T, fd int, p []byte) {
	t.Helper()
	if _, err := unix.Write(fd, p); err != nil {
		t.Fatal(err)
	}
}

func TestUserConnOneReadOnePacket(t *testing.T) {
	c, far := userPair(t)
	want := [][]byte{packet(Event, 4), packet(ACL, 1023), packet(Event, 0), packet(ISO, 9)}
	for _, p := range want {
		send(t, far, p)
	}
	b := make([]byte, MaxPacket)
	for _, p := range want {
		if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], p) {
			t.Errorf("% X, %v; want % X", b[:n], err, p)
		}
	}
	if _, err := c.ReadPacket(b[1:]); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("short buffer: %v", err)
	}
}

// The driver's own packets (0xF1 since 6.16) and whatever else is not HCI pass by.
func TestUserConnIgnoresForeignTypes(t *testing.T) {
	c, far := userPair(t)
	for _, typ := range []byte{0xF1, 0x00, 0x07, 0xFF} {
		send(t, far, []byte{typ, 1, 2, 3})
	}
	send(t, far, packet(Event, 1))
	b := make([]byte, MaxPacket)
	if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(Event, 1)) {
		t.Errorf("% X, %v", b[:n], err)
	}
	if got := c.Stats(); got != (UserStats{Unknown: 4}) {
		t.Errorf("%+v", got)
	}
}

// Who taps it can still be told what it is.
func TestUserConnIsAUserChannel(t *testing.T) {
	c, _ := userPair(t)
	c.adapter = Adapter{Index: 3, Name: "hci3", Address: [6]byte{1, 2, 3, 4, 5, 6}, Bus: 1}
	var out sink
	capture := NewCapture(&out, CaptureConfig{})
	u, ok := As[UserChannel](Tap(c, capture, Adapter{Index: 7}))
	if !ok || u.Adapter() != c.adapter || u.Stats() != (UserStats{}) {
		t.Errorf("%v, %v", u, ok)
	}
	if err := capture.Close(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, records(t, &out.buf), "3 new index 0001"+"010203040506"+"6863693300000000", "3 open index ", "3 index info 010203040506ffff")
}

func TestUserConnWrite(t *testing.T) {
	c, far := userPair(t)
	b := make([]byte, MaxPacket)
	for _, p := range [][]byte{packet(Command, 0), packet(ACL, userPacket-5), packet(ISO, 3), packet(SCO, 3)} {
		if err := c.WritePacket(p); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(far, b); err != nil || !bytes.Equal(b[:n], p) {
			t.Errorf("% X, %v", b[:n], err)
		}
	}
	for _, p := range [][]byte{nil, {1}, packet(ACL, userPacket-4), packet(ACL, 3)[:7], {0xF1, 0, 0, 0}} {
		if err := c.WritePacket(p); !errors.As(err, new(*PacketError)) {
			t.Errorf("% .8X: %v", p, err)
		}
	}
	if n, err := unix.Read(far, b); err != unix.EAGAIN {
		t.Errorf("something refused was written: %d octets, %v", n, err)
	}
}

// When the controller goes, reader and writer both hear that it is gone, and hear it ever after.
func TestUserConnGone(t *testing.T) {
	c, far := userPair(t)
	read := make(chan error)
	go func() { _, err := c.ReadPacket(make([]byte, MaxPacket)); read <- err }()
	unix.Shutdown(far, unix.SHUT_RDWR)
	if err := <-read; !errors.Is(err, ErrGone) || errors.Is(err, net.ErrClosed) {
		t.Errorf("reader: %v", err)
	}
	for range 2 {
		if err := c.WritePacket(packet(Command, 0)); !errors.Is(err, ErrGone) {
			t.Errorf("writer: %v", err)
		}
		if _, err := c.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, ErrGone) {
			t.Errorf("reader again: %v", err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.WritePacket(packet(Command, 0)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A writer that learns it first unblocks the reader: the kernel tells only one of them.
func TestUserConnGoneUnblocksReader(t *testing.T) {
	c, far := userPair(t)
	read := make(chan error)
	go func() { _, err := c.ReadPacket(make([]byte, MaxPacket)); read <- err }()
	unix.Shutdown(far, unix.SHUT_RD) // writes towards it give EPIPE, the reader stays
	if err := c.WritePacket(packet(Command, 0)); !errors.Is(err, ErrGone) || !errors.Is(err, unix.EPIPE) {
		t.Errorf("writer: %v", err)
	}
	if err := <-read; !errors.Is(err, ErrGone) {
		t.Errorf("reader: %v", err)
	}
}

func TestUserConnClose(t *testing.T) {
	t.Run("reading", func(t *testing.T) {
		c, _ := userPair(t)
		read := make(chan error)
		go func() { _, err := c.ReadPacket(make([]byte, MaxPacket)); read <- err }()
		c.Close()
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Errorf("reader: %v", err)
		}
	})
	t.Run("writing", func(t *testing.T) {
		c, _ := userPair(t)
		wrote := make(chan error)
		full := make(chan struct{}, 1<<16)
		go func() {
			for {
				if err := c.WritePacket(packet(ACL, 1000)); err != nil {
					wrote <- err
					return
				}
				full <- struct{}{}
			}
		}()
		<-full
		c.Close() // from wherever the writer is by now
		if err := <-wrote; !errors.Is(err, net.ErrClosed) {
			t.Errorf("writer: %v", err)
		}
	})
	t.Run("twice", func(t *testing.T) {
		c, _ := userPair(t)
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
	})
}

// An error that is not the controller's end concerns one packet only.
func TestUserConnWriteErrorIsNotTheEnd(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	c, err := newUserConn(fds[0], Adapter{Name: "hci0"}) // can't be written to
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.WritePacket(packet(Command, 0)); !errors.Is(err, unix.EBADF) || errors.Is(err, ErrGone) {
		t.Errorf("write: %v", err)
	}
	send(t, fds[1], packet(Event, 0))
	b := make([]byte, MaxPacket)
	if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(Event, 0)) {
		t.Errorf("read after it: % X, %v", b[:n], err)
	}
}

func TestGone(t *testing.T) {
	for _, err := range []error{unix.EPIPE, unix.ENETDOWN, unix.EBADFD, unix.ENODEV} {
		if !gone(&os.PathError{Op: "write", Path: "hci0", Err: err}) {
			t.Errorf("%v does not end it", err)
		}
	}
	for _, err := range []error{unix.ENOMEM, unix.EINVAL, unix.ENOBUFS, os.ErrClosed} {
		if gone(err) {
			t.Errorf("%v ends it", err)
		}
	}
}

func TestNewUserConnNeedsThePoller(t *testing.T) {
	fd, err := unix.Open(os.Args[0], unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0) // a regular file
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newUserConn(fd, Adapter{Name: "hci0"}); !errors.Is(err, os.ErrNoDeadline) {
		t.Errorf("%v", err)
	}
	if err := unix.Close(fd); err != unix.EBADF {
		t.Errorf("descriptor left open: %v", err)
	}
}

func TestUserConnDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		return
	}
	c, far := userPair(t)
	b, p := make([]byte, MaxPacket), packet(ACL, 251)
	if n := testing.AllocsPerRun(500, func() {
		if err := c.WritePacket(p); err != nil {
			t.Fatal(err)
		}
		n, err := unix.Read(far, b)
		if err != nil {
			t.Fatal(err)
		}
		send(t, far, b[:n])
		if _, err := c.ReadPacket(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per packet there and back", n)
	}
}
