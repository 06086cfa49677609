package hcitest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// ask writes a command and returns the Command Complete that answers it.
func ask(t *testing.T, c transport.Conn, command hci.Command) hci.CommandComplete {
	t.Helper()
	put(t, c, hci.AppendCommand(nil, command))
	frame, err := hci.ParseEvent(get(t, c)[1:])
	if err != nil || frame.Code != hci.EvCommandComplete {
		t.Fatalf("%v: %v, %v", command.Opcode(), frame, err)
	}
	complete, err := hci.ParseCommandComplete(frame.Parameters)
	if err != nil || complete.Opcode != command.Opcode() || len(complete.Return) == 0 || complete.Return[0] != 0 {
		t.Fatalf("%v: %+v, %v", command.Opcode(), complete, err)
	}
	return complete
}

func TestStartUp(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings Settings
		address  string
		le       hci.LEBufferSize
		shared   hci.BufferSize
		features uint64
		credits  uint8
	}{
		{"the zero value", Settings{}, "00:1D:85:F0:01:77", hci.LEBufferSize{ACLLength: 27, ACLPackets: 8}, hci.BufferSize{ACLLength: 27, ACLPackets: 8}, hci.FeatureLEEncryption, 1},
		{"one buffer", Settings{ACLBuffers: 1, ACLLength: 251, Credits: 5}, "00:1D:85:F0:01:77", hci.LEBufferSize{ACLLength: 251, ACLPackets: 1}, hci.BufferSize{ACLLength: 251, ACLPackets: 1}, hci.FeatureLEEncryption, 5},
		{"shared buffers", Settings{SharedBuffers: true, ACLLength: 1021}, "00:1D:85:F0:01:77", hci.LEBufferSize{}, hci.BufferSize{ACLLength: 1021, ACLPackets: 8}, hci.FeatureLEEncryption, 1},
		{"no address", Settings{NoAddress: true, Features: hci.FeatureLLPrivacy}, "00:00:00:00:00:00", hci.LEBufferSize{ACLLength: 27, ACLPackets: 8}, hci.BufferSize{ACLLength: 27, ACLPackets: 8}, hci.FeatureLLPrivacy, 1},
		{"its own address", Settings{Address: hci.Address{Octets: [6]byte{6, 5, 4, 3, 2, 1}}}, "01:02:03:04:05:06", hci.LEBufferSize{ACLLength: 27, ACLPackets: 8}, hci.BufferSize{ACLLength: 27, ACLPackets: 8}, hci.FeatureLEEncryption, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := NewController(c.settings)
			if got := ask(t, k, hci.Reset); got.NumPackets != c.credits {
				t.Errorf("%d command packets, want %d", got.NumPackets, c.credits)
			}
			if got, err := hci.ParseBDADDR(ask(t, k, hci.ReadBDADDR).Return[1:]); err != nil || got.String() != c.address {
				t.Errorf("address %v, %v, want %s", got, err, c.address)
			}
			if got, err := hci.ParseLEBufferSize(ask(t, k, hci.LEReadBufferSize).Return[1:]); err != nil || got != c.le {
				t.Errorf("LE buffers %+v, %v, want %+v", got, err, c.le)
			}
			if got, err := hci.ParseBufferSize(ask(t, k, hci.ReadBufferSize).Return[1:]); err != nil || got != c.shared {
				t.Errorf("buffers %+v, %v, want %+v", got, err, c.shared)
			}
			if got, err := hci.ParseFeatures(hci.OpLEReadLocalSupportedFeatures, ask(t, k, hci.LEReadLocalSupportedFeatures).Return[1:]); err != nil || got != c.features {
				t.Errorf("LE features %#x, %v, want %#x", got, err, c.features)
			}
			if got, err := hci.ParseFeatures(hci.OpReadLocalSupportedFeatures, ask(t, k, hci.ReadLocalSupportedFeatures).Return[1:]); err != nil || got&hci.LMPFeatureLESupported == 0 {
				t.Errorf("LMP features %#x, %v", got, err)
			}
			if got, err := hci.ParseLocalVersion(ask(t, k, hci.ReadLocalVersionInformation).Return[1:]); err != nil || got.HCIVersion != version54 {
				t.Errorf("version %+v, %v", got, err)
			}
			commands, err := hci.ParseSupportedCommands(ask(t, k, hci.ReadLocalSupportedCommands).Return[1:])
			if err != nil || !commands.Has(5, 7) || !commands.Has(28, 3) || commands.Has(36, 0) {
				t.Errorf("commands %x, %v: want HCI_Reset and LE Read Supported States, and no extended advertising", commands, err)
			}
		})
	}
}

// TestStartUpTakesSettings sends every command of a start-up that only sets something.
func TestStartUpTakesSettings(t *testing.T) {
	k := NewController(Settings{})
	for _, command := range []hci.Command{
		hci.SetEventMask{}, hci.LESetEventMask{}, hci.WriteLEHostSupport{Supported: true}, hci.LESetRandomAddress{},
		hci.LESetAdvertisingParameters{}, hci.LESetAdvertisingData{}, hci.LESetScanResponseData{}, hci.LESetAdvertisingEnable{},
		hci.LESetScanParameters{}, hci.LESetScanEnable{}, hci.LEReadFilterAcceptListSize, hci.LEClearFilterAcceptList,
		hci.LEAddDeviceToFilterAcceptList(defaultAddress), hci.LERemoveDeviceFromFilterAcceptList(defaultAddress), hci.LEReadSupportedStates,
	} {
		ask(t, k, command)
	}
}

func TestControllerHandlers(t *testing.T) {
	var kept []hci.CommandFrame
	for _, c := range []struct {
		name   string
		handle Handler
		want   string // hex of the packets that come, one after the other
	}{
		{"by default", nil, "040e0401030c00"},
		{"Command Status instead of Command Complete", Refuse(hci.CommandDisallowed), "040f040c01030c"},
		{"a failure", Fail(hci.HardwareFailure), "040e0401030c03"},
		{"return parameters", Return(1, 2, 3), "040e0701030c00010203"},
		{"silence", Silent, ""},
		{"twice", func(c *Controller, command hci.CommandFrame) {
			c.Complete(command.Opcode)
			c.Complete(command.Opcode)
		}, "040e0401030c00040e0401030c00"},
		{"no credits", func(c *Controller, command hci.CommandFrame) {
			c.Event(hci.CommandComplete{Opcode: command.Opcode, Return: []byte{0}})
		}, "040e0400030c00"},
		{"not well formed", func(c *Controller, _ hci.CommandFrame) { c.Inject([]byte{4, 0x0E, 9}) }, "040e09"},
		{"kept", func(_ *Controller, command hci.CommandFrame) { kept = append(kept, command) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := NewController(Settings{})
			k.Handle(hci.OpReset, Silent)
			k.Handle(hci.OpReset, c.handle)
			put(t, k, hci.AppendCommand(nil, hci.Reset))
			k.Inject([]byte("end"))
			var got strings.Builder
			for p := get(t, k); string(p) != "end"; p = get(t, k) {
				got.WriteString(fmt.Sprintf("%x", p))
			}
			if got.String() != c.want {
				t.Errorf("read %s, want %s", got.String(), c.want)
			}
		})
	}
	if len(kept) != 1 || kept[0].Opcode != hci.OpReset {
		t.Errorf("a handler kept %v", kept)
	}
}

func TestControllerUnknownCommand(t *testing.T) {
	k := NewController(Settings{Credits: 3})
	put(t, k, hci.AppendCommand(nil, hci.Raw{Op: 0xFC01, Parameters: []byte{1}}))
	if got := fmt.Sprintf("%x", get(t, k)); got != "040f04010301fc" {
		t.Errorf("read %s, want Command Status: Unknown HCI Command", got)
	}
}

func TestControllerData(t *testing.T) {
	k := NewController(Settings{})
	put(t, k, hci.AppendACL(nil, hci.ACL{Handle: 1, Data: []byte("lost")}))
	k.HandleACL(func(c *Controller, p hci.ACL) {
		c.ACL(hci.ACL{Handle: p.Handle, Boundary: hci.FirstFlushable, Data: p.Data})
		c.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: p.Handle, Count: 1}))
	})
	put(t, k, hci.AppendACL(nil, hci.ACL{Handle: 0x10, Data: []byte{7}}))
	for _, want := range []string{"021020010007", "0413050110000100"} {
		if got := fmt.Sprintf("%x", get(t, k)); got != want {
			t.Errorf("read %s, want %s", got, want)
		}
	}
	put(t, k, hci.AppendCommand(nil, hci.Reset))
	if n, c := len(k.Sent()), k.Commands(); n != 3 || len(c) != 1 || c[0].Opcode != hci.OpReset {
		t.Errorf("%d packets and commands %v were kept", n, c)
	}
}

func TestControllerKeepsCopies(t *testing.T) {
	k := NewController(Settings{})
	p := hci.AppendCommand(nil, hci.LESetRandomAddress{})
	put(t, k, p)
	p[5] = 0xFF
	if got := k.Sent()[0][5]; got != 0 {
		t.Error("the host's buffer is what was kept")
	}
	event := []byte{4, 0x10, 1, 0}
	get(t, k)
	k.Inject(event)
	event[3] = 0xFF
	if got := get(t, k)[3]; got != 0 {
		t.Error("the test's buffer is what was sent")
	}
}

func TestControllerRefusesWhatIsNoPacket(t *testing.T) {
	k := NewController(Settings{})
	for _, p := range []string{"", "01", "01030c", "01030c0100ff", "040e0401030c00", "0210", "0300000100", "7f"} {
		if err := k.WritePacket(octetsOf(t, p)); err == nil || !strings.Contains(err.Error(), "hcitest: controller: "+p) {
			t.Errorf("%q: %v", p, err)
		}
	}
	if len(k.Sent()) != 0 {
		t.Errorf("kept %x", k.Sent())
	}
}

func TestControllerNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewController(Settings{})
		go func() {
			time.Sleep(time.Minute)
			put(t, k, hci.AppendCommand(nil, hci.Reset))
			put(t, k, hci.AppendCommand(nil, hci.ReadBDADDR))
			time.Sleep(time.Minute)
			k.Break(errors.New("unplugged"))
		}()
		for _, want := range []string{"01030c00", "01091000"} {
			if p, err := k.Next(t.Context()); err != nil || fmt.Sprintf("%x", p) != want {
				t.Errorf("next is %x, %v, want %s", p, err, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing to come: %v", err)
		}
		if _, err := k.Next(t.Context()); err == nil || err.Error() != "unplugged" {
			t.Errorf("after Break: %v", err)
		}
	})
}

func TestControllerBreak(t *testing.T) {
	k := NewController(Settings{})
	gone := errors.New("unplugged")
	k.Event(hci.HardwareError{Hardware: 1})
	k.Break(gone)
	k.Break(errors.New("again"))
	k.Event(hci.HardwareError{Hardware: 2})
	if got := get(t, k); got[3] != 1 {
		t.Errorf("read %x", got)
	}
	if _, err := k.ReadPacket(make([]byte, transport.MaxPacket)); err != gone {
		t.Errorf("reading: %v", err)
	}
	for _, p := range [][]byte{hci.AppendCommand(nil, hci.Reset), hci.AppendACL(nil, hci.ACL{})} {
		if err := k.WritePacket(p); err != gone {
			t.Errorf("writing %x: %v", p, err)
		}
	}
}

func TestControllerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewController(Settings{})
		done := make(chan error)
		go func() {
			_, err := k.ReadPacket(make([]byte, transport.MaxPacket))
			done <- err
		}()
		go func() {
			_, err := k.Next(context.Background())
			done <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("what waited ended with %v", err)
			}
		}
		k.Event(hci.HardwareError{})
		if _, err := k.ReadPacket(make([]byte, transport.MaxPacket)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading a closed controller: %v", err)
		}
		if err := k.WritePacket(hci.AppendCommand(nil, hci.Reset)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing a closed controller: %v", err)
		}
	})
}

func TestControllerShortBuffer(t *testing.T) {
	k := NewController(Settings{})
	k.Event(hci.HardwareError{})
	if _, err := k.ReadPacket(make([]byte, 3)); err == nil {
		t.Error("a packet was cut")
	}
}

func TestControllerHostThatDoesNotRead(t *testing.T) {
	k := NewController(Settings{})
	for range maxUnread + 1 {
		k.Event(hci.HardwareError{})
	}
	if err := k.WritePacket(hci.AppendCommand(nil, hci.Reset)); err == nil || !strings.Contains(err.Error(), "unread") {
		t.Errorf("error %v, want one that tells of unread packets", err)
	}
}

// ExampleController refuses a connection.
func ExampleController() {
	c := NewController(Settings{})
	c.Handle(hci.OpLECreateConnection, Refuse(hci.ConnectionLimitExceeded))

	_ = c.WritePacket(hci.AppendCommand(nil, hci.LECreateConnection{}))
	b := make([]byte, transport.MaxPacket)
	n, _ := c.ReadPacket(b)
	fmt.Printf("%x\n", b[:n])
	fmt.Println(c.Commands()[0].Opcode)
	// Output:
	// 040f0409010d20
	// LE Create Connection
}

// A controller with flow control towards its host says so, takes the host's word and has no answer to what has none.
func TestStartUpHostFlow(t *testing.T) {
	for _, has := range []bool{true, false} {
		k := NewController(Settings{HostFlow: has, Company: 0x0059})
		if v, err := hci.ParseLocalVersion(ask(t, k, hci.ReadLocalVersionInformation).Return[1:]); err != nil || v.Company != 0x0059 {
			t.Errorf("%+v, %v", v, err)
		}
		commands, err := hci.ParseSupportedCommands(ask(t, k, hci.ReadLocalSupportedCommands).Return[1:])
		if err != nil || commands.Supports(hci.OpHostNumberOfCompletedPackets) != has || commands.Supports(hci.OpHostBufferSize) != has {
			t.Errorf("%v, %v", commands, err)
		}
		if !has {
			continue
		}
		for _, cmd := range []hci.Command{hci.HostBufferSize{ACLLength: 27, ACLPackets: 1}, hci.SetControllerToHostFlowControl{Enable: hci.FlowControlACL}} {
			if got := ask(t, k, cmd); len(got.Return) != 1 || got.Return[0] != byte(hci.Success) {
				t.Errorf("%v: % X", cmd.Opcode(), got.Return)
			}
		}
		if err := k.WritePacket(hci.AppendCommand(nil, hci.HostCompletedPacketsOf(hci.CompletedPackets{Handle: 1, Count: 1}))); err != nil {
			t.Error(err)
		}
		if got := ask(t, k, hci.ReadBDADDR); got.Opcode != hci.OpReadBDADDR {
			t.Errorf("%v was answered", got.Opcode)
		}
	}
}
