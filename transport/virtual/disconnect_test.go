package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestDisconnect(t *testing.T) {
	for _, reason := range []hci.Status{hci.AuthenticationFailure, hci.RemoteUserTerminatedConnection, hci.RemoteDeviceLowResources,
		hci.RemoteDevicePowerOff, hci.UnsupportedRemoteFeature, hci.PairingWithUnitKeyNotSupported, hci.UnacceptableConnectionParameters} {
		t.Run(reason.String(), func(t *testing.T) {
			inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
				p.central.start(hci.Disconnect{Handle: p.ch, Reason: reason})
				p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
				p.peripheral.disconnected(p.ph, reason)
				p.central.refused(hci.Disconnect{Handle: p.ch, Reason: reason}, hci.UnknownConnectionIdentifier)
				p.connect(usual)
				p.peripheral.start(hci.Disconnect{Handle: p.ph, Reason: reason})
				p.peripheral.disconnected(p.ph, hci.ConnectionTerminatedByLocalHost)
				p.central.disconnected(p.ch, reason)
				if n := p.air.alarms(); n != 0 {
					t.Errorf("%d alarms left", n)
				}
			})
		})
	}
}

func TestDisconnectReasons(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		for _, reason := range []hci.Status{hci.Success, hci.ConnectionTimeout, hci.ConnectionTerminatedByLocalHost, hci.PINOrKeyMissing, 0xFF} {
			p.central.refused(hci.Disconnect{Handle: p.ch, Reason: reason}, hci.InvalidHCICommandParameters)
		}
	})
}

// TestDisconnectGoesBehindData: what the controller has taken is sent first, and completed before the link is over.
func TestDisconnectGoesBehindData(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.c.SetSilent(true)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("last words"))
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.refused(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection}, hci.CommandDisallowed)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("too late"))
		p.peripheral.c.SetSilent(false)
		if got := string(p.peripheral.acl().Data); got != "last words" {
			t.Errorf("got %q", got)
		}
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		if n := p.central.completed(p.ch); n != 1 {
			t.Errorf("%d completed, want 1", n)
		}
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		if n := p.central.c.Counters(); n.ACLFlushed != 1 {
			t.Errorf("%+v", n)
		}
	})
}

// TestDisconnectFromSomeoneSilent is answered by nobody: the supervision time-out ends it.
func TestDisconnectFromSomeoneSilent(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.c.SetSilent(true)
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTimeout)
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
	})
}

// TestDisconnectBehindDataThatDoesNotGo: the other host reads nothing, so the link layer there takes nothing. The end of
// the link waits for one supervision time-out (Vol 6, Part B, 5.1.6).
func TestDisconnectBehindDataThatDoesNotGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		central := newHost(t, air.NewController(ControllerConfig{ACLBuffers: 100}))
		c := air.NewController(ControllerConfig{})
		conn := c.Conn()
		b := make([]byte, 4096)
		conn.WritePacket(hci.AppendCommand(nil, hci.LESetAdvertisingEnable{Enable: true}))
		conn.ReadPacket(b)
		central.start(createConnection(c.Address()))
		handle := central.connected().Handle
		for range 100 {
			central.sendACL(handle, hci.FirstNonFlushable, []byte("unread"))
		}
		time.Sleep(time.Second)
		start := time.Now()
		central.send(hci.Disconnect{Handle: handle, Reason: hci.RemoteUserTerminatedConnection})
		for {
			p := central.next()
			if f, err := hci.ParseEvent(p[1:]); err == nil && f.Code == hci.EvDisconnectionComplete {
				e, _ := hci.ParseDisconnectionComplete(f.Parameters)
				if e.Reason != hci.ConnectionTerminatedByLocalHost || time.Since(start) != supervision {
					t.Errorf("%+v after %v", e, time.Since(start))
				}
				return
			}
		}
	})
}
