package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// hotplugPoll is how often the controllers are looked at while one is awaited: for what no event tells, and where
// events can't be had.
const hotplugPoll = 500 * time.Millisecond

// AwaitAdapter waits until the kernel has a controller that accept wants, and returns it; of several, the one with the
// lowest number. It needs no privilege. The error is an *OpenError: there is no Bluetooth at all, or ctx is over.
func AwaitAdapter(ctx context.Context, accept func(Adapter) bool) (Adapter, error) {
	a, err := await(ctx, accept, nil, "")
	if err != nil {
		cause, remedy := explain(lookFor(Spec{}, -1, err))
		return Adapter{}, &OpenError{Op: opList, Err: err, Cause: cause, Remedy: remedy}
	}
	return a, nil
}

// awaitSpec waits for the controller that s names.
func awaitSpec(ctx context.Context, s Spec, log *logrus.Logger) (int, error) {
	a, err := await(ctx, func(a Adapter) bool { return names(s, a) }, log, s.String())
	switch {
	case err == nil:
		return a.Index, nil
	case s.Address != "":
		return -1, err
	}
	return s.Index, err
}

// await waits, and says so in log if it has to.
func await(ctx context.Context, accept func(Adapter) bool, log *logrus.Logger, what string) (Adapter, error) {
	news, stop := watchAdapters()
	defer stop()
	return awaiting(ctx, adapters, accept, news, func(list []Adapter) {
		if log != nil {
			log.Warnf("waiting for %s; there is %s", what, describe(list))
		}
	})
}

// awaiting asks list again and again, at news and from time to time. waits is called once, before it waits.
func awaiting(ctx context.Context, list func() ([]Adapter, error), accept func(Adapter) bool, news <-chan struct{},
	waits func([]Adapter)) (Adapter, error) {
	tick := time.NewTicker(hotplugPoll)
	defer tick.Stop()
	for first := true; ; first = false {
		all, err := list()
		if err != nil {
			return Adapter{}, err
		}
		for _, a := range all {
			if accept(a) {
				return a, nil
			}
		}
		if first {
			waits(all)
		}
		select {
		case <-news:
		case <-tick.C:
		case <-ctx.Done():
			return Adapter{}, fmt.Errorf("%w: %w", ctx.Err(), unix.ENODEV)
		}
	}
}

// watchAdapters listens to the kernel's management channel. news gets a token when a controller has come, gone or
// changed its state. Where the channel can't be had, there are no news. stop ends it.
func watchAdapters() (news <-chan struct{}, stop func()) {
	fd, err := hciSocket()
	if err != nil {
		return nil, func() {}
	}
	if unix.Bind(fd, &unix.SockaddrHCI{Dev: noIndex, Channel: unix.HCI_CHANNEL_CONTROL}) != nil {
		unix.Close(fd)
		return nil, func() {}
	}
	return watch(os.NewFile(uintptr(fd), "mgmt"))
}

// watch reads management events, one at each read, and owns f.
func watch(f *os.File) (news <-chan struct{}, stop func()) {
	tokens, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, MaxPacket); ; {
			n, err := f.Read(b)
			if err != nil {
				return
			}
			if !concernsAdapters(b[:n]) {
				continue
			}
			select {
			case tokens <- struct{}{}:
			default:
			}
		}
	}()
	return tokens, func() {
		f.Close()
		<-done
	}
}

// concernsAdapters reports whether a management event says that a controller has come, gone or changed its state. The
// numbers are those of BlueZ's doc/mgmt-api.txt.
func concernsAdapters(b []byte) bool {
	const (
		header = 6 // event, index, length of the rest

		indexAdded             = 0x0004
		indexRemoved           = 0x0005
		newSettings            = 0x0006
		unconfiguredIndexAdded = 0x001D
		extendedIndexAdded     = 0x0020
	)
	if len(b) < header {
		return false
	}
	switch binary.LittleEndian.Uint16(b) {
	case indexAdded, indexRemoved, newSettings, unconfiguredIndexAdded, extendedIndexAdded:
		return true
	}
	return false
}
