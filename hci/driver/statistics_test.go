package driver_test

import (
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// faults is what of the statistics should be zero.
func faults(s driver.Statistics) driver.Statistics {
	return driver.Statistics{Malformed: s.Malformed, UnknownEvents: s.UnknownEvents, UnknownPackets: s.UnknownPackets,
		UnknownHandles: s.UnknownHandles, Early: s.Early, UnexpectedAnswers: s.UnexpectedAnswers, ReturnsRefused: s.ReturnsRefused,
		ExcessCompletions: s.ExcessCompletions, BufferOverflows: s.BufferOverflows}
}

// Statistics say what went over the transport, and what is on its way.
func TestStatistics(t *testing.T) {
	bubble(t, hcitest.Settings{HostFlow: true, ACLBuffers: 3}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		begin, err := c.Statistics()
		if err != nil || begin.Commands != uint64(len(ctl.Commands())) || begin.Events != begin.Commands {
			t.Errorf("%+v, %v; %d commands", begin, err, len(ctl.Commands()))
		}
		l := linked(t, ctl, h, 64)
		for range 5 {
			l.send([]byte("seven.."), true)
		}
		flood(ctl, 64, 16) // ten of one octet, six of two
		flood(ctl, 64, 4)
		l.conn.Throttle(true)
		flood(ctl, 64, 4)
		noRoom(ctl)
		done := start(func() error { _, err := c.Do(t.Context(), hci.ReadBDADDR); return err })
		synctest.Wait()
		s, err := c.Statistics()
		got := []uint64{s.Commands - begin.Commands, s.Returns, s.Events - begin.Events, s.Sent.Packets, s.Sent.Octets, s.Received.Packets, s.Received.Octets}
		for i, want := range []uint64{1, 1, 2, 3, 21, 24, 30} {
			if got[i] != want || err != nil {
				t.Errorf("%v, %v: number %d is not %d", got, err, i, want)
			}
		}
		// The sixteen packets went back together, so that eight are out.
		if s.Connections != 1 || s.Buffers != 3 || s.BuffersFree != 0 || s.Waiting != 1 || s.MostWaiting != 1 || s.Withheld != 8 || s.MostWithheld != 16 || s.MostUnread == 0 {
			t.Errorf("%+v", s)
		}
		if faults(s) != (driver.Statistics{}) {
			t.Errorf("%+v", s)
		}
		room(ctl, 1)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Of a controller that is gone there are no statistics of the loop's, but an error.
func TestStatisticsAtTheEnd(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, _ *hcitest.Controller, _ *host, c *driver.Controller) {
		_ = c.Close()
		if s, err := c.Statistics(); err == nil || s.Events != 0 || s.Buffers == 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
