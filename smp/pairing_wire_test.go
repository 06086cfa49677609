package smp

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keyOf(t testing.TB, text string) Key {
	t.Helper()
	b := unhex(t, text)
	if len(b) != 16 {
		t.Fatalf("key of %d octets", len(b))
	}
	return Key(b)
}

// step is one thing that happens on a recorded link.
type step struct {
	ours      bool
	pdu       []byte
	encrypted bool // the link is encrypted with the key that the recording knows, or fails to be
	status    hci.Status
}

// recording is a wire that plays the peer of a recorded pairing, and holds us to our own part of it.
type recording struct {
	t     *testing.T
	steps []step
	key   Key // that the link is encrypted with
	given bool
}

func (w *recording) send(pdu []byte) error {
	w.t.Helper()
	switch {
	case len(w.steps) == 0:
		w.t.Errorf("sent %x after the end", pdu)
	case !w.steps[0].ours:
		w.t.Errorf("sent %x when it was the peer's turn", pdu)
	case !bytes.Equal(w.steps[0].pdu, pdu):
		w.t.Errorf("sent %x, want %x", pdu, w.steps[0].pdu)
	default:
		w.steps = w.steps[1:]
		return nil
	}
	return io.ErrClosedPipe
}

func (w *recording) next(ctx context.Context) (wireEvent, error) {
	if len(w.steps) == 0 || w.steps[0].ours {
		<-ctx.Done() // the peer waits too; a person may not
		return wireEvent{}, ctx.Err()
	}
	s := w.steps[0]
	w.steps = w.steps[1:]
	if !s.encrypted {
		return wireEvent{pdu: bytes.Clone(s.pdu)}, nil
	}
	if !w.given {
		w.t.Error("waits for encryption without a key")
	}
	return wireEvent{encryption: true, status: s.status}, nil
}

func (w *recording) encrypt(key Key) error {
	w.offer(key)
	return nil
}

func (w *recording) offer(key Key) {
	if key != w.key {
		w.t.Errorf("encrypts with %x, want %x", key[:], w.key[:])
	}
	w.given = true
}

// drawn is a source of random octets that gives what the recording had.
func drawn(t *testing.T, values ...[]byte) func([]byte) {
	return func(b []byte) {
		if len(b) == 8 && (len(values) == 0 || len(values[0]) != 8) {
			return // a passkey, which is proposed only
		}
		if len(values) == 0 || len(values[0]) != len(b) {
			t.Errorf("draws %d random octets, with %d values left", len(b), len(values))
			return
		}
		copy(b, values[0])
		values = values[1:]
	}
}

func address(t testing.TB, text string, kind hci.AddressType) hci.Address {
	t.Helper()
	return hci.Address{Type: kind, Octets: [6]byte(unhex(t, text))}
}
