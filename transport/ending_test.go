package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

func TestEndingFirstFailureStays(t *testing.T) {
	shut := 0
	e := &ending{shut: func() error { shut++; return nil }}
	if err := e.over(); err != nil {
		t.Fatalf("over before the end: %v", err)
	}
	first, second := errors.New("first"), errors.New("second")
	if err := e.fail(first); err != first {
		t.Errorf("fail = %v", err)
	}
	if err := e.fail(second); err != first {
		t.Errorf("second fail = %v, want the first", err)
	}
	if err := e.over(); err != first {
		t.Errorf("over = %v", err)
	}
	if err := e.Close(); err != nil || shut != 1 {
		t.Errorf("Close = %v, shut %d times", err, shut)
	}
	if err := e.over(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("over after Close = %v", err)
	}
	if err := e.fail(second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("fail after Close = %v", err)
	}
}

func TestEndingCloseKeepsItsError(t *testing.T) {
	e := &ending{shut: func() error { return io.ErrClosedPipe }}
	for range 2 {
		if err := e.Close(); err != io.ErrClosedPipe {
			t.Errorf("Close = %v", err)
		}
	}
}

func TestEndingFromManySides(t *testing.T) {
	shut := 0
	e := &ending{shut: func() error { shut++; return nil }}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if i%2 == 0 {
				e.Close()
			} else if e.fail(io.EOF) == nil {
				t.Error("fail returned nil")
			}
		})
	}
	wg.Wait()
	if shut != 1 {
		t.Errorf("shut %d times", shut)
	}
}
