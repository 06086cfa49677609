package driver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// Fragments arrive and leave with their boundary flags.
func TestFragments(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte("a")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.Continuing, Data: []byte("b")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstNonFlushable, Data: []byte("c")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: 3, Data: []byte("d")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Broadcast: 1, Data: []byte("e")})
		synctest.Wait()
		l := h.link(0)
		var got strings.Builder
		for _, f := range l.in {
			got.WriteString(string('0'+f[0]) + string(f[1:]))
		}
		if got.String() != "1a0b1c" {
			t.Errorf("fragments %q", got.String())
		}
		l.send([]byte("x"), true)
		l.send([]byte("y"), false)
		synctest.Wait()
		sent := ctl.Sent()
		for i, want := range []string{"\x02\x40\x00\x01\x00x", "\x02\x40\x10\x01\x00y"} {
			if got := string(sent[len(sent)-2+i]); got != want {
				t.Errorf("fragment %d is %x, want %x", i, got, want)
			}
		}
	})
}

// A Long Term Key Request is answered at once, by the key or by its negative reply (complaint 14).
func TestKeyRequest(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLELongTermKeyRequestReply, hcitest.Return(64, 0))
		ctl.Handle(hci.OpLELongTermKeyRequestNegativeReply, hcitest.Return(64, 0))
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		synctest.Wait()
		if count(ctl, hci.OpLELongTermKeyRequestNegativeReply) != 1 {
			t.Error("no negative reply")
		}
		l := h.link(0)
		l.mu.Lock()
		l.key = &[16]byte{1, 2, 3}
		l.mu.Unlock()
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		synctest.Wait()
		last := ctl.Commands()[len(ctl.Commands())-1]
		if last.Opcode != hci.OpLELongTermKeyRequestReply || last.Parameters[2] != 1 {
			t.Errorf("the last command is %v", last.Opcode)
		}
	})
}

// Encryption: the outcome by either event, or by the command's own refusal.
func TestEncryption(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Central)) // nobody asked: it is disconnected
		ctl.Event(connected(65, hci.Peripheral))
		synctest.Wait()
		if count(ctl, hci.OpDisconnect) != 1 {
			t.Error("an unwanted connection was kept")
		}
		l := h.link(0)
		ctl.Handle(hci.OpLEEnableEncryption, hcitest.Refuse(hci.CommandDisallowed))
		if err := l.conn.Encrypt([16]byte{}, [8]byte{}, 0); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctl.Event(hci.EncryptionChange{Status: hci.PINOrKeyMissing, Handle: 65})
		ctl.Event(hci.EncryptionKeyRefreshComplete{Handle: 65})
		synctest.Wait()
		want := []hci.Status{hci.CommandDisallowed, hci.PINOrKeyMissing, hci.Success}
		if len(l.encryption) != 3 || l.encryption[0] != want[0] || l.encryption[1] != want[1] || l.encryption[2] != want[2] {
			t.Errorf("%v, want %v", l.encryption, want)
		}
	})
}

// Nothing is sent for a connection that has ended, since its handle may be another's: it would be the other
// that is disconnected, or encrypted with the wrong key.
func TestNothingIsSentForADeadConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		dead := linked(t, ctl, h, 64).conn
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		linked(t, ctl, h, 64)
		sent := len(ctl.Sent())
		dead.Disconnect(hci.RemoteUserTerminatedConnection)
		dead.Wake()
		_, features := dead.RemoteFeatures(t.Context())
		_, version := dead.RemoteVersion(t.Context())
		for name, err := range map[string]error{
			"Encrypt": dead.Encrypt([16]byte{}, [8]byte{}, 0), "UpdateParameters": dead.UpdateParameters(hci.ConnectionParameters{}),
			"RemoteFeatures": features, "RemoteVersion": version,
		} {
			if !errors.Is(err, hci.ConnectionTimeout) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		synctest.Wait()
		if len(ctl.Sent()) != sent {
			t.Errorf("%v was sent", ctl.Commands()[len(ctl.Commands())-1])
		}
	})
}

// The same for what was asked of it before it ended and has not gone.
func TestWaitingCommandsEndWithTheirConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		l := linked(t, ctl, h, 64)
		noRoom(ctl)
		l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
		if err := l.conn.Encrypt([16]byte{1}, [8]byte{}, 0); err != nil {
			t.Fatal(err)
		}
		version := start(func() error { _, err := l.conn.RemoteVersion(t.Context()); return err })
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		synctest.Wait()
		if err := <-version; !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("RemoteVersion: %v", err)
		}
		linked(t, ctl, h, 64)
		sent := len(ctl.Sent())
		room(ctl, 9)
		time.Sleep(time.Minute) // and nothing is taken for late
		if len(ctl.Sent()) != sent {
			t.Errorf("%v was sent", ctl.Commands()[len(ctl.Commands())-1])
		}
		alive(t, c)
		if _, encryption, _ := l.seen(); len(encryption) != 0 {
			t.Errorf("the dead connection was told of encryption: %v", encryption)
		}
	})
}

// HandleDisconnect is the last call, though the controller answers a command for the connection after it.
func TestNothingAfterHandleDisconnect(t *testing.T) {
	bubble(t, hcitest.Settings{Credits: 5}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		l := linked(t, ctl, h, 64)
		for _, op := range []hci.Opcode{hci.OpLEEnableEncryption, hci.OpDisconnect, hci.OpLEConnectionUpdate} {
			ctl.Handle(op, hcitest.Silent)
		}
		if err := l.conn.Encrypt([16]byte{}, [8]byte{}, 0); err != nil {
			t.Fatal(err)
		}
		l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
		_ = l.conn.UpdateParameters(hci.ConnectionParameters{})
		synctest.Wait()
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		for _, op := range []hci.Opcode{hci.OpLEEnableEncryption, hci.OpDisconnect, hci.OpLEConnectionUpdate} {
			ctl.Status(op, hci.UnknownConnectionIdentifier)
		}
		ctl.Event(hci.EncryptionChange{Handle: 64, Enabled: 1})
		ctl.Event(hci.EncryptionKeyRefreshComplete{Handle: 64})
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}})
		synctest.Wait()
		if in, encryption, ended := l.seen(); len(in) != 0 || len(encryption) != 0 || !errors.Is(ended, hci.ConnectionTimeout) {
			t.Errorf("%d fragments, encryption %v, ended %v", len(in), encryption, ended)
		}
		if s, _ := c.Statistics(); s.UnknownHandles != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// Complaint 4: every wait is bounded. A Disconnection Complete that never comes is asked for again, and then
// either there is no such connection, or the controller is no use.
func TestDisconnectionNeverReported(t *testing.T) {
	const limit = 37 * time.Second
	for _, c := range []struct {
		name  string
		first hcitest.Handler
		again hcitest.Handler
		lost  bool
		want  error
	}{
		{"the event got lost", hcitest.Refuse(hci.Success), hcitest.Refuse(hci.UnknownConnectionIdentifier), false, hci.ConnectionTerminatedByLocalHost},
		{"the controller forgot", hcitest.Refuse(hci.Success), hcitest.Refuse(hci.Success), true, driver.ErrCommandTimeout},
		{"refused, and then not", hcitest.Refuse(hci.ControllerBusy), func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		}, false, hci.ConnectionTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{ACLBuffers: 2}, func(t *testing.T, ctl *hcitest.Controller, h *host, d *driver.Controller) {
				l := linked(t, ctl, h, 64)
				l.send([]byte("x"), true)
				ctl.Handle(hci.OpDisconnect, c.first)
				l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
				synctest.Wait()
				ctl.Handle(hci.OpDisconnect, c.again)
				time.Sleep(limit - time.Nanosecond)
				if l.conn.Err() != nil {
					t.Fatalf("it ended early: %v", l.conn.Err())
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if !errors.Is(l.conn.Err(), c.want) || !errors.Is(l.conn.Err(), net.ErrClosed) {
					t.Errorf("it ended with %v, want %v", l.conn.Err(), c.want)
				}
				if c.lost {
					lost(t, d, c.want)
					return
				}
				if free, total := d.Credits(); free != total {
					t.Errorf("%d of %d credits", free, total)
				}
				alive(t, d)
			})
		})
	}
}

// A controller that knows nothing of the connection has lost its end on the way: it ends now.
func TestDisconnectUnknownConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		l := linked(t, ctl, h, 64)
		ctl.Handle(hci.OpDisconnect, hcitest.Refuse(hci.UnknownConnectionIdentifier))
		l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
		synctest.Wait()
		if n, _ := c.Connections(); n != 0 || !errors.Is(l.conn.Err(), hci.ConnectionTerminatedByLocalHost) {
			t.Errorf("%d connections, %v", n, l.conn.Err())
		}
	})
}

// An end that comes in time leaves no timer that asks for it again.
func TestDisconnect(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		l := linked(t, ctl, h, 64)
		ctl.Handle(hci.OpDisconnect, hcitest.Refuse(hci.Success))
		l.conn.Disconnect(hci.RemoteDeviceLowResources)
		time.Sleep(30 * time.Second) // the peer is silent, and the supervision time-out long
		ctl.Event(hci.DisconnectionComplete{Status: hci.CommandDisallowed, Handle: 64})
		synctest.Wait()
		if l.conn.Err() != nil {
			t.Errorf("a Disconnection Complete that failed ended it: %v", l.conn.Err())
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTerminatedByLocalHost})
		<-l.conn.Done()
		time.Sleep(time.Hour)
		last := ctl.Commands()[len(ctl.Commands())-1]
		if n := count(ctl, hci.OpDisconnect); n != 1 || last.Parameters[2] != byte(hci.RemoteDeviceLowResources) {
			t.Errorf("disconnected %d times, with % X", n, last.Parameters)
		}
		alive(t, c)
	})
}

// What a peer makes the host ask for over and over does not fill the queue: the newest wish counts.
func TestNewestWishCounts(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLEConnectionUpdate, hcitest.Refuse(hci.Success))
		ctl.Handle(hci.OpDisconnect, hcitest.Refuse(hci.Success))
		a, b := linked(t, ctl, h, 64).conn, linked(t, ctl, h, 65).conn
		noRoom(ctl)
		for i := range 1000 {
			if err := a.UpdateParameters(hci.ConnectionParameters{IntervalMin: uint16(i)}); err != nil {
				t.Fatal(err)
			}
			a.Disconnect(hci.RemoteUserTerminatedConnection)
		}
		if err := b.UpdateParameters(hci.ConnectionParameters{IntervalMin: 7}); err != nil {
			t.Fatal(err)
		}
		before := len(ctl.Commands())
		room(ctl, 1)
		synctest.Wait()
		var got []string
		for _, f := range ctl.Commands()[before:] {
			got = append(got, fmt.Sprintf("%v % X", f.Opcode, f.Parameters[:min(4, len(f.Parameters))]))
		}
		want := []string{"LE Connection Update 40 00 E7 03", "Disconnect 40 00 13", "LE Connection Update 41 00 07 00"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// The peer's wish for other parameters is answered at once, yes or no, with what it asked for.
func TestParameterRequest(t *testing.T) {
	bubble(t, hcitest.Settings{Features: hci.FeatureLEEncryption | hci.FeatureConnectionParametersRequest}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		linked(t, ctl, h, 64)
		for _, op := range []hci.Opcode{hci.OpLERemoteConnectionParameterRequestReply, hci.OpLERemoteConnectionParameterRequestNegativeReply} {
			ctl.Handle(op, hcitest.Return(64, 0))
		}
		ctl.Event(hci.LERemoteConnectionParameterRequest{Handle: 64, IntervalMin: 6, IntervalMax: 12, Latency: 1, SupervisionTimeout: 100})
		synctest.Wait()
		yes := ctl.Commands()[len(ctl.Commands())-1]
		ctl.Event(hci.LERemoteConnectionParameterRequest{Handle: 64, IntervalMin: 1, IntervalMax: 1, SupervisionTimeout: 100})
		synctest.Wait()
		no := ctl.Commands()[len(ctl.Commands())-1]
		if yes.String() != "LE Remote Connection Parameter Request Reply [40 00 06 00 0C 00 01 00 64 00 00 00 00 00]" {
			t.Error(yes)
		}
		if no.String() != "LE Remote Connection Parameter Request Negative Reply [40 00 3B]" {
			t.Error(no)
		}
		mask, err := hci.ParseLESetEventMask(command(ctl, hci.OpLESetEventMask).Parameters)
		if err != nil || mask.Mask&hci.LEEventMaskRemoteConnectionParameterRequest == 0 {
			t.Errorf("mask %x, %v", mask.Mask, err)
		}
	})
}

// command is the last command of that opcode.
func command(ctl *hcitest.Controller, op hci.Opcode) (last hci.CommandFrame) {
	for _, f := range ctl.Commands() {
		if f.Opcode == op {
			last = f
		}
	}
	return last
}

func TestRemote(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		conn := linked(t, ctl, h, 64).conn
		ctl.Handle(hci.OpReadRemoteVersionInformation, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.ReadRemoteVersionInformationComplete{Handle: 64, Version: 13, Company: 0x59})
		})
		ctl.Handle(hci.OpLEReadRemoteFeatures, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.LEReadRemoteFeaturesComplete{Handle: 64, Features: 0x21})
		})
		for range 3 {
			if v, err := conn.RemoteVersion(t.Context()); err != nil || v.Version != 13 || v.Company != 0x59 {
				t.Errorf("%+v, %v", v, err)
			}
			if f, err := conn.RemoteFeatures(t.Context()); err != nil || f.Features != 0x21 {
				t.Errorf("%+v, %v", f, err)
			}
		}
		// The peer does not say, or the controller will not ask.
		ctl.Handle(hci.OpReadRemoteVersionInformation, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.ReadRemoteVersionInformationComplete{Status: hci.LLResponseTimeout, Handle: 64})
		})
		if _, err := conn.RemoteVersion(t.Context()); !errors.Is(err, hci.LLResponseTimeout) {
			t.Errorf("RemoteVersion: %v", err)
		}
		for range 2 {
			ctl.Handle(hci.OpLEReadRemoteFeatures, hcitest.Refuse(hci.UnsupportedRemoteFeature))
			if _, err := conn.RemoteFeatures(t.Context()); !errors.Is(err, hci.UnsupportedRemoteFeature) {
				t.Errorf("RemoteFeatures: %v", err)
			}
		}
		// One at a time; a caller that goes leaves the question open until its answer comes.
		ctl.Handle(hci.OpReadRemoteVersionInformation, hcitest.Refuse(hci.Success))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := conn.RemoteVersion(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RemoteVersion: %v", err)
		}
		if _, err := conn.RemoteVersion(t.Context()); !errors.Is(err, hci.ControllerBusy) {
			t.Errorf("a second: %v", err)
		}
		ctl.Event(hci.ReadRemoteVersionInformationComplete{Handle: 64, Version: 1})
		ctl.Event(hci.ReadRemoteVersionInformationComplete{Handle: 64, Version: 2}) // nobody asked
		synctest.Wait()
		third := start(func() error { _, err := conn.RemoteVersion(t.Context()); return err })
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		if err := <-third; !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("the third: %v", err)
		}
	})
}
