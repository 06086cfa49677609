package atttest_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestRepliesPassWhatWasSent(t *testing.T) {
	a, b := atttest.NewBearers(atttest.Options{})
	for _, err := range []error{a.Send(t.Context(), []byte{1}), a.Send(t.Context(), []byte{2}), a.Reply([]byte{3})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	peer := atttest.NewPeer(t, b)
	for _, want := range []string{"03", "01", "02"} {
		peer.Want(want)
	}
	a.Disconnect(io.EOF)
	a.Wait()
}

func TestBearerDoesNotKeepThePDU(t *testing.T) {
	a, b := atttest.NewBearers(atttest.Options{})
	pdu := []byte{1}
	_ = a.Send(t.Context(), pdu)
	pdu[0] = 2
	_ = a.Reply(pdu)
	pdu[0] = 3
	peer := atttest.NewPeer(t, b)
	peer.Want("02")
	peer.Want("01")
	a.Disconnect(io.EOF)
	a.Wait()
}

func TestRoomIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := atttest.NewBearers(atttest.Options{SendRoom: 2})
		for range 2 {
			if err := a.Send(t.Context(), []byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(io.ErrNoProgress)
		if err := a.Send(ctx, []byte{1}); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Send: %v", err)
		}
		var err error
		for n := 0; err == nil && n < 1000; n++ {
			err = a.Reply([]byte{1})
		}
		if !errors.Is(err, atttest.ErrReplies) {
			t.Errorf("Reply: %v", err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- a.Send(t.Context(), []byte{1}) }()
		synctest.Wait()
		b.Disconnect(io.EOF)
		if err := <-waiting; !errors.Is(err, io.EOF) {
			t.Errorf("Send: %v", err)
		}
	})
}

func TestDisconnect(t *testing.T) {
	a, b := atttest.NewBearers(atttest.Options{})
	if a.Err() != nil || b.Err() != nil {
		t.Error("an error before the end")
	}
	atttest.NewPeer(t, a)
	atttest.NewPeer(t, b)
	a.Disconnect(io.EOF)
	b.Disconnect(io.ErrUnexpectedEOF) // too late
	<-a.Done()
	<-b.Done()
	b.Wait()
	if a.Err() != io.EOF || !errors.Is(b.Err(), io.EOF) || b.Err() == io.EOF {
		t.Errorf("%v and %v", a.Err(), b.Err())
	}
	if err := a.Send(t.Context(), nil); !errors.Is(err, io.EOF) {
		t.Errorf("Send: %v", err)
	}
	if err := b.Reply(nil); !errors.Is(err, io.EOF) {
		t.Errorf("Reply: %v", err)
	}
}

func TestOptions(t *testing.T) {
	sec := att.Security{Encrypted: true, KeySize: 7}
	a, b := atttest.NewBearers(atttest.Options{MaxMTU: 99, Enhanced: true, Security: sec})
	if a.MaxMTU() != 99 || !b.Enhanced() || b.Security() != sec {
		t.Errorf("%+v", a)
	}
	a.SetSecurity(att.Security{})
	if a.Security() != (att.Security{}) || b.Security() != (att.Security{}) {
		t.Error("the ends of one link differ")
	}
	if a, _ := atttest.NewBearers(atttest.Options{}); a.MaxMTU() != 65535 || a.Enhanced() {
		t.Errorf("%+v", a)
	}
}

func TestConnsTalk(t *testing.T) {
	a, b := atttest.Conns(t, atttest.Options{}, att.Config{MTU: 100}, att.Config{MTU: 200})
	mtu, err := b.ExchangeMTU(t.Context())
	if mtu != 100 || err != nil || a.MTU() != 100 {
		t.Errorf("%d and %d, %v", mtu, a.MTU(), err)
	}
}

func TestScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		peer.WantNothing()
		peer.Ask("bf 00", "01 bf 00 00 06")
		peer.Send("ff00")
		peer.WantNothing()
	})
}
