package virtual

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var (
	ltk    = [16]byte{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF}
	other  = [16]byte{1}
	random = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
)

const ediv = 0x2474

// encrypt is the central's command.
func (p *pair) encrypt(key [16]byte) {
	p.central.t.Helper()
	p.central.start(hci.LEEnableEncryption{Handle: p.ch, Random: random, EDIV: ediv, Key: key})
}

// keyRequest reads the request at the peripheral, which has what the central said.
func (p *pair) keyRequest() {
	p.central.t.Helper()
	e, err := hci.ParseLELongTermKeyRequest(p.peripheral.meta(hci.EvLELongTermKeyRequest))
	if want := (hci.LELongTermKeyRequest{Handle: p.ph, Random: random, EDIV: ediv}); err != nil || e != want {
		p.central.t.Fatalf("%+v (%v), want %+v", e, err, want)
	}
}

// reply answers it.
func (p *pair) reply(key [16]byte) {
	p.central.t.Helper()
	equal(p.central.t, "reply", p.peripheral.do(hci.LELongTermKeyRequestReply{Handle: p.ph, Key: key}), le16(p.ph))
}

func (p *pair) noKey() {
	p.central.t.Helper()
	equal(p.central.t, "negative reply", p.peripheral.do(hci.LELongTermKeyRequestNegativeReply(p.ph)), le16(p.ph))
}

// changed reads Encryption Change.
func (h *host) changed(handle uint16, status hci.Status, enabled uint8) {
	h.t.Helper()
	e, err := hci.ParseEncryptionChange(h.event(hci.EvEncryptionChange))
	if want := (hci.EncryptionChange{Status: status, Handle: handle, Enabled: enabled}); err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

func (h *host) refreshed(handle uint16) {
	h.t.Helper()
	e, err := hci.ParseEncryptionKeyRefreshComplete(h.event(hci.EvEncryptionKeyRefreshComplete))
	if want := (hci.EncryptionKeyRefreshComplete{Handle: handle}); err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

// encrypted brings the pair to an encrypted link.
func (p *pair) encrypted() {
	p.central.t.Helper()
	p.encrypt(ltk)
	p.keyRequest()
	p.reply(ltk)
	p.peripheral.changed(p.ph, hci.Success, 1)
	p.central.changed(p.ch, hci.Success, 1)
}

// inBubble runs a test on a pair in a bubble, and looks afterwards whether the hosts were right.
func inBubble(t *testing.T, central, peripheral ControllerConfig, f func(t *testing.T, p *pair)) {
	t.Helper()
	for _, instant := range []bool{false, true} {
		t.Run(fmt.Sprint("instant ", instant), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, AirConfig{Instant: instant}, central, peripheral)
				settle()
				f(t, p)
				right(t, p.central, p.peripheral)
			})
		})
	}
}

func TestEncryptionStart(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypted()
		p.central.says(p.ch, p.peripheral, p.ph, "under cover")
		p.peripheral.says(p.ph, p.central, p.ch, "so am I")
		time.Sleep(2 * responseTimeout) // the time-out was called off
		p.central.says(p.ch, p.peripheral, p.ph, "still there")
	})
}

func TestEncryptionKeyMissing(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		for range 2 { // the link stays, and the central may try again
			p.encrypt(ltk)
			p.keyRequest()
			p.noKey()
			p.central.changed(p.ch, hci.PINOrKeyMissing, 0)
		}
		p.peripheral.says(p.ph, p.central, p.ch, "in the clear")
		p.peripheral.silent(2 * responseTimeout)
		p.encrypted()
	})
}

func TestEncryptionWrongKey(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypt(ltk)
		p.keyRequest()
		p.reply(other)
		p.central.disconnected(p.ch, hci.ConnectionTerminatedMICFailure)
		p.peripheral.disconnected(p.ph, hci.ConnectionTerminatedMICFailure)
	})
}

func TestEncryptionRefresh(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypted()
		for _, key := range [][16]byte{other, ltk} {
			p.encrypt(key)
			p.keyRequest()
			p.reply(key)
			p.peripheral.refreshed(p.ph)
			p.central.refreshed(p.ch)
			p.central.says(p.ch, p.peripheral, p.ph, "under a new key")
		}
	})
}

// TestEncryptionRefreshKeyMissing: a link that was encrypted does not go on in the clear (Vol 6, Part B, 5.1.3.1).
func TestEncryptionRefreshKeyMissing(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypted()
		p.encrypt(ltk)
		p.keyRequest()
		p.noKey()
		p.central.disconnected(p.ch, hci.PINOrKeyMissing)
		p.peripheral.disconnected(p.ph, hci.ConnectionTerminatedByLocalHost)
	})
}

func TestEncryptionRefreshWrongKey(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypted()
		p.encrypt(other)
		p.keyRequest()
		p.reply(ltk)
		p.central.disconnected(p.ch, hci.ConnectionTerminatedMICFailure)
		p.peripheral.disconnected(p.ph, hci.ConnectionTerminatedMICFailure)
	})
}

// TestEncryptionUnanswered: the peripheral's host never says whether it has the key.
func TestEncryptionUnanswered(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypt(ltk)
		p.keyRequest()
		start := time.Now()
		p.central.disconnected(p.ch, hci.LLResponseTimeout)
		if d := time.Since(start); d < responseTimeout-interval || d > responseTimeout+interval {
			t.Errorf("lost after %v, want %v", d, responseTimeout)
		}
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout) // nobody told it
		if n := p.air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
	})
}

func TestEncryptionPeerCannot(t *testing.T) {
	without := ControllerConfig{Features: hci.FeatureConnectionParametersRequest}
	inBubble(t, ControllerConfig{}, without, func(t *testing.T, p *pair) {
		p.encrypt(ltk)
		p.central.changed(p.ch, hci.UnsupportedRemoteFeature, 0)
		p.central.says(p.ch, p.peripheral, p.ph, "in the clear")
	})
	inBubble(t, without, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.refused(hci.LEEnableEncryption{Handle: p.ch}, hci.UnsupportedFeatureOrParameter)
	})
}

// TestEncryptionNobodyToAsk: the peripheral's host has masked the request.
func TestEncryptionNobodyToAsk(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.do(hci.LESetEventMask{Mask: hci.LEEventMaskConnectionComplete})
		p.encrypt(ltk)
		p.central.changed(p.ch, hci.PINOrKeyMissing, 0)
	})
}

// TestEncryptionPausesData: what is sent before the procedure arrives before it, what is sent during it waits, in both
// directions, and arrives after the event that says it was encrypted (Vol 6, Part B, 5.1.3.1).
func TestEncryptionPausesData(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.c.SetSilent(true)                               // until the command is there too
		p.central.sendACL(p.ch, hci.FirstNonFlushable, pattern(200)) // eight packets on air
		p.encrypt(ltk)
		p.peripheral.c.SetSilent(false)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("down"))
		for range 8 {
			p.peripheral.acl()
		}
		p.keyRequest()
		p.central.completed(p.ch)
		p.peripheral.sendACL(p.ph, hci.FirstNonFlushable, []byte("up"))
		p.peripheral.silent(time.Second)
		p.central.silent(time.Second)
		p.reply(ltk)
		p.peripheral.changed(p.ph, hci.Success, 1)
		p.central.changed(p.ch, hci.Success, 1)
		if got := string(p.peripheral.acl().Data); got != "down" {
			t.Errorf("got %q", got)
		}
		if got := string(p.central.acl().Data); got != "up" {
			t.Errorf("got %q", got)
		}
		p.peripheral.completed(p.ph)
		p.central.completed(p.ch)
	})
}

// TestEncryptionRefusedLetsDataGo is the same with a key that is missing.
func TestEncryptionRefusedLetsDataGo(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypt(ltk)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("down"))
		p.keyRequest()
		p.peripheral.sendACL(p.ph, hci.FirstNonFlushable, []byte("up"))
		p.noKey()
		p.central.changed(p.ch, hci.PINOrKeyMissing, 0)
		if got := string(p.peripheral.acl().Data); got != "down" {
			t.Errorf("got %q", got)
		}
		if got := string(p.central.acl().Data); got != "up" {
			t.Errorf("got %q", got)
		}
		p.peripheral.completed(p.ph)
		p.central.completed(p.ch)
	})
}

// TestDisconnectWhileEncrypting: the end of a link waits for no key.
func TestDisconnectWhileEncrypting(t *testing.T) {
	for _, by := range []hci.Role{hci.Central, hci.Peripheral} {
		t.Run(by.String(), func(t *testing.T) {
			inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
				p.encrypt(ltk)
				p.keyRequest()
				p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("never comes"))
				here, hh, there, th := p.central, p.ch, p.peripheral, p.ph
				if by == hci.Peripheral {
					here, hh, there, th = there, th, here, hh
				}
				here.start(hci.Disconnect{Handle: hh, Reason: hci.AuthenticationFailure})
				here.disconnected(hh, hci.ConnectionTerminatedByLocalHost)
				there.disconnected(th, hci.AuthenticationFailure)
				p.peripheral.refused(hci.LELongTermKeyRequestReply{Handle: p.ph, Key: ltk}, hci.UnknownConnectionIdentifier)
				if n := p.air.alarms(); n != 0 {
					t.Errorf("%d alarms left", n)
				}
			})
		})
	}
}

// TestEncryptionSupervision: a peer that vanishes while a key is awaited is lost as always.
func TestEncryptionSupervision(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypt(ltk)
		p.keyRequest()
		p.peripheral.c.SetSilent(true)
		p.reply(ltk)
		p.central.disconnected(p.ch, hci.ConnectionTimeout)
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
	})
}

func TestEncryptionCommandsInTheWrongState(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		const nobody = 0x0ABC
		p.central.refused(hci.LEEnableEncryption{Handle: nobody}, hci.UnknownConnectionIdentifier)
		p.peripheral.refused(hci.LEEnableEncryption{Handle: p.ph}, hci.CommandDisallowed)
		p.peripheral.refused(hci.LELongTermKeyRequestReply{Handle: nobody}, hci.UnknownConnectionIdentifier)
		p.peripheral.refused(hci.LELongTermKeyRequestReply{Handle: p.ph}, hci.CommandDisallowed)
		p.peripheral.refused(hci.LELongTermKeyRequestNegativeReply(p.ph), hci.CommandDisallowed)
		p.encrypt(ltk)
		p.central.refused(hci.LEEnableEncryption{Handle: p.ch}, hci.CommandDisallowed)
		p.keyRequest()
		p.reply(ltk)
		p.peripheral.changed(p.ph, hci.Success, 1)
		p.peripheral.refused(hci.LELongTermKeyRequestReply{Handle: p.ph}, hci.CommandDisallowed)
	})
}

func TestKeysAreNotPrinted(t *testing.T) {
	air := NewAir(AirConfig{})
	c := air.NewController(ControllerConfig{})
	conn := c.Conn()
	c.HoldCommands(true)
	if err := conn.WritePacket(hci.AppendCommand(nil, hci.LEEncrypt{Key: ltk})); err != nil {
		t.Fatal(err)
	}
	c.Inject(ltk[:])
	for _, format := range []string{"%v", "%+v", "%#v", "%x", "% X", "%s", "%d", "%q"} {
		for _, v := range []any{secret(ltk), air, c, conn} {
			text := strings.ToLower(fmt.Sprintf(format, v))
			if strings.Contains(text, "a0a1") || strings.Contains(text, "a0 a1") || strings.Contains(text, "160") || strings.Contains(text, "0xa0") {
				t.Errorf("%s of %T: %s", format, v, text)
			}
		}
	}
}
