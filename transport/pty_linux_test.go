package transport

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait for real input and output.
const patience = 10 * time.Second

// A pty is the far end of a serial line without hardware.
type pty struct {
	t    *testing.T
	far  *os.File // has deadlines
	name string   // of the near end
}

func newPTY(t *testing.T) *pty {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	raw, err := far.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{t: t, far: far}
	raw.Control(func(fd uintptr) {
		var n int
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
			p.name = fmt.Sprintf("/dev/pts/%d", n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	far.SetDeadline(time.Now().Add(patience))
	return p
}

// spec is the near end, without flow control, which no pty has.
func (p *pty) spec() Spec { return Spec{Kind: UART, Path: p.name, Flow: FlowNone} }

// open opens the near end.
func (p *pty) open() *h4Line {
	p.t.Helper()
	conn, err := Open(context.Background(), p.spec(), Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn.(*h4Line)
}

// send writes to the near end.
func (p *pty) send(b ...byte) {
	p.t.Helper()
	if _, err := p.far.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// receive wants the near end to have written this.
func (p *pty) receive(want ...byte) {
	p.t.Helper()
	got := make([]byte, 0, len(want))
	for len(got) < len(want) {
		n, err := p.far.Read(got[len(got):cap(got)])
		if err != nil {
			p.t.Fatalf("after % X: %v", got, err)
		}
		got = got[:len(got)+n]
	}
	if !bytes.Equal(got, want) {
		p.t.Fatalf("received % X, want % X", got, want)
	}
}
