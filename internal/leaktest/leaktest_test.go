package leaktest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A recorder is a testing.TB that notes what Check does to it.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(f string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, a...))
}

// end runs the cleanups as the test runner would.
func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

// impatient lowers the time allowed, for tests that do leak.
func impatient(t *testing.T) {
	old := ticks
	ticks = 3
	t.Cleanup(func() { ticks = old })
}

func waitFor(stop <-chan struct{}) { <-stop }

func TestCheckReportsALeak(t *testing.T) {
	impatient(t)
	stop := make(chan struct{})
	defer close(stop)
	r := &recorder{TB: t}
	Check(r)
	go waitFor(stop)
	r.end()
	if len(r.errors) != 1 {
		t.Fatalf("errors = %q, want one", r.errors)
	}
	for _, want := range []string{"1 goroutine(s) left behind", "leaktest.waitFor", "TestCheckReportsALeak"} {
		if !strings.Contains(r.errors[0], want) {
			t.Errorf("report does not contain %q:\n%s", want, r.errors[0])
		}
	}
}

func TestCheckReportsALeakOfForeignCodeWeStarted(t *testing.T) {
	impatient(t)
	r := &recorder{TB: t}
	Check(r)
	done := make(chan struct{})
	timer := time.AfterFunc(time.Hour, func() {})
	defer timer.Stop()
	go func() { <-done }()
	r.end()
	close(done)
	if len(r.errors) != 1 {
		t.Fatalf("errors = %q, want one: the goroutine, not the timer", r.errors)
	}
}

func TestCheckPasses(t *testing.T) {
	for _, c := range []struct {
		name string
		body func(t *testing.T, r *recorder)
	}{
		{"nothing started", func(*testing.T, *recorder) {}},
		{"ended before the test did", func(*testing.T, *recorder) {
			done := make(chan struct{})
			go close(done)
			<-done
		}},
		{"ends a little later", func(*testing.T, *recorder) {
			timer := time.NewTimer(3 * tick)
			go func() { <-timer.C }()
		}},
		{"ended by a later cleanup", func(_ *testing.T, r *recorder) {
			stop := make(chan struct{})
			go waitFor(stop)
			r.Cleanup(func() { close(stop) })
		}},
		{"a subtest is not a leak", func(t *testing.T, _ *recorder) {
			t.Run("inner", func(*testing.T) {})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{TB: t}
			Check(r)
			c.body(t, r)
			r.end()
			if len(r.errors) > 0 {
				t.Errorf("reported: %q", r.errors)
			}
		})
	}
}

func TestCheckLeavesEarlierGoroutinesAlone(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go waitFor(stop)
	r := &recorder{TB: t}
	Check(r)
	r.end()
	if len(r.errors) > 0 {
		t.Errorf("reported a goroutine that was there before: %q", r.errors)
	}
}

func TestCheckInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		Check(t)
		stop := make(chan struct{})
		go waitFor(stop)
		synctest.Wait()
		close(stop)
	})
}

type runner func() int

func (f runner) Run() int { return f() }

func TestMainStatus(t *testing.T) {
	impatient(t)
	stop := make(chan struct{})
	defer close(stop)
	for _, c := range []struct {
		name string
		run  runner
		want int
		says string
	}{
		{"clean", func() int { return 0 }, 0, ""},
		{"failed tests keep their status", func() int { return 2 }, 2, ""},
		{"leak", func() int { go waitFor(stop); return 0 }, 1, "leaktest.waitFor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w strings.Builder
			if got := run(c.run, &w); got != c.want {
				t.Errorf("status %d, want %d\n%s", got, c.want, &w)
			}
			if !strings.Contains(w.String(), c.says) || (c.says == "" && w.Len() > 0) {
				t.Errorf("said %q, want it to contain %q", &w, c.says)
			}
		})
	}
}

// TestMainExits runs this test binary again with a TestMain whose tests leak, and wants it to fail.
func TestMainExits(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), leakEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "1 goroutine(s) left behind") {
		t.Errorf("a leaking package passed: %v\n%s", err, out)
	}
}

const leakEnv = "LEAKTEST_LEAK"

func TestMain(m *testing.M) {
	if os.Getenv(leakEnv) != "" {
		ticks = 3
		go waitFor(make(chan struct{}))
	}
	Main(m)
}

func TestParse(t *testing.T) {
	const header = "goroutine 1 [running]:\n" + module + "/internal/leaktest.dump()\n\t/x/leaktest.go:1 +0x1\n"
	for _, c := range []struct {
		name, entry string
		want        []string
	}{
		{"alone", "", nil},
		{"ours on the stack", "\ngoroutine 21 [chan receive]:\n" + module + "/l2cap.(*Mux).loop(0x1)\n\t/x/mux.go:3 +0x1\n", []string{"21"}},
		{"ours started it", "\ngoroutine 22 [IO wait]:\nnet.(*conn).Read(0x1)\n\t/x/net.go:3 +0x1\ncreated by " + module + "/transport.Open in goroutine 1\n\t/x/open.go:2 +0x2\n", []string{"22"}},
		{"ours in a bubble", "\ngoroutine 23 [select (durable), synctest bubble 7]:\n" + module + "/smp.run()\n\t/x/smp.go:3 +0x1\n", []string{"23"}},
		{"the library's own", "\ngoroutine 24 [IO wait]:\nnet.(*conn).Read(0x1)\n\t/x/net.go:3 +0x1\ncreated by net/http.serve in goroutine 1\n", nil},
		{"a neighbour's module", "\ngoroutine 25 [select]:\n" + module + "-extra/x.f()\n\t/x/x.go:3 +0x1\n", nil},
		{"a test that waits", "\ngoroutine 26 [chan receive]:\n" + module + "/gap.TestX(0x1)\n\t/x/x.go:3 +0x1\ntesting.tRunner(0x1, 0x2)\n\t/x/testing.go:1 +0x1\n", nil},
		{"our path only in a file name", "\ngoroutine 27 [select]:\nfoo.f()\n\t/src/" + module + "/x.go:3 +0x1\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, g := range parse([]byte(header + c.entry)) {
				got = append(got, g.id)
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("parse = %q, want %q", got, c.want)
			}
		})
	}
}
