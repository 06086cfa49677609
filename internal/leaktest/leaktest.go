package leaktest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	// module is the path below which a function is ours.
	module = "github.com/jelling-ble/jelling"

	// A goroutine that was told to end needs a moment to do so, and nothing announces its end. First the
	// processor is yielded to it, then it gets real time, for a machine under load.
	yields = 1000
	tick   = 10 * time.Millisecond
)

// ticks bounds the real time: two seconds. This package's own tests lower it where a leak is certain.
var ticks = 200

// Check fails t when a goroutine of this module that started after Check was called is still there once
// the test and the Cleanups registered after Check have ended. It reports the stack of each.
func Check(t testing.TB) {
	t.Helper()
	before := map[string]bool{}
	for _, g := range ours() {
		before[g.id] = true
	}
	t.Cleanup(func() {
		t.Helper()
		if left := settle(before); len(left) > 0 {
			t.Errorf("leaktest: %s", report(left))
		}
	})
}

// Main runs the tests of a package and exits, with status 1 when all of them passed but goroutines of this
// module are left behind. Call it from TestMain.
func Main(m *testing.M) {
	os.Exit(run(m, os.Stderr))
}

func run(m interface{ Run() int }, w io.Writer) int {
	if code := m.Run(); code != 0 {
		return code // failed tests leave things open; theirs is the report to read
	}
	if left := settle(nil); len(left) > 0 {
		fmt.Fprintf(w, "leaktest: %s\n", report(left))
		return 1
	}
	return 0
}

// settle returns the goroutines of ours that are not in before and do not end within the time allowed.
func settle(before map[string]bool) []goroutine {
	for range yields {
		if len(since(before)) == 0 {
			return nil
		}
		runtime.Gosched()
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	for range ticks {
		if len(since(before)) == 0 {
			return nil
		}
		<-t.C
	}
	return since(before)
}

// since returns the goroutines of ours that are not in before.
func since(before map[string]bool) []goroutine {
	var left []goroutine
	for _, g := range ours() {
		if !before[g.id] {
			left = append(left, g)
		}
	}
	return left
}

func report(left []goroutine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d goroutine(s) left behind", len(left))
	for _, g := range left {
		b.WriteString("\n\n")
		b.WriteString(g.stack)
	}
	return b.String()
}

// A goroutine is one entry of the runtime's stack dump.
type goroutine struct {
	id    string // "17"
	stack string // the entry as printed, header line included
}

// ours returns every goroutine of this module but the calling one.
func ours() []goroutine {
	return parse(dump())
}

func dump() []byte {
	for size := 1 << 18; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size {
			return b[:n]
		}
	}
}

// parse returns this module's goroutines in a stack dump, without the first, which wrote it.
func parse(b []byte) []goroutine {
	var all []goroutine
	for i, entry := range bytes.Split(b, []byte("\n\n")) {
		if i == 0 {
			continue
		}
		stack := strings.TrimSpace(string(entry))
		id, ok := strings.CutPrefix(stack, "goroutine ")
		if !ok || !isOurs(stack) {
			continue
		}
		id, _, _ = strings.Cut(id, " ")
		all = append(all, goroutine{id, stack})
	}
	return all
}

// isOurs reports whether a function of this module runs on the stack or started it. A goroutine of the
// test runner is a test that waits for a subtest or runs beside this one: it is not a leak.
func isOurs(stack string) bool {
	found := false
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "testing.tRunner(") {
			return false
		}
		line = strings.TrimPrefix(line, "created by ")
		found = found || strings.HasPrefix(line, module+"/")
	}
	return found
}
