package driver_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// Commands go out by the controller's room for them, and never two of one opcode at a time.
func TestCommandsInFlight(t *testing.T) {
	bubble(t, hcitest.Settings{Credits: 3}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		ctl.Handle(hci.OpLEReadSupportedStates, hcitest.Silent)
		before := len(ctl.Commands())
		var wg sync.WaitGroup
		results := make(chan error, 3)
		for _, cmd := range []hci.Command{hci.LERand, hci.LERand, hci.LEReadSupportedStates} {
			wg.Go(func() { _, err := c.Do(t.Context(), cmd); results <- err })
			synctest.Wait()
		}
		if got := len(ctl.Commands()) - before; got != 1 {
			t.Errorf("%d commands were sent, want 1: the second is of the same opcode, the third behind it", got)
		}
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLERand, Return: make([]byte, 9)})
		synctest.Wait()
		if got := len(ctl.Commands()) - before; got != 3 {
			t.Errorf("%d commands were sent, want 3", got)
		}
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLEReadSupportedStates, Return: make([]byte, 9)})
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLERand, Return: make([]byte, 9)})
		wg.Wait()
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

// A controller without room gets no command until it says that it has some.
func TestNoRoomForCommands(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Event(hci.CommandComplete{NumPackets: 0})
		synctest.Wait()
		before := len(ctl.Commands())
		done := make(chan error, 1)
		go func() { _, err := c.Do(t.Context(), hci.ReadBDADDR); done <- err }()
		synctest.Wait()
		if len(ctl.Commands()) != before {
			t.Error("a command was sent without room")
		}
		ctl.Event(hci.CommandComplete{NumPackets: 1})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// An answer nobody asked for is counted and dropped; so is what can't be parsed.
func TestStrayAndMalformed(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Complete(hci.OpReadBDADDR, 1, 2, 3, 4, 5, 6)
		ctl.Status(hci.OpDisconnect, hci.Success)
		ctl.Inject([]byte{hci.EventPacket, 0x0E, 1, 1}, []byte{hci.EventPacket, 0x3E, 0}, []byte{hci.EventPacket, 0x13, 2, 1, 0},
			[]byte{hci.EventPacket, 0x3E, 3, 1, 0, 0}, []byte{hci.ACLPacket, 1, 0, 9, 0}, []byte{hci.EventPacket, 0x05, 1, 0})
		ctl.Inject([]byte{hci.EventPacket, 0x77, 0}, []byte{hci.EventPacket, 0x3E, 1, 0x77}, []byte{0xF1, 1, 2, 3})
		ctl.Inject(hci.AppendEvent(nil, hci.DisconnectionComplete{Handle: 9}), hci.AppendACL(nil, hci.ACL{Handle: 9}))
		synctest.Wait()
		got, err := c.Statistics()
		want := driver.Statistics{Malformed: 6, UnknownEvents: 2, UnknownPackets: 1, UnknownHandles: 1, Early: 1, UnexpectedAnswers: 2}
		if got = faults(got); got != want || err != nil {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if _, err := c.Do(t.Context(), hci.ReadBDADDR); err != nil {
			t.Errorf("the controller was given up: %v", err)
		}
	})
}

// Complaint 6: a command without an answer ends the controller, and does so in time; nothing hangs on it.
func TestCommandTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		c, err := driver.Open(t.Context(), ctl, driver.Config{CommandTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		began := time.Now()
		_, err = c.Do(t.Context(), hci.LERand)
		if took := time.Since(began); !errors.Is(err, driver.ErrCommandTimeout) || took != time.Second {
			t.Errorf("Do: %v after %v", err, took)
		}
		var command *driver.CommandError
		if !errors.As(c.Err(), &command) || command.Opcode != hci.OpLERand {
			t.Errorf("%v does not name the command", c.Err())
		}
		lost(t, c, driver.ErrCommandTimeout)
	})
}

// A command that is answered in its last moment is answered.
func TestAnswerAtTheLastMoment(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		for range 3 {
			done := start(func() error { _, err := c.Do(t.Context(), hci.LERand); return err })
			time.Sleep(5*time.Second - 1)
			ctl.Complete(hci.OpLERand, make([]byte, 8)...)
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A controller that never has room again is found out, though no command of ours is late: complaint 4.
func TestRoomNeverComesBack(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		noRoom(ctl)
		time.Sleep(time.Hour) // that alone is no fault
		done := start(func() error { _, err := c.Do(t.Context(), hci.ReadBDADDR); return err })
		time.Sleep(4 * time.Second)
		room(ctl, 1)
		if err := <-done; err != nil {
			t.Errorf("room after 4 s: %v", err)
		}
		noRoom(ctl)
		began := time.Now()
		_, err := c.Do(t.Context(), hci.ReadBDADDR)
		if took := time.Since(began); !errors.Is(err, driver.ErrCommandTimeout) || took != 5*time.Second {
			t.Errorf("no room: %v after %v", err, took)
		}
		synctest.Wait()
		lost(t, c, driver.ErrCommandTimeout)
	})
}

// A long queue is not a late answer: each command has its own time, from when it is the next to go.
func TestLongQueueOfSlowCommands(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpReadBDADDR, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			time.AfterFunc(3*time.Second, func() { ctl.Complete(f.Opcode, 1, 2, 3, 4, 5, 6) })
		})
		results := make(chan error, 20)
		for range cap(results) {
			go func() { _, err := c.Do(t.Context(), hci.ReadBDADDR); results <- err }()
		}
		for range cap(results) {
			if err := <-results; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Cancelling frees the caller and not the protocol: the answer that comes is not taken for the next one's.
func TestDoCancelled(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		why := errors.New("no longer wanted")
		ctx, cancel := context.WithCancelCause(t.Context())
		first := start(func() error { _, err := c.Do(ctx, hci.LERand); return err })
		cancel(why)
		if err := <-first; !errors.Is(err, why) {
			t.Errorf("the first: %v", err)
		}
		var ret []byte
		second := start(func() (err error) { ret, err = c.Do(t.Context(), hci.LERand); return err })
		if got := count(ctl, hci.OpLERand); got != 1 {
			t.Errorf("%d were sent before the first was answered", got)
		}
		ctl.Complete(hci.OpLERand, 1, 1, 1, 1, 1, 1, 1, 1)
		synctest.Wait()
		ctl.Complete(hci.OpLERand, 2, 2, 2, 2, 2, 2, 2, 2)
		if err := <-second; err != nil || ret[0] != 2 {
			t.Errorf("the second: % X, %v", ret, err)
		}
		if _, err := c.Do(ctx, hci.LERand); !errors.Is(err, why) || count(ctl, hci.OpLERand) != 2 {
			t.Errorf("a context that is over: %v", err)
		}
		// What has not gone is taken back.
		noRoom(ctl)
		ctx, cancel = context.WithCancelCause(t.Context())
		third := start(func() error { _, err := c.Do(ctx, hci.LERand); return err })
		cancel(why)
		if err := <-third; !errors.Is(err, why) {
			t.Errorf("the third: %v", err)
		}
		if room(ctl, 1); count(ctl, hci.OpLERand) != 2 {
			t.Error("the third was sent all the same")
		}
		alive(t, c)
	})
}

// A Command Status of success is not the answer where a Command Complete is due; others may go meanwhile.
func TestCommandStatusBeforeCommandComplete(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLERand, hcitest.Refuse(hci.Success))
		var ret []byte
		done := start(func() (err error) { ret, err = c.Do(t.Context(), hci.LERand); return err })
		if len(done) != 0 {
			t.Fatal("it was taken for the answer")
		}
		for range 3 {
			alive(t, c) // with one command credit
		}
		ctl.Complete(hci.OpLERand, 1, 2, 3, 4, 5, 6, 7, 8)
		if err := <-done; err != nil || len(ret) != 8 {
			t.Errorf("% X, %v", ret, err)
		}
		_, err := c.Do(t.Context(), hci.LERand) // and never completed
		if !errors.Is(err, driver.ErrCommandTimeout) {
			t.Errorf("never completed: %v", err)
		}
	})
}

// Of a command that has no type here nobody knows how it is answered: either way will do.
func TestRawCommands(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		const setPHY, vendor = hci.Opcode(0x2032), hci.Opcode(0xFC01)
		ctl.Handle(setPHY, hcitest.Refuse(hci.Success))
		if _, err := c.Do(t.Context(), hci.Raw{Op: setPHY, Parameters: make([]byte, 7)}); err != nil {
			t.Errorf("by Command Status: %v", err)
		}
		ctl.Handle(vendor, hcitest.Return(7))
		if ret, err := c.Do(t.Context(), hci.Raw{Op: vendor}); err != nil || len(ret) != 1 || ret[0] != 7 {
			t.Errorf("by Command Complete: % X, %v", ret, err)
		}
		if _, err := c.Do(t.Context(), hci.Raw{Op: vendor, Parameters: make([]byte, 255)}); err != nil {
			t.Errorf("255 octets: %v", err)
		}
		sent := len(ctl.Sent())
		if _, err := c.Do(t.Context(), hci.Raw{Op: vendor, Parameters: make([]byte, 256)}); !errors.Is(err, hci.PacketTooLong) || len(ctl.Sent()) != sent {
			t.Errorf("256 octets: %v", err)
		}
	})
}

// Commands wait up to a bound. What answers a peer is never held up by what the application asks for.
func TestQueueIsBounded(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLELongTermKeyRequestNegativeReply, hcitest.Return(64, 0))
		linked(t, ctl, h, 64)
		noRoom(ctl)
		const bound = 64
		results := make(chan error, bound)
		for range bound {
			go func() { _, err := c.Do(t.Context(), hci.ReadBDADDR); results <- err }()
		}
		synctest.Wait()
		if _, err := c.Do(t.Context(), hci.ReadBDADDR); !errors.Is(err, driver.ErrTooManyCommands) {
			t.Errorf("one more: %v", err)
		}
		for range 10 {
			ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		}
		room(ctl, 1)
		for range bound {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if got := count(ctl, hci.OpLELongTermKeyRequestNegativeReply); got != 1 {
			t.Errorf("%d replies to a request that was made again and again, want the last", got)
		}
	})
}

// Num_HCI_Command_Packets as controllers report it: the same number always, or what is left. The host never
// has more in flight than the controller takes.
func TestNeverMoreInFlightThanRoom(t *testing.T) {
	for name, report := range map[string]func(capacity, inFlight int) uint8{
		"constant": func(capacity, _ int) uint8 { return uint8(capacity) },
		"exact":    func(capacity, inFlight int) uint8 { return uint8(capacity - inFlight) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				const capacity = 3
				var mu sync.Mutex
				inFlight, most := 0, 0
				take := func(ctl *hcitest.Controller, f hci.CommandFrame) {
					mu.Lock()
					defer mu.Unlock()
					inFlight++
					most = max(most, inFlight)
					time.AfterFunc(10*time.Millisecond, func() {
						mu.Lock()
						defer mu.Unlock()
						inFlight--
						ctl.Event(hci.CommandComplete{NumPackets: report(capacity, inFlight), Opcode: f.Opcode, Return: []byte{0, 1}})
					})
				}
				for i := range 10 {
					ctl.Handle(hci.Opcode(0xFC00+i), take)
				}
				room(ctl, capacity)
				var wg sync.WaitGroup
				for i := range 40 {
					wg.Go(func() {
						if _, err := c.Do(t.Context(), hci.Raw{Op: hci.Opcode(0xFC00 + i%10)}); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if most > capacity || most < 2 {
					t.Errorf("%d were in flight, of %d", most, capacity)
				}
			})
		})
	}
}

// peeking is a transport that looks at what it was given after it has returned, which none may do.
type peeking struct {
	*hcitest.Controller
	given [][]byte
}

func (p *peeking) WritePacket(b []byte) error {
	p.given = append(p.given, b)
	return p.Controller.WritePacket(b)
}

// Keys do not stay in the memory of commands that have gone.
func TestKeysAreCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := &peeking{Controller: hcitest.NewController(hcitest.Settings{})}, &host{}
		c := open(t, ctl, h)
		l := linked(t, ctl.Controller, h, 64)
		if err := l.conn.Encrypt([16]byte{0xDE, 0xAD}, [8]byte{}, 0); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if sent := command(ctl.Controller, hci.OpLEEnableEncryption).Parameters; len(sent) != 28 || sent[12] != 0xDE {
			t.Errorf("sent % X", sent)
		}
		_ = c.Close()
		for _, b := range ctl.given {
			if b[0] == hci.CommandPacket || bytes.Contains(b, []byte{0xDE, 0xAD}) {
				t.Errorf("% X is still there", b)
			}
		}
	})
}
