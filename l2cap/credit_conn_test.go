package l2cap

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

// kinds are the channels that everything has to work on: both modes, and peers that give as little as they may.
var kinds = []struct {
	name     string
	link     int // octets of a fragment
	ours     ChannelConfig
	theirs   ChannelConfig
	enhanced bool
}{
	{"credit-based", 251, ChannelConfig{}, ChannelConfig{}, false},
	{"enhanced", 251, ChannelConfig{}, ChannelConfig{}, true},
	{"one credit each", 27, ChannelConfig{MTU: 100, MPS: 50, Credits: 1}, ChannelConfig{MTU: 90, MPS: 40, Credits: 1}, false},
	{"one credit each, enhanced", 27, ChannelConfig{MTU: 100, MPS: 64, Credits: 1}, ChannelConfig{MTU: 90, MPS: 64, Credits: 1}, true},
	{"MPS 23", 27, ChannelConfig{MTU: 23, MPS: 23}, ChannelConfig{MTU: 23, MPS: 23}, false},
	{"MPS 23 on long SDUs", 27, ChannelConfig{MTU: 1000, MPS: 23}, ChannelConfig{MTU: 1000, MPS: 23, Credits: 2}, false},
}

func TestConn(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				a, b, stop := dialed(t, k.link, k.ours, ListenConfig{ChannelConfig: k.theirs}, k.enhanced)
				return a, b, stop, nil
			})
		})
	}
}

// SDUs keep their bounds, empty ones too, whatever the frames and fragments.
func TestSDUs(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, stop := dialed(t, k.link, k.ours, ListenConfig{ChannelConfig: k.theirs}, k.enhanced)
				defer stop()
				sizes := []int{0, 1, k.theirs.MPS, a.PeerMTU() - 1, a.PeerMTU(), 0, 5}
				go func() {
					for _, n := range sizes {
						if err := a.WriteSDU(counting(min(n, a.PeerMTU()))); err != nil {
							t.Error(err)
						}
					}
				}()
				buf := make([]byte, 65535)
				for _, n := range sizes {
					got, err := b.ReadSDU(buf)
					if want := counting(min(n, a.PeerMTU())); err != nil || !bytes.Equal(buf[:got], want) {
						t.Fatalf("%d octets, %v; want %d", got, err, len(want))
					}
				}
				if err := a.WriteSDU(make([]byte, a.PeerMTU()+1)); !errors.Is(err, ErrTooLong) {
					t.Errorf("an SDU too long: %v", err)
				}
			})
		})
	}
}

// An SDU that does not fit stays, and a deadline ends the wait for one that does not come.
func TestReadSDU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 100, ChannelConfig{}, ListenConfig{}, false)
		defer stop()
		_ = a.WriteSDU([]byte("seven oc"))
		if _, err := b.ReadSDU(make([]byte, 3)); !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("a short buffer: %v", err)
		}
		buf := make([]byte, 20)
		if n, err := b.ReadSDU(buf); err != nil || string(buf[:n]) != "seven oc" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		_ = b.SetReadDeadline(time.Now().Add(time.Minute))
		began := time.Now()
		if _, err := b.ReadSDU(buf); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A slow reader holds the peer back: no more is on its way than the credits allow.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 251, ChannelConfig{}, ListenConfig{ChannelConfig: ChannelConfig{MTU: 1000, MPS: 100, Credits: 30}}, false)
		defer stop()
		written := 0
		go func() {
			for a.WriteSDU(make([]byte, 998)) == nil {
				written++
			}
		}()
		synctest.Wait()
		if most := 3 + maxSDUs + 1; written > most {
			t.Errorf("%d SDUs were taken, want %d at the most", written, most)
		}
		b.mu.Lock()
		waiting := len(b.in)
		b.mu.Unlock()
		if waiting != 3 {
			t.Errorf("%d SDUs wait for a reader, want 3", waiting)
		}
		before := written
		for range 10 {
			if _, err := b.ReadSDU(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if written < before+9 {
			t.Errorf("%d SDUs went on after 10 were read", written-before)
		}
		_ = a.Close()
	})
}

// Much data through a slow reader arrives whole.
func TestTransfer(t *testing.T) {
	size := 100 << 20
	if raceEnabled {
		size >>= 3 // it takes ten times as long
	}
	a, b, stop := dialed(t, 251, ChannelConfig{}, ListenConfig{}, false)
	defer stop()
	sums := make(chan [32]byte, 1)
	go func() {
		sum := sha256.New()
		random := rand.NewChaCha8([32]byte{1})
		block := make([]byte, 64<<10)
		for range size / len(block) {
			_, _ = random.Read(block)
			sum.Write(block)
			if _, err := a.Write(block); err != nil {
				t.Error(err)
			}
		}
		_ = a.Close()
		sums <- [32]byte(sum.Sum(nil))
	}()
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{b}, make([]byte, 1777))
	if err != nil || n != int64(size) || <-sums != [32]byte(sum.Sum(nil)) {
		t.Errorf("%d octets, %v", n, err)
	}
}

// Close lets what was written go first; the peer reads it all and then io.EOF. Afterwards the CIDs are free.
func TestCloseIsOrderly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 27, ChannelConfig{}, ListenConfig{}, false)
		defer stop()
		for range maxSDUs {
			_ = a.WriteSDU(make([]byte, 500))
		}
		_ = a.Close()
		_ = a.Close()
		if _, err := a.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
		if got, err := io.ReadAll(b); len(got) != maxSDUs*500 || err != nil {
			t.Errorf("%d octets, %v", len(got), err)
		}
		if _, err := b.Write([]byte{1}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write to a peer that has left: %v", err)
		}
		synctest.Wait()
		if a.mux.openChannels()+b.mux.openChannels() != 0 {
			t.Error("a channel is left")
		}
	})
}

// A peer that takes nothing does not hold a closed channel for ever.
func TestCloseLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 27, ChannelConfig{}, ListenConfig{ChannelConfig: ChannelConfig{MTU: 100, MPS: 100, Credits: 1}}, false)
		defer stop()
		for range 4 {
			_ = a.WriteSDU(make([]byte, 98))
		}
		_ = a.Close()
		time.Sleep(linger + time.Second)
		if a.mux.openChannels() != 0 {
			t.Error("the channel is left")
		}
		if _, err := io.ReadAll(b); err != nil {
			t.Error(err)
		}
	})
}

// The link's end fails what waits, with its reason.
func TestLinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, stop := dialed(t, 27, ChannelConfig{}, ListenConfig{}, false)
		gone := errors.New("out of range")
		read := make(chan error, 1)
		go func() { _, err := b.Read(make([]byte, 1)); read <- err }()
		synctest.Wait()
		b.mux.Close(gone)
		a.mux.Close(gone)
		if err := <-read; !errors.Is(err, gone) {
			t.Errorf("Read: %v", err)
		}
		if _, err := a.Write([]byte{1}); !errors.Is(err, gone) {
			t.Errorf("Write: %v", err)
		}
		if _, err := a.mux.Dial(t.Context(), testSPSM, ChannelConfig{}); !errors.Is(err, gone) {
			t.Errorf("Dial: %v", err)
		}
		_ = a.Close()
		stop()
	})
}

func BenchmarkChannel(b *testing.B) {
	x, y, stop := dialed(b, 251, ChannelConfig{}, ListenConfig{}, false)
	defer stop()
	go func() { _, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{y}) }()
	block := make([]byte, 2048)
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Write(block); err != nil {
			b.Fatal(err)
		}
	}
}
