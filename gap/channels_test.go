package gap_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
)

const spsm = 0x0081

// A channel that needs encryption raises it by itself, carries octets both ways and ends in order.
func TestChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		l, err := p.peripheral.Listen(spsm, l2cap.ListenConfig{Security: l2cap.Security{Encrypted: true}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.peripheral.Listen(spsm, l2cap.ListenConfig{}); err == nil {
			t.Error("two listen on one SPSM")
		}
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := central.Dial(t.Context(), spsm+1, l2cap.ChannelConfig{}); !errors.Is(err, l2cap.SPSMNotSupported) {
			t.Errorf("Dial to nobody: %v", err)
		}
		dialed, err := central.Dial(t.Context(), spsm, l2cap.ChannelConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if !central.Security().Encrypted {
			t.Error("the link is not encrypted")
		}
		accepted, err := l.AcceptChannel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(struct{ io.Writer }{accepted}, struct{ io.Reader }{accepted}) // an echo
			_ = accepted.Close()
		}()
		sent := make([]byte, 50_000)
		go func() { _, _ = dialed.Write(sent) }()
		if n, err := io.ReadFull(dialed, sent); err != nil {
			t.Errorf("%d octets came back: %v", n, err)
		}
		_ = dialed.Close()
		if _, err := dialed.Read(sent); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
		synctest.Wait()
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-peripheral.Ended()
		_ = l.Close()
		if l, err = p.peripheral.Listen(spsm, l2cap.ListenConfig{}); err != nil {
			t.Errorf("Listen again: %v", err)
		}
		_ = l.Close()
	})
}

// The link's end is the end of its channels, by the reason of the disconnection.
func TestChannelEndsWithItsLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		l, err := p.peripheral.Listen(spsm, l2cap.ListenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		all, err := central.DialEnhanced(t.Context(), spsm, 3, l2cap.ChannelConfig{})
		if err != nil || len(all) != 3 {
			t.Fatalf("%d channels, %v", len(all), err)
		}
		if err := central.Reconfigure(t.Context(), 4000, 500, all...); err != nil {
			t.Error(err)
		}
		accepted, err := l.AcceptChannel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if accepted.PeerMTU() != 4000 {
			t.Errorf("the peer takes %d octets", accepted.PeerMTU())
		}
		p.radios[0].DropLinks(hci.ConnectionTimeout)
		<-central.Ended()
		<-peripheral.Ended()
		for _, c := range append(all, accepted) {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, hci.ConnectionTimeout) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read: %v", err)
			}
		}
	})
}

// A peer that never answers the MTU request is connected to all the same, and channels do not need ATT at all.
func TestPeerWithoutATT(t *testing.T) {
	for _, noGATT := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			controller := newTrivial()
			h, err := gap.Open(t.Context(), controller, gap.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			began := time.Now()
			if _, err := h.Connect(t.Context(), oximeter, gap.ConnectConfig{NoGATT: noGATT}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != 0 && noGATT || took > time.Second {
				t.Errorf("NoGATT %v: connected after %v", noGATT, took)
			}
		})
	}
}
