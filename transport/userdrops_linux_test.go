package transport

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// counting is a meter on a count that the test sets.
func counting(count *uint32, asked *int) dropMeter {
	var m dropMeter
	m.start(func() (uint32, error) { *asked++; return *count, nil })
	*asked = 0
	return m
}

// It asks at every sixteenth packet, and after a second.
func TestDropMeterAsksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked int
		count := uint32(7) // from before
		m := counting(&count, &asked)
		for i := range 10 * dropEvery {
			if lost := m.look(); lost != 0 {
				t.Fatalf("packet %d: %d lost", i, lost)
			}
		}
		if asked != 10 {
			t.Errorf("asked %d times at %d packets", asked, 10*dropEvery)
		}
		time.Sleep(dropPeriod - time.Nanosecond)
		m.look()
		time.Sleep(time.Nanosecond)
		m.look()
		if asked != 11 {
			t.Errorf("asked %d times after a second", asked)
		}
		m.look()
		if asked != 11 {
			t.Errorf("asked %d times at the next packet", asked)
		}
	})
}

func TestDropMeterCounts(t *testing.T) {
	var asked int
	count := ^uint32(0) - 1 // it begins anew
	m := counting(&count, &asked)
	count += 5
	lost := 0
	for packets := 0; lost == 0; packets++ {
		if packets > dropEvery {
			t.Fatal("not noticed")
		}
		lost = m.look()
	}
	if lost != 5 {
		t.Errorf("%d lost, want 5", lost)
	}
}

// A kernel that can't tell is not asked again, and a socket that was closed has lost nothing.
func TestDropMeterWithoutCount(t *testing.T) {
	var m dropMeter
	m.start(func() (uint32, error) { return 9, unix.ENOPROTOOPT })
	for range 2 * dropEvery {
		if lost := m.look(); lost != 0 {
			t.Errorf("%d lost", lost)
		}
	}
	fails := false
	m.start(func() (uint32, error) {
		if fails {
			return 99, os.ErrClosed
		}
		return 0, nil
	})
	fails = true
	for range 2 * dropEvery {
		if lost := m.look(); lost != 0 {
			t.Errorf("%d lost", lost)
		}
	}
}

// A drop ends the Conn with its own error, for the writer too, and says how many there were.
func TestUserConnDrops(t *testing.T) {
	c, far := userPair(t)
	var asked int
	var count uint32
	c.drops = counting(&count, &asked)
	b := make([]byte, MaxPacket)
	for range 2 * dropEvery {
		send(t, far, packet(Event, 1))
	}
	count = 3
	var err error
	read := 0
	for ; err == nil; read++ {
		_, err = c.ReadPacket(b)
	}
	var drop *DropError
	if !errors.As(err, &drop) || drop.Packets != 3 || !errors.Is(err, ErrOutOfStep) || errors.Is(err, ErrGone) || read != dropEvery {
		t.Errorf("after %d packets: %v", read, err)
	}
	if !strings.Contains(err.Error(), "the kernel dropped 3 packets") {
		t.Errorf("error %q", err)
	}
	if err := c.WritePacket(packet(Command, 0)); !errors.As(err, &drop) {
		t.Errorf("write: %v", err)
	}
	if got := c.Stats(); got.Dropped != 3 {
		t.Errorf("%+v", got)
	}
}

// datagrams returns a Conn over a socket that drops what it has no room for, as a user channel does, and its sender.
func datagrams(t *testing.T) (*userConn, int) {
	t.Helper()
	sockets := [2]int{}
	for i := range sockets {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		sockets[i] = fd
	}
	t.Cleanup(func() { unix.Close(sockets[1]) })
	if err := unix.Bind(sockets[0], &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(sockets[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(sockets[1], name); err != nil {
		t.Fatal(err)
	}
	c, err := newUserConn(sockets[0], Adapter{Name: "hci0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, sockets[1]
}

// The kernel's own count, of a socket that overflows: it is noticed before what was queued is read to its end.
func TestSocketDrops(t *testing.T) {
	c, far := datagrams(t)
	if c.drops.ask == nil {
		t.Fatal("this kernel does not count")
	}
	p := packet(ACL, 1000)
	const sent = 2000 // far more than a socket's buffer holds
	for range sent {
		send(t, far, p)
	}
	b := make([]byte, MaxPacket)
	read := 0
	for {
		n, err := c.ReadPacket(b)
		if drop, ok := errors.AsType[*DropError](err); ok {
			if read > dropEvery || drop.Packets < 1 || drop.Packets >= sent {
				t.Errorf("%d packets read, %d dropped", read, drop.Packets)
			}
			return
		}
		if err != nil || !bytes.Equal(b[:n], p) {
			t.Fatalf("packet %d: %v", read, err)
		}
		if read++; read == sent {
			t.Fatal("nothing was dropped")
		}
	}
}

func TestSocketDropsOfNoSocket(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := socketDrops(raw)(); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("%d, %v", n, err)
	}
}
