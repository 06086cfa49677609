package cli

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
)

// What systemd understands (sd_notify(3)).
const (
	notifyReady    = "READY=1"
	notifyWatchdog = "WATCHDOG=1"
	notifyStopping = "STOPPING=1"
)

// notifyReady tells systemd that the host is up, and from then on that the controller answers: the watchdog is fed
// after a round trip to it, and by nothing else. The function it returns tells that we stop, and ends that. Without
// $NOTIFY_SOCKET it does nothing.
func (e *env) notifyReady(h *gap.Host) func() error {
	address := e.getenv("NOTIFY_SOCKET")
	if address == "" {
		return func() error { return nil }
	}
	conn, err := net.Dial("unixgram", address) // "@" begins a name that is no path
	if err != nil {
		e.log.Warnf("$NOTIFY_SOCKET: %v", err)
		return func() error { return nil }
	}
	tell := func(state string) {
		if _, err := conn.Write([]byte(state)); err != nil {
			e.log.Warnf("$NOTIFY_SOCKET: %s: %v", state, err)
		}
	}
	tell(notifyReady + "\nSTATUS=" + h.Identity().Text() + " is up")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if interval := watchdogInterval(e.getenv); interval > 0 {
			feed(ctx, interval, func(ctx context.Context) error {
				_, err := h.Controller().Do(ctx, hci.ReadBDADDR) // harmless at any time
				return err
			}, func() { tell(notifyWatchdog) })
		}
	}()
	return func() error {
		stop()
		<-done
		tell(notifyStopping)
		return conn.Close()
	}
}

// watchdogInterval is within which time systemd wants to hear of us, 0 if it does not.
func watchdogInterval(getenv func(string) string) time.Duration {
	micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros <= 0 || micros > int64(watchdogLongest/time.Microsecond) {
		return 0
	}
	if pid := strings.TrimSpace(getenv("WATCHDOG_PID")); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0 // it is meant for another process
	}
	return time.Duration(micros) * time.Microsecond
}

// watchdogLongest bounds what is taken for an interval.
const watchdogLongest = 365 * 24 * time.Hour

// feed pings twice in every interval, and calls fed after a ping that succeeded. It returns when ctx ends.
func feed(ctx context.Context, interval time.Duration, ping func(context.Context) error, fed func()) {
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		attempt, cancel := context.WithTimeout(ctx, interval/2)
		if ping(attempt) == nil {
			fed()
		}
		cancel()
	}
}
