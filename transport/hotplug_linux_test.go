package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// stages is a list of controllers that changes as time goes by: the last that has begun is returned.
func stages(t *testing.T, all map[time.Duration][]Adapter) func() ([]Adapter, error) {
	t.Helper()
	start := time.Now()
	return func() ([]Adapter, error) {
		var list []Adapter
		begun := time.Duration(-1)
		for at, l := range all {
			if at <= time.Since(start) && at > begun {
				begun, list = at, l
			}
		}
		return list, nil
	}
}

func TestAwaiting(t *testing.T) {
	hci0, hci1 := Adapter{Index: 0, Name: "hci0"}, Adapter{Index: 1, Name: "hci1", Address: [6]byte{1}}
	up := hci1
	up.Flags = flagUp
	tests := []struct {
		name   string
		stages map[time.Duration][]Adapter
		accept func(Adapter) bool
		took   time.Duration // rounded up to the next look
		waits  int
	}{
		{"there", map[time.Duration][]Adapter{0: {hci0, hci1}}, func(a Adapter) bool { return a.Index == 1 }, 0, 0},
		{"comes", map[time.Duration][]Adapter{0: {hci0}, 1200 * time.Millisecond: {hci0, hci1}}, func(a Adapter) bool { return a.Index == 1 }, 1500 * time.Millisecond, 1},
		{"any", map[time.Duration][]Adapter{time.Minute: {hci1}}, Adapter.Free, time.Minute, 1},
		{"becomes free", map[time.Duration][]Adapter{0: {up}, time.Second: {hci1}}, Adapter.Free, time.Second, 1},
		{"by address", map[time.Duration][]Adapter{0: {hci0}, time.Second: {hci0, hci1}}, func(a Adapter) bool {
			return names(Spec{Kind: User, Address: "00:00:00:00:00:01"}, a)
		}, time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				waits, start := 0, time.Now()
				a, err := awaiting(t.Context(), stages(t, tt.stages), tt.accept, nil, func([]Adapter) { waits++ })
				if err != nil || !tt.accept(a) || time.Since(start) != tt.took || waits != tt.waits {
					t.Errorf("%v, %v after %v, waits told %d times", a, err, time.Since(start), waits)
				}
			})
		})
	}
}

// News are heeded at once, the context's end too, and the kernel's refusal is not waited upon.
func TestAwaitingEnds(t *testing.T) {
	nobody := func(Adapter) bool { return false }
	synctest.Test(t, func(t *testing.T) {
		news := make(chan struct{})
		go func() {
			time.Sleep(30 * time.Millisecond)
			news <- struct{}{}
		}()
		start := time.Now()
		list := stages(t, map[time.Duration][]Adapter{20 * time.Millisecond: {{Name: "hci0"}}})
		if _, err := awaiting(t.Context(), list, Adapter.Free, news, func([]Adapter) {}); err != nil || time.Since(start) != 30*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := awaiting(ctx, stages(t, nil), nobody, nil, func([]Adapter) {})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, unix.ENODEV) || time.Since(start) != time.Minute+time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	_, err := awaiting(t.Context(), func() ([]Adapter, error) { return nil, unix.EAFNOSUPPORT }, nobody, nil, func([]Adapter) { t.Error("waits") })
	if !errors.Is(err, unix.EAFNOSUPPORT) {
		t.Errorf("%v", err)
	}
}

func TestAwaitSaysThatItWaits(t *testing.T) {
	if _, err := adapters(); err != nil {
		return // nothing is waited for where there is no Bluetooth
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var heard bytes.Buffer
	log := logrus.New()
	log.SetOutput(&heard)
	if _, err := awaitSpec(ctx, Spec{Kind: User, Index: absentIndex}, log); !errors.Is(err, unix.ENODEV) {
		t.Error(err)
	}
	if n := strings.Count(heard.String(), "waiting for user:65534; there is "); n != 1 {
		t.Errorf("heard %d times: %s", n, heard.String())
	}
}

// mgmt makes an event of the management channel.
func mgmt(event, index uint16, parameters ...byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, event)
	b = binary.LittleEndian.AppendUint16(b, index)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(parameters)))
	return append(b, parameters...)
}

func TestConcernsAdapters(t *testing.T) {
	for event, want := range map[uint16]bool{0x0004: true, 0x0005: true, 0x0006: true, 0x001D: true, 0x0020: true,
		0x0001: false, 0x000B: false, 0x0012: false, 0x001E: false, 0x0400: false} {
		if got := concernsAdapters(mgmt(event, 0)); got != want {
			t.Errorf("event 0x%04X: %v", event, got)
		}
	}
	added := mgmt(0x0004, 2)
	for n := range len(added) {
		if concernsAdapters(added[:n]) {
			t.Errorf("cut to %d octets", n)
		}
	}
}

// Events become tokens, of which one waits at the most, and stop ends the reader.
func TestWatch(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	news, stop := watch(os.NewFile(uintptr(fds[0]), "mgmt"))
	for _, event := range []uint16{0x0012, 0x0004} { // a device was found; a controller was added
		send(t, fds[1], mgmt(event, 1))
	}
	<-news
	select {
	case <-news:
		t.Error("news of what concerns nobody")
	default:
	}
	for range 100 {
		send(t, fds[1], mgmt(0x0005, 1)) // nobody listens, and nobody is held up
	}
	stop()
	if _, err := unix.Write(fds[1], []byte{0}); err != unix.EPIPE && err != unix.ECONNRESET {
		t.Errorf("the socket is still open: %v", err)
	}
}

func TestWatchAdaptersWhateverTheKernel(t *testing.T) {
	news, stop := watchAdapters()
	defer stop()
	select {
	case _, open := <-news:
		if !open {
			t.Error("closed")
		}
	default:
	}
}
