package gap_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// Channels that are open end with the link's encryption, whether it is lost or its renewal is refused: what is written
// fails, and others can be had when the link is encrypted again.
func TestChannelsEndWithEncryption(t *testing.T) {
	for name, status := range map[string]hci.Status{"off": hci.Success, "refused": hci.PINOrKeyMissing} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, pairConfig{})
				defer p.close()
				l, err := p.peripheral.Listen(spsm, l2cap.ListenConfig{})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
				if err != nil {
					t.Fatal(err)
				}
				defer part(central, peripheral)
				dialed, err := central.Dial(t.Context(), spsm, l2cap.ChannelConfig{})
				if err != nil {
					t.Fatal(err)
				}
				accepted, err := l.AcceptChannel(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.radios[0].Inject(hci.AppendEvent(nil, hci.EncryptionChange{Status: status, Handle: central.Link().Handle()}))
				rest()
				if _, err := dialed.Write([]byte("in the clear")); !errors.Is(err, gap.ErrNotEncrypted) {
					t.Errorf("write: %v", err)
				}
				if n, err := accepted.Read(make([]byte, 100)); n != 0 || err != io.EOF {
					t.Errorf("the peer reads %d octets, %v", n, err)
				}
				if err := central.Secure(t.Context(), smp.LevelEncrypted); err != nil {
					t.Fatal(err)
				}
				if _, err := central.Dial(t.Context(), spsm, l2cap.ChannelConfig{}); err != nil {
					t.Errorf("dial when the link is encrypted again: %v", err)
				}
			})
		})
	}
}

// Whoever has a bonded peer's address and not its key gets no channel, though the listener asks for nothing; nor the bond's
// subscriptions, nor any value (Vol 3, Part C, 10.3.1). A stranger gets the channel.
func TestBondedPeerInTheClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.reading.Permissions = gatt.Permissions{} // for anybody: it is the bond that keeps them out
		x.stop()
		x.start(t)
		l, err := x.peripheral.Listen(spsm, l2cap.ListenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()

		central, peripheral := x.connect(t, smp.LevelNone)
		if _, err := central.Dial(t.Context(), spsm, l2cap.ChannelConfig{}); err != nil {
			t.Errorf("a stranger: %v", err)
		}
		part(central, peripheral)

		var got inbox
		wish := x.central.Subscribe(peripheralAddress, x.reading.UUID, got.add)
		central, peripheral = x.connect(t, smp.LevelEncrypted)
		rest()
		cccd := cccdOf(t, central, x.reading.UUID)
		part(central, peripheral)
		wish.Close()

		if err := x.bonds[0].Delete(x.central.Identity(), peripheralAddress); err != nil {
			t.Fatal(err)
		}
		central, peripheral = x.connect(t, smp.LevelNone)
		defer part(central, peripheral)
		if value, err := central.Client().Read(t.Context(), cccd); err != nil || string(value) != "\x00\x00" {
			t.Errorf("CCCD: %x, %v", value, err)
		}
		if err := central.Client().Write(t.Context(), cccd, []byte{1, 0}); err != nil {
			t.Errorf("subscribe: %v", err)
		}
		if err := peripheral.Server().Notify(t.Context(), x.reading, []byte("secret")); !errors.Is(err, gap.ErrNotEncrypted) {
			t.Errorf("notify: %v", err)
		}
		if err := x.server.Notify(t.Context(), x.reading, []byte("secret")); err != nil {
			t.Errorf("notify everybody who may know: %v", err)
		}
		for name, dial := range map[string]func() error{
			"one": func() error {
				_, err := central.Dial(t.Context(), spsm, l2cap.ChannelConfig{})
				return err
			},
			"enhanced": func() error {
				_, err := central.DialEnhanced(t.Context(), spsm, 2, l2cap.ChannelConfig{})
				return err
			},
		} {
			if err := dial(); !errors.Is(err, l2cap.InsufficientEncryption) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := central.Client().Stats().Values; n != 0 {
			t.Errorf("%d values", n)
		}
	})
}

// What comes by itself while a link that was encrypted is not is nobody's: a value that is indicated is confirmed, so that
// its sender goes on, and goes no further.
func TestIndicationInTheClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTapped(t, pairConfig{})
		defer p.close()
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
		if err != nil {
			t.Fatal(err)
		}
		defer part(central, peripheral)
		var got inbox
		if _, err := p.subscribe(t.Context(), central, got.add); err != nil {
			t.Fatal(err)
		}
		p.radios[0].Inject(hci.AppendEvent(nil, hci.EncryptionChange{Handle: central.Link().Handle()}))
		rest()
		handle := p.server.Handle(p.reading)
		confirmed := 0
		p.meddlers[0].setOut(func(packet []byte) []byte {
			if pdu := attOf(packet); pdu != nil && att.Opcode(pdu[0]) == att.OpHandleValueConfirmation {
				confirmed++
			}
			return packet
		})
		for _, pdu := range [][]byte{
			att.HandleValueIndication{Handle: handle, Value: []byte("spoofed")}.AppendTo(nil),
			att.HandleValueNotification{Handle: handle, Value: []byte("spoofed")}.AppendTo(nil),
		} {
			p.radios[0].Inject(attOn(central.Link().Handle(), pdu))
		}
		got.want(t)
		if stats := central.Client().Stats(); confirmed != 1 || stats.Unbelieved != 2 {
			t.Errorf("%d confirmed, %+v", confirmed, stats)
		}
	})
}

// attOn is an ACL packet with an ATT PDU on a link.
func attOn(handle uint16, pdu []byte) []byte {
	return hci.AppendACL(nil, hci.ACL{Handle: handle, Boundary: hci.FirstFlushable, Data: append([]byte{byte(len(pdu)), 0, byte(l2cap.CIDATT), 0}, pdu...)})
}
