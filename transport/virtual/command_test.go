package virtual

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// alone runs a test in a bubble with one controller.
func alone(t *testing.T, config ControllerConfig, f func(t *testing.T, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		f(t, newHost(t, air.NewController(config)))
	})
}

func TestUnknownCommands(t *testing.T) {
	alone(t, ControllerConfig{Unsupported: []hci.Opcode{hci.OpLERand, hci.OpLECreateConnection}}, func(t *testing.T, h *host) {
		for _, op := range []hci.Opcode{hci.OpNone, 0xFC01, 0x20FF, 0xFFFF, hci.OpLERand, hci.OpLECreateConnection} {
			h.refused(hci.Raw{Op: op, Parameters: []byte{1, 2, 3}}, hci.UnknownHCICommand)
		}
	})
}

// TestCommandLengths gives every command one octet too few and one too many.
func TestCommandLengths(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		for op, c := range commands {
			if c.unanswered != nil {
				continue // of any length
			}
			for _, n := range []int{c.length - 1, c.length + 1, 255} {
				if n >= 0 {
					h.refused(hci.Raw{Op: op, Parameters: make([]byte, n)}, hci.InvalidHCICommandParameters)
				}
			}
		}
	})
}

// TestCommandForms: what an event ends is answered by Command Status, everything else by Command Complete, whether it
// is done or refused (Vol 4, Part E, 7.7.14 and 7.7.15).
func TestCommandForms(t *testing.T) {
	byStatus := map[hci.Opcode]bool{hci.OpDisconnect: true, hci.OpReadRemoteVersionInformation: true, hci.OpLECreateConnection: true,
		hci.OpLEConnectionUpdate: true, hci.OpLEReadRemoteFeatures: true, hci.OpLEEnableEncryption: true,
		hci.OpLESetPHY: true, hci.OpLESubrateRequest: true, hci.OpLEReadRemoteTransmitPowerLevel: true,
		hci.OpLEExtendedCreateConnection: true, hci.OpLEPeriodicAdvertisingCreateSync: true}
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		for op, c := range commands {
			if c.unanswered != nil {
				continue
			}
			h.send(hci.Raw{Op: op, Parameters: make([]byte, c.length)})
			p := h.next()
			if status := hci.EventCode(p[1]) == hci.EvCommandStatus; status != byStatus[op] {
				t.Errorf("%v was answered by % X", op, p)
			}
			for len(h.packets) > 0 {
				h.next()
			}
			h.setMasks() // Reset and Set Event Mask were among them
		}
	})
}

func TestSupportedCommands(t *testing.T) {
	alone(t, ControllerConfig{Unsupported: []hci.Opcode{hci.OpLERand}}, func(t *testing.T, h *host) {
		all, err := hci.ParseSupportedCommands(h.do(hci.ReadLocalSupportedCommands))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, octet := range all {
			for ; octet != 0; octet &= octet - 1 {
				n++
			}
		}
		if n != len(commands)-1 {
			t.Errorf("%d bits for %d commands", n, len(commands)-1)
		}
		for _, c := range []struct {
			name       string
			octet, bit int
			want       bool
		}{
			{"Disconnect", 0, 5, true}, {"Reset", 5, 7, true}, {"Read BD_ADDR", 15, 1, true}, {"LE Create Connection", 26, 4, true},
			{"LE Enable Encryption", 28, 0, true}, {"LE Rand", 27, 7, false}, {"Inquiry", 0, 0, false}, {"LE Set Extended Scan Enable", 37, 6, true}, {"LE Receiver Test", 28, 4, false},
		} {
			if all.Has(c.octet, c.bit) != c.want {
				t.Errorf("%s: %v", c.name, !c.want)
			}
		}
	})
}

// TestCommandCredits: a host with one credit that sends two commands loses the second, and it is counted.
func TestCommandCredits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		for _, c := range []struct{ config, afterPowerOn, later int }{{0, 1, 1}, {1, 1, 1}, {3, 1, 3}, {1000, 1, 255}} {
			h := bareHost(t, air.NewController(ControllerConfig{CommandPackets: c.config}))
			for _, credits := range []int{c.afterPowerOn, c.later} {
				before := h.c.Counters()
				h.c.HoldCommands(true) // so that the answers come after all commands
				for range credits + 1 {
					h.send(hci.LERand)
				}
				h.c.HoldCommands(false)
				for i := range credits {
					e, err := hci.ParseCommandComplete(h.event(hci.EvCommandComplete))
					if want := max(c.later-(credits-1-i), 0); err != nil || int(e.NumPackets) != want {
						t.Errorf("%d commands: answer %d allows %d (%v), want %d", credits, i, e.NumPackets, err, want)
					}
				}
				after := h.c.Counters()
				if after.CommandsOverCredit != before.CommandsOverCredit+1 || after.Commands != before.Commands+credits {
					t.Errorf("%d credits: %+v, then %+v", credits, before, after)
				}
			}
		}
	})
}

func TestHoldCommands(t *testing.T) {
	alone(t, ControllerConfig{CommandPackets: 4}, func(t *testing.T, h *host) {
		h.c.HoldCommands(true)
		h.send(hci.ReadBDADDR)
		h.send(hci.LERand)
		h.silent(time.Hour)
		h.c.HoldCommands(false)
		for _, op := range []hci.Opcode{hci.OpReadBDADDR, hci.OpLERand} {
			if e, err := hci.ParseCommandComplete(h.event(hci.EvCommandComplete)); err != nil || e.Opcode != op {
				t.Errorf("%+v (%v), want %v", e, err, op)
			}
		}
		right(t, h)
	})
}

func TestRefuse(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		h.c.Refuse(hci.OpLERand, hci.HardwareFailure)
		h.c.Refuse(hci.OpLECreateConnection, hci.ConnectionLimitExceeded)
		h.do(hci.ReadBDADDR)
		h.refused(hci.LERand, hci.HardwareFailure)
		h.do(hci.LERand)
		h.refused(createConnection(hci.Address{}), hci.ConnectionLimitExceeded)
		h.refused(hci.LECreateConnectionCancel, hci.CommandDisallowed)
	})
}

// TestEventMasks: by default there are no LE events and no Encryption Key Refresh Complete (Vol 4, Part E, 7.3.1
// and 7.8.1).
func TestEventMasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		advertiser := newHost(t, air.NewController(ControllerConfig{}))
		advertiser.advertise(advertised)
		h := bareHost(t, air.NewController(ControllerConfig{}))
		h.scan(scan, true)
		h.silent(time.Second)
		h.do(hci.SetEventMask{Mask: defaultEventMask | hci.EventMaskLEMeta})
		h.do(hci.LESetScanEnable{Enable: true, FilterDuplicates: true})
		h.report()
		h.do(hci.LESetEventMask{Mask: 0x1F &^ hci.LEEventMaskAdvertisingReport})
		h.do(hci.LESetScanEnable{Enable: true, FilterDuplicates: true})
		h.silent(time.Second)

		h.start(createConnection(advertiser.c.Address()))
		handle := h.connected().Handle
		advertiser.connected()
		h.do(hci.SetEventMask{Mask: defaultEventMask &^ hci.EventMaskDisconnectionComplete})
		h.start(hci.Disconnect{Handle: handle, Reason: hci.RemoteUserTerminatedConnection})
		advertiser.event(hci.EvDisconnectionComplete)
		h.silent(time.Second)
		h.refused(hci.Disconnect{Handle: handle, Reason: hci.RemoteUserTerminatedConnection}, hci.UnknownConnectionIdentifier)
		h.do(hci.Reset) // the masks are the defaults again
		if h.c.eventMask != defaultEventMask || h.c.leEventMask != defaultLEEventMask {
			t.Errorf("masks %X, %X", h.c.eventMask, h.c.leEventMask)
		}
	})
}

// TestResetEndsEverything (Vol 4, Part E, 7.3.2).
func TestResetEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		h := p.central
		h.do(hci.LESetRandomAddress{Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}})
		h.do(hci.LEAddDeviceToFilterAcceptList(hci.Address{Octets: [6]byte{1}}))
		h.do(hci.LESetAdvertisingData{Data: []byte{1, 2, 3}})
		h.advertise(advertised)
		h.scan(scan, false)
		h.start(createConnection(hci.Address{Octets: [6]byte{1}}))
		p.peripheral.c.SetSilent(true)
		h.sendACL(p.ch, hci.FirstNonFlushable, []byte("lost"))
		h.do(hci.Reset)
		p.peripheral.c.SetSilent(false)
		h.silent(time.Minute)
		s := h.c.state
		if s.advertiser.on || s.scanner.on || s.initiator.on || len(s.ends) != 0 || len(s.accept) != 0 || s.random != [6]byte{} ||
			len(s.advertiser.data) != 0 || s.buffered != 0 {
			t.Error("something is left of the state before the reset")
		}
		h.sendACL(p.ch, hci.FirstNonFlushable, []byte("nobody"))
		if n := h.c.Counters(); n.ACLUnknownHandle != 1 || n.ACLFlushed != 1 {
			t.Errorf("%+v", n)
		}
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
		if n := p.air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
		h.setMasks()
		p.connect(usual)
		p.central.says(p.ch, p.peripheral, p.ph, "afresh")
	})
}

func TestPacketsThatAreNone(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		for i, p := range [][]byte{nil, {}, {1}, {1, 3, 0x0C}, {1, 3, 0x0C, 1}, {1, 3, 0x0C, 0, 0}, {2}, {2, 1, 0, 1}, {2, 1, 0, 2, 0, 1},
			{4, 0x0E, 0}, {0}, {6, 1}, {0xFF}, make([]byte, 5000)} {
			var bad *PacketError
			if err := h.conn.WritePacket(p); !errors.As(err, &bad) || bad.Err == nil || bad.Unwrap() != bad.Err || bad.Error() == "" {
				t.Errorf("% X: %v", p[:min(len(p), 10)], err)
			}
			if n := h.c.Counters(); n.Malformed != i+1 {
				t.Errorf("% X: %+v", p[:min(len(p), 10)], n)
			}
		}
		before := h.c.Counters().Malformed
		h.write([]byte{hci.SCOPacket, 1, 0, 0})
		h.write([]byte{hci.ISOPacket, 1, 0, 0, 0})
		if n := h.c.Counters(); n.Malformed != before+2 {
			t.Errorf("%+v", n)
		}
		h.do(hci.ReadBDADDR)
	})
}
