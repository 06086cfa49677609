package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// serve answers the first client of l: each command with an event of the same length around its parameters.
func serve(t *testing.T, l net.Listener) {
	c, err := l.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	controller := NewH4Controller(c)
	defer controller.Close()
	b := make([]byte, MaxPacket)
	for {
		n, err := controller.ReadPacket(b)
		if err != nil {
			return
		}
		if err := controller.WritePacket(packet(Event, n-4)); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenStream(t *testing.T) {
	tests := []struct{ network, address string }{
		{"tcp", "127.0.0.1:0"},
		{"unix", filepath.Join(t.TempDir(), "s")},
	}
	for _, tt := range tests {
		t.Run(tt.network, func(t *testing.T) {
			l, err := net.Listen(tt.network, tt.address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			served := make(chan struct{})
			go func() { defer close(served); serve(t, l) }()

			s, err := ParseSpec(tt.network + ":" + l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn, err := Open(context.Background(), s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, MaxPacket)
			for size := range 200 {
				if err := conn.WritePacket(packet(Command, size)); err != nil {
					t.Fatal(err)
				}
				n, err := conn.ReadPacket(b)
				if err != nil || !bytes.Equal(b[:n], packet(Event, size)) {
					t.Fatalf("size %d: % X, %v", size, b[:n], err)
				}
			}
			read := make(chan error)
			go func() { _, err := conn.ReadPacket(b); read <- err }()
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if err := <-read; !errors.Is(err, net.ErrClosed) {
				t.Errorf("reader unblocked with %v", err)
			}
			<-served
		})
	}
}

func TestOpenStreamRefused(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	_, err := Open(context.Background(), Spec{Kind: Unix, Path: missing}, Options{})
	var e *OpenError
	if !errors.As(err, &e) || !errors.Is(err, fs.ErrNotExist) || e.Cause != "there is no such socket" || e.Remedy == "" {
		t.Errorf("missing socket: %v", err)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	if _, err := Open(context.Background(), Spec{Kind: TCP, Address: address}, Options{}); !errors.As(err, &e) {
		t.Errorf("closed port: %v", err)
	}
}

func TestExplainDial(t *testing.T) {
	wrap := func(err error) error {
		return &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", err)}
	}
	tests := []struct {
		err   error
		cause string
		help  bool
	}{
		{wrap(syscall.ENOENT), "there is no such socket", true},
		{wrap(syscall.ECONNREFUSED), "nobody listens there", true},
		{wrap(syscall.EACCES), "the socket's mode does not let this user in", true},
		{fmt.Errorf("dial: %w", context.Canceled), "cancelled", false},
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), "no answer in time", true},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}, "no answer in time", true},
		{errors.New("else"), "", false},
	}
	for _, tt := range tests {
		if cause, remedy := explainDial(tt.err); cause != tt.cause || (remedy != "") != tt.help {
			t.Errorf("%v: %q, %q", tt.err, cause, remedy)
		}
	}
}
