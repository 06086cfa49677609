//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// supervisor is systemd's end of a notification socket.
func supervisor(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "n") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, path
}

// told returns what has been told so far.
func told(t *testing.T, c *net.UnixConn) []string {
	t.Helper()
	var all []string
	b := make([]byte, 1024)
	for c.SetReadDeadline(time.Now().Add(10*time.Millisecond)) == nil {
		n, err := c.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b[:n]))
	}
	return all
}

// The host says when it is up, feeds the watchdog, and says when it stops.
func TestNotify(t *testing.T) {
	t.Parallel()
	c, path := supervisor(t)
	var stdout, stderr bytes.Buffer
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000", "JELLING_TRANSPORT": "virtual:", "STATE_DIRECTORY": filepath.Join(t.TempDir(), "state")}
	if status := run(t.Context(), []string{"scan", "--timeout", "400ms"}, strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] }); status != 0 || stderr.Len() > 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	all := told(t, c)
	if len(all) < 3 || !strings.HasPrefix(all[0], "READY=1\nSTATUS=") || all[len(all)-1] != notifyStopping {
		t.Fatalf("%q", all)
	}
	for _, state := range all[1 : len(all)-1] {
		if state != notifyWatchdog {
			t.Errorf("%q", state)
		}
	}
}

// A socket that is not there is told of, and no more.
func TestNotifyNobody(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	env := map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "none"), "JELLING_TRANSPORT": "virtual:", "STATE_DIRECTORY": filepath.Join(t.TempDir(), "state")}
	status := run(t.Context(), []string{"scan", "--timeout", "100ms"}, strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] })
	if status != 0 || !strings.Contains(stderr.String(), "$NOTIFY_SOCKET") {
		t.Errorf("status %d: %s", status, stderr.String())
	}
}

func TestWatchdogInterval(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"30000000", "", 30 * time.Second}, {"30000000", pid, 30 * time.Second}, {"30000000", "1", 0},
		{"0", "", 0}, {"-1", "", 0}, {"x", "", 0}, {"9223372036854775807", "", 0}, {"18446744073709551615", "", 0},
	} {
		env := map[string]string{"WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid}
		if got := watchdogInterval(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%q, %q: %v, want %v", c.usec, c.pid, got, c.want)
		}
	}
}

// The watchdog is fed twice in each interval while the controller answers, and not otherwise, so that it bites one
// interval after the last answer.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		var fed []time.Duration
		answer := func(ctx context.Context) error {
			switch at := time.Since(start); {
			case at < 40*time.Second:
				return nil
			case at < 80*time.Second:
				return errors.New("refused")
			case at < 120*time.Second: // silence
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			feed(ctx, 30*time.Second, answer, func() { fed = append(fed, time.Since(start)) })
		}()
		time.Sleep(150 * time.Second)
		cancel()
		<-done
		if len(fed) < 4 || fed[0] != 15*time.Second || fed[1] != 30*time.Second || fed[2] < 120*time.Second {
			t.Errorf("fed at %v", fed)
		}
	})
}
