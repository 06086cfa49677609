package transport

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

func TestGrowReceiveBuffer(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	err = growReceiveBuffer(fd)
	size, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if (err == nil) != (size >= receiveBuffer) { // it depends on who runs the test, but is told truly
		t.Errorf("%d octets, %v", size, err)
	}
	if err := growReceiveBuffer(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("no socket: %v", err)
	}
}

// The back-off of a busy controller, with the kernel's part played.
func TestPatiently(t *testing.T) {
	busy := os.NewSyscallError("bind", unix.EBUSY)
	type answer struct {
		again bool
		err   error
	}
	tests := []struct {
		name    string
		options Options
		answers []answer // the last for ever
		limit   time.Duration
		tries   int
		took    time.Duration
		is      []error
	}{
		{"at once", Options{}, []answer{{}}, 0, 1, 0, nil},
		{"absent", Options{}, []answer{{false, unix.ENODEV}}, 0, 1, 0, []error{unix.ENODEV}},
		{"owned", Options{}, []answer{{false, busy}}, 0, 1, 0, []error{unix.EBUSY}},
		{"ready at the third", Options{}, []answer{{true, busy}, {true, busy}, {}}, 0, 3, 150 * time.Millisecond, nil},
		{"absent after all", Options{}, []answer{{true, busy}, {false, unix.ENODEV}}, 0, 2, 50 * time.Millisecond, []error{unix.ENODEV}},
		{"never", Options{}, []answer{{true, busy}}, 0, 16, 9550 * time.Millisecond, []error{unix.EBUSY}},
		{"never, less patient", Options{BusyWait: time.Second}, []answer{{true, busy}}, 0, 5, 750 * time.Millisecond, []error{unix.EBUSY}},
		{"once", Options{BusyWait: -1}, []answer{{true, busy}}, 0, 1, 0, []error{unix.EBUSY}},
		{"out of time", Options{}, []answer{{true, busy}}, 500 * time.Millisecond, 4, 500 * time.Millisecond, []error{unix.EBUSY, context.DeadlineExceeded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				if tt.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, tt.limit)
					defer cancel()
					ctx = limited
				}
				tries, start := 0, time.Now()
				fd, err := patiently(ctx, Spec{Kind: User}, tt.options, func() (int, bool, error) {
					a := tt.answers[min(tries, len(tt.answers)-1)]
					tries++
					if a.err != nil {
						return -1, a.again, a.err
					}
					return 7, false, nil
				})
				if tries != tt.tries || time.Since(start) != tt.took {
					t.Errorf("%d tries in %v, want %d in %v", tries, time.Since(start), tt.tries, tt.took)
				}
				if (err == nil) != (tt.is == nil) || (fd == 7) != (err == nil) {
					t.Errorf("%d, %v", fd, err)
				}
				for _, is := range tt.is {
					if !errors.Is(err, is) {
						t.Errorf("%v is not %v", err, is)
					}
				}
			})
		})
	}
}

func TestPatientlySaysThatItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard bytes.Buffer
		log := logrus.New()
		log.SetOutput(&heard)
		patiently(context.Background(), Spec{Kind: User, Index: 4}, Options{Log: log}, func() (int, bool, error) { return -1, true, unix.EBUSY })
		if n := bytes.Count(heard.Bytes(), []byte("user:4 is busy, waiting up to 10s")); n != 1 {
			t.Errorf("heard %d times: %s", n, heard.String())
		}
	})
}

// By its address a controller is found wherever it is; of several with one address the one that nobody uses.
func TestPick(t *testing.T) {
	const wanted = "00:1A:7D:DA:71:13"
	a := [6]byte{0x13, 0x71, 0xDA, 0x7D, 0x1A, 0x00}
	other := [6]byte{1}
	tests := []struct {
		name  string
		list  []Adapter
		index int
		again bool
	}{
		{"none", nil, -1, false},
		{"others", []Adapter{{Index: 0, Address: other}, {Index: 1, Address: other}}, -1, false},
		{"one not read", []Adapter{{Index: 0, Address: other}, {Index: 1}}, -1, true},
		{"it", []Adapter{{Index: 0, Address: other}, {Index: 1}, {Index: 5, Address: a}}, 5, false},
		{"it, up", []Adapter{{Index: 5, Address: a, Flags: flagUp}}, 5, false},
		{"two", []Adapter{{Index: 2, Address: a}, {Index: 5, Address: a}}, 2, false},
		{"two, one free", []Adapter{{Index: 2, Address: a, Flags: flagUp}, {Index: 5, Address: a}, {Index: 7, Address: a}}, 5, false},
		{"two, none free", []Adapter{{Index: 2, Address: a, Flags: flagUp}, {Index: 5, Address: a, Flags: flagInit}}, 2, false},
	}
	for _, tt := range tests {
		index, again, err := pick(tt.list, wanted)
		if index != tt.index || again != tt.again || (index < 0) != errors.Is(err, unix.ENODEV) {
			t.Errorf("%s: %d, %v, %v", tt.name, index, again, err)
		}
	}
}

// absentIndex is the last number that a controller could have.
const absentIndex = maxIndex

// Whatever the kernel, opening a controller that is not there is a typed error with a remedy.
func TestOpenUserAbsent(t *testing.T) {
	for _, s := range []Spec{{Kind: User, Index: absentIndex}, {Kind: User, Address: "00:00:00:00:00:01"}} {
		c, err := Open(context.Background(), s, Options{BusyWait: -1})
		wantAbsent(t, c, err)
	}
}

// Waiting for one ends with its context.
func TestOpenUserWaits(t *testing.T) {
	for _, s := range []Spec{{Kind: User, Index: absentIndex}, {Kind: User, Address: "00:00:00:00:00:01"}} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		c, err := Open(ctx, s, Options{Wait: true})
		wantAbsent(t, c, err)
		if errors.Is(err, unix.ENODEV) != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: %v", s, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if a, err := AwaitAdapter(ctx, func(Adapter) bool { return false }); a != (Adapter{}) {
		t.Errorf("%v, %v", a, err)
	} else {
		wantAbsent(t, nil, err)
	}
}

// wantAbsent wants the error of a controller that is not there, on any machine.
func wantAbsent(t *testing.T, c Conn, err error) {
	t.Helper()
	var e *OpenError
	if c != nil || !errors.As(err, &e) || e.Cause == "" || e.Remedy == "" {
		t.Fatalf("%v, %#v", c, err)
	}
	for _, errno := range []error{unix.ENODEV, unix.EPERM, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT} {
		if errors.Is(err, errno) {
			return
		}
	}
	t.Errorf("unexpected: %v", err)
}

func TestAdaptersWhateverTheKernel(t *testing.T) {
	list, err := Adapters()
	if err != nil {
		var e *OpenError
		if !errors.As(err, &e) || list != nil || e.Cause == "" || e.Remedy == "" {
			t.Errorf("%v, %v", list, err)
		}
	}
	for i, a := range list {
		if a.Name == "" || i > 0 && a.Index <= list[i-1].Index {
			t.Errorf("%+v", list)
		}
	}
}
