package transport

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"
)

// h5Controller serves a controller's end of a link at the far end, as soon as the near end is opened.
func (p *pty) h5Controller() <-chan *H5 {
	up := make(chan *H5, 1)
	go func() {
		c, err := NewH5Controller(p.t.Context(), p.far, H5Config{Window: 7})
		if err != nil {
			p.t.Error(err)
		}
		up <- c
	}()
	return up
}

// Both ends over a terminal of the kernel, which cuts and joins what is written.
func TestOpenH5(t *testing.T) {
	p := newPTY(t)
	up := p.h5Controller()
	s := Spec{Kind: ThreeWire, Path: p.name, Baud: 1_000_000}
	conn, err := Open(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := <-up
	defer c.Close()
	b := make([]byte, MaxPacket)
	for size := range 300 {
		if err := conn.WritePacket(packet(ACL, size)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(ACL, size)) {
			t.Fatalf("size %d: % X, %v", size, b[:n], err)
		}
		if err := c.WritePacket(packet(ISO, size*10)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(ISO, size*10)) {
			t.Fatalf("size %d: %d octets, %v", size*10, n, err)
		}
	}
	if got := conn.(*H5).Link(); got != (H5Link{Window: h5UsualWindow, CRC: true}) {
		t.Errorf("agreed on %+v", got)
	}
	if got := conn.(*H5).Counters(); got.Line != (LineErrors{}) {
		t.Errorf("%+v", got)
	}
	c.Close() // the cable is pulled
	if _, err := conn.ReadPacket(b); !errors.Is(err, ErrGone) {
		t.Errorf("after it: %v", err)
	}
}

func TestOpenH5NoAnswer(t *testing.T) {
	p := newPTY(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	s := Spec{Kind: ThreeWire, Path: p.name}
	_, err := Open(ctx, s, Options{})
	var e *OpenError
	if !errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) || e.Spec != s ||
		e.Cause != "nothing came in answer to SYNC" || e.Remedy == "" {
		t.Errorf("%+v", err)
	}
	conn, err := openPort(t.Context(), s) // it was let go
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestOpenH5Missing(t *testing.T) {
	_, err := Open(t.Context(), Spec{Kind: ThreeWire, Path: t.TempDir() + "/ttyNone"}, Options{})
	var e *OpenError
	if !errors.As(err, &e) || !errors.Is(err, fs.ErrNotExist) || e.Cause != "there is no such device" {
		t.Errorf("%v", err)
	}
}
