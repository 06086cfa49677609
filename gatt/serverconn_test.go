package gatt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/sirupsen/logrus"
)

// A store is a gatt.Store that can fail.
type store struct {
	mu     sync.Mutex
	states map[string]string
	saves  int
	fail   error
	slow   chan struct{} // Forget waits until it is closed
}

func (s *store) Load(client string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.states[client]), s.fail
}

func (s *store) Save(client string, state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.saves++
	if s.states == nil {
		s.states = map[string]string{}
	}
	s.states[client] = string(state)
	return nil
}

func (s *store) Forget(client string) error {
	if s.slow != nil {
		<-s.slow
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.states, client)
	return s.fail
}

// of is what is kept for a client.
func (s *store) of(client string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[client]
}

// A desk is a server with a characteristic of each kind and notes on who has subscribed.
type desk struct {
	*gatt.Server
	store                  *store
	notify, indicate, both *gatt.Characteristic // values 0003, 0006, 0009; CCCDs after them
	mu                     sync.Mutex
	notes                  []string
}

func newDesk(t testing.TB, cfg gatt.ServerConfig) *desk {
	d := &desk{store: &store{}}
	note := func(name string) func(*gatt.ServerConn, bool, bool) {
		return func(from *gatt.ServerConn, notify, indicate bool) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.notes = append(d.notes, fmt.Sprintf("%v %s %t %t", from.Tag(), name, notify, indicate))
		}
	}
	d.notify = &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify, Subscribed: note("notify")}
	d.indicate = &gatt.Characteristic{UUID: gatt.PLXSpotCheckMeasurement, Properties: gatt.Indicate, Subscribed: note("indicate")}
	d.both = &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify | gatt.Indicate}
	cfg.Bare = true
	cfg.Services = []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{d.notify, d.indicate, d.both}}}
	if cfg.Store == nil {
		cfg.Store = d.store
	}
	d.Server = newServer(t, cfg)
	return d
}

// wantNotes compares the notes since the last time.
func (d *desk) wantNotes(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.notes, want) {
		t.Errorf("notes %q, want %q", d.notes, want)
	}
	d.notes = nil
}

// visit gives a link to a desk.
func (d *desk) visit(t *testing.T, tag string) (*gatt.Conn, *atttest.Peer) {
	return script(t, atttest.Options{}, gatt.Config{Server: d.Server, Tag: tag})
}

// leave ends a link and waits for that.
func leave(conn *gatt.Conn) {
	conn.ATT().Bearer().Disconnect(errors.New("gone"))
	conn.Wait()
}

func TestServerNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, gatt.ServerConfig{})
		conn, peer := d.visit(t, "a")
		me := conn.Server()

		// Nobody has subscribed.
		wantNil(t, d.Notify(bg, d.notify, []byte{1}))
		if err := me.Notify(bg, d.notify, []byte{1}); !errors.Is(err, gatt.ErrNotSubscribed) {
			t.Errorf("error %v", err)
		}
		peer.WantNothing()
		peer.Ask("0a 0300", "0b 01")

		peer.Ask("12 0400 0100", "13")
		peer.Ask("12 0700 0200", "13")
		peer.Ask("12 0a00 0300", "13")
		d.wantNotes(t, "a notify true false", "a indicate false true")
		for i, ch := range []*gatt.Characteristic{d.notify, d.indicate, d.both} {
			if n := d.Subscribers(ch); n != 1 {
				t.Errorf("characteristic %d: %d subscribers", i, n)
			}
			notify, indicate := me.Subscribed(ch)
			if notify != (i != 1) || indicate != (i != 0) {
				t.Errorf("characteristic %d: %t %t", i, notify, indicate)
			}
		}

		// GATT/SR/GAN/BV-01-C
		wantNil(t, d.Notify(bg, d.notify, []byte{2}))
		peer.Want("1b 0300 02")
		peer.Ask("0a 0300", "0b 02")
		// To one, without a change of the value.
		wantNil(t, me.Notify(bg, d.notify, []byte{3}))
		peer.Want("1b 0300 03")
		peer.Ask("0a 0300", "0b 02")
		// Both: a notification, unless an indication is asked for.
		wantNil(t, d.Notify(bg, d.both, []byte{4}))
		peer.Want("1b 0900 04")
		// GATT/SR/GAI/BV-01-C
		for _, do := range []func() error{
			func() error { return d.Notify(bg, d.indicate, []byte{5}) },
			func() error { return d.Indicate(bg, d.indicate, []byte{5}) },
			func() error { return me.Notify(bg, d.indicate, []byte{5}) },
			func() error { return me.Indicate(bg, d.indicate, []byte{5}) },
		} {
			done := background(do)
			peer.Want("1d 0600 05")
			synctest.Wait()
			select {
			case err := <-done:
				t.Errorf("not waited for the confirmation: %v", err)
			default:
			}
			peer.Send("1e")
			wantNil(t, <-done)
		}
		done := background(func() error { return d.Indicate(bg, d.both, []byte{6}) })
		peer.Want("1d 0900 06")
		peer.Send("1e")
		wantNil(t, <-done)
		// What was subscribed to by notification only is not indicated.
		wantNil(t, d.Indicate(bg, d.notify, []byte{7}))
		if err := me.Indicate(bg, d.notify, []byte{7}); !errors.Is(err, gatt.ErrNotSubscribed) {
			t.Errorf("error %v", err)
		}
		peer.WantNothing()

		peer.Ask("12 0400 0000", "13")
		d.wantNotes(t, "a notify false false")
		wantNil(t, d.Notify(bg, d.notify, []byte{8}))
		peer.WantNothing()
		leave(conn)
		d.wantNotes(t, "a indicate false false")
		if n := d.Subscribers(d.indicate); n != 0 {
			t.Errorf("%d subscribers", n)
		}
	})
}

func TestNotificationsAreCutToTheMTU(t *testing.T) {
	d := newDesk(t, gatt.ServerConfig{})
	_, peer := d.visit(t, "a")
	peer.Ask("12 0400 0100", "13")
	wantNil(t, d.Notify(bg, d.notify, longValue))
	peer.Want(fmt.Sprintf("1b 0300 %x", longValue[:20]))
	peer.Ask("0c 0300 1400", fmt.Sprintf("0d %x", longValue[20:42]))
	if err := d.Notify(bg, d.notify, make([]byte, 513)); !errors.Is(err, att.ErrInvalidAttributeValueLength) {
		t.Errorf("error %v", err)
	}
}

func TestNotifyTellsEverySubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, gatt.ServerConfig{})
		var conns []*gatt.Conn
		var peers []*atttest.Peer
		for i := range 6 {
			conn, peer := d.visit(t, fmt.Sprint(i))
			conns, peers = append(conns, conn), append(peers, peer)
			if i < 5 {
				peer.Ask("12 0700 0200", "13")
			}
		}
		done := background(func() error { return d.Notify(bg, d.indicate, []byte{1}) })
		for _, p := range peers[:5] {
			p.Want("1d 0600 01")
		}
		peers[5].WantNothing()
		// One leaves, which is nobody's fault; the others confirm.
		leave(conns[4])
		for _, p := range peers[:4] {
			p.Send("1e")
		}
		wantNil(t, <-done)

		// One does not confirm before the caller has to go.
		ctx, cancel := context.WithCancel(bg)
		done = background(func() error { return d.Notify(ctx, d.indicate, []byte{2}) })
		for i, p := range peers[:4] {
			p.Want("1d 0600 02")
			if i > 0 {
				p.Send("1e")
			}
		}
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		peers[0].Send("1e")
	})
}

func TestValuesNeedTheSecurityOfTheirReading(t *testing.T) {
	sec := plain
	for _, c := range []struct {
		name      string
		p         gatt.Permissions
		sec       att.Security
		subscribe string // the answer
		told      bool
	}{
		{"open", gatt.Permissions{}, plain, "13", true},
		{"encrypted, on a plain link", gatt.Permissions{Read: gatt.Encrypted}, plain, "01 12 0400 05", false},
		{"encrypted", gatt.Permissions{Read: gatt.Encrypted}, encrypted, "13", true},
		{"authenticated, on an encrypted link", gatt.Permissions{Read: gatt.Authenticated}, encrypted, "01 12 0400 05", false},
		{"key too short", gatt.Permissions{Read: gatt.Encrypted, KeySize: 16}, shortKey, "01 12 0400 0c", false},
		{"subscribing is freer than reading", gatt.Permissions{Read: gatt.Encrypted, Notify: gatt.Open}, plain, "13", true},
		{"subscribing is stricter than reading", gatt.Permissions{Read: gatt.Open, Notify: gatt.Encrypted}, plain, "01 12 0400 05", false},
		{"never read, openly notified", gatt.Permissions{Read: gatt.Denied}, plain, "13", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify, Permissions: c.p}
				server := bare(t, ch)
				conn, peer := script(t, atttest.Options{Security: c.sec}, gatt.Config{Server: server})
				peer.Ask("12 0400 0100", c.subscribe)
				peer.Ask("0a 0400", map[bool]string{true: "0b 0100", false: "0b 0000"}[c.told])
				wantNil(t, server.Notify(bg, ch, []byte{1}))
				if c.told {
					peer.Want("1b 0300 01")
				}
				peer.WantNothing()
				_ = conn
			})
		})
	}
	t.Run("restored before the link is encrypted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify, Permissions: gatt.Permissions{Notify: gatt.Encrypted}}
			kept := &store{states: map[string]string{"peer": `{"cccd":[{"handle":4,"uuid":"2a37","value":1}]}`}}
			server := newServer(t, gatt.ServerConfig{Bare: true, Store: kept, Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{ch}}}})
			conn, peer := script(t, atttest.Options{}, gatt.Config{Server: server, Security: func() att.Security { return sec }})
			wantNil(t, conn.Server().SetClient("peer"))
			if err := conn.Server().Notify(bg, ch, []byte{1}); !errors.Is(err, gatt.ErrInsecure) {
				t.Errorf("error %v", err)
			}
			wantNil(t, server.Notify(bg, ch, []byte{1}))
			peer.WantNothing()
			sec = encrypted // and the peer need not say anything first
			wantNil(t, server.Notify(bg, ch, []byte{2}))
			peer.Want("1b 0300 02")
		})
	})
}

func TestSubscriptionsOfABondedClientAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, gatt.ServerConfig{})
		conn, peer := d.visit(t, "a")
		peer.Ask("12 0400 0100", "13") // before pairing
		if d.store.saves != 0 {
			t.Error("saved for nobody")
		}
		wantNil(t, conn.Server().SetClient("phone"))
		if conn.Server().Client() != "phone" {
			t.Errorf("client %q", conn.Server().Client())
		}
		peer.Ask("12 0700 0200", "13")
		const kept = `{"cccd":[{"handle":4,"uuid":"2a37","value":1},{"handle":7,"uuid":"2a5e","value":2}]}`
		if got := d.store.of("phone"); got != kept {
			t.Errorf("kept %s", got)
		}
		leave(conn)
		d.wantNotes(t, "a notify true false", "a indicate false true", "a notify false false", "a indicate false false")
		if got := d.store.of("phone"); got != kept {
			t.Errorf("kept after the end %s", got)
		}

		// Somebody else begins with nothing.
		other, otherPeer := d.visit(t, "b")
		wantNil(t, other.Server().SetClient("laptop"))
		otherPeer.Ask("0a 0400", "0b 0000")
		leave(other)
		d.wantNotes(t)

		// The phone is back, and need not subscribe again.
		conn, peer = d.visit(t, "c")
		peer.Ask("0a 0400", "0b 0000")
		wantNil(t, conn.Server().SetClient("phone"))
		d.wantNotes(t, "c notify true false", "c indicate false true")
		peer.Ask("0a 0400", "0b 0100")
		wantNil(t, d.Notify(bg, d.notify, []byte{1}))
		peer.Want("1b 0300 01")
		peer.Ask("12 0400 0000", "13")
		if got := d.store.of("phone"); got != `{"cccd":[{"handle":7,"uuid":"2a5e","value":2}]}` {
			t.Errorf("kept %s", got)
		}
		leave(conn)
		d.wantNotes(t, "c notify false false", "c indicate false false")

		// What it writes before it is known counts more than what was kept.
		conn, peer = d.visit(t, "d")
		peer.Ask("12 0700 0000", "13")
		peer.Ask("12 0400 0100", "13")
		wantNil(t, conn.Server().SetClient("phone"))
		d.wantNotes(t, "d notify true false")
		if got := d.store.of("phone"); got != `{"cccd":[{"handle":4,"uuid":"2a37","value":1}]}` {
			t.Errorf("kept %s", got)
		}
		leave(conn)
		if err := conn.Server().SetClient("phone"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestClientsWithoutIdentityAreForgotten(t *testing.T) {
	d := newDesk(t, gatt.ServerConfig{})
	for range 2 {
		conn, peer := d.visit(t, "a")
		peer.Ask("0a 0400", "0b 0000")
		peer.Ask("12 0400 0100", "13")
		leave(conn)
	}
	if d.store.saves != 0 {
		t.Errorf("saved %d times", d.store.saves)
	}
}

func TestServerForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, gatt.ServerConfig{})
		conn, peer := d.visit(t, "a")
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Ask("12 0400 0100", "13")
		wantNil(t, d.Forget("phone"))
		if got := d.store.of("phone"); got != "" || conn.Server().Client() != "" {
			t.Errorf("kept %s for %q", got, conn.Server().Client())
		}
		peer.Ask("12 0700 0200", "13") // is nobody's now
		if got := d.store.of("phone"); got != "" {
			t.Errorf("kept %s", got)
		}
		wantNil(t, conn.Server().SetClient("phone")) // a new bond
		if got := d.store.of("phone"); !strings.Contains(got, "2a37") || !strings.Contains(got, "2a5e") {
			t.Errorf("kept %s", got)
		}
		wantNil(t, conn.Server().SetClient(""))
		peer.Ask("12 0400 0000", "13")
		if got := d.store.of("phone"); !strings.Contains(got, "2a37") {
			t.Errorf("kept %s", got)
		}
		wantNil(t, d.Forget("nobody"))
	})
}

func TestStoreThatFails(t *testing.T) {
	var logged strings.Builder
	log := logrus.New()
	log.SetOutput(&logged)
	disk := errors.New("no space left")
	d := newDesk(t, gatt.ServerConfig{Log: log})
	d.store.fail = disk
	conn, peer := d.visit(t, "a")
	if err := conn.Server().SetClient("phone"); !errors.Is(err, disk) {
		t.Errorf("load: %v", err)
	}
	peer.Ask("12 0400 0100", "13") // the link does not suffer
	if !strings.Contains(logged.String(), "no space left") {
		t.Errorf("log: %s", logged.String())
	}
	if err := d.Forget("phone"); !errors.Is(err, disk) {
		t.Errorf("forget: %v", err)
	}
	d.store.fail = nil
	wantNil(t, conn.Server().SetClient("phone"))
	if got := d.store.of("phone"); !strings.Contains(got, "2a37") {
		t.Errorf("kept %s", got)
	}
	leave(conn)
}

func TestWhatWasKeptForAnotherDatabase(t *testing.T) {
	for _, c := range []struct {
		name, kept string
		fails      bool
	}{
		{"damaged", `{"cccd":[{"hand`, true},
		{"another shape", `[1,2]`, true},
		{"a handle too large", `{"cccd":[{"handle":65536,"uuid":"2a37","value":1}]}`, true},
		{"empty", ``, false},
		{"nothing", `{}`, false},
		{"another characteristic has the handle", `{"cccd":[{"handle":4,"uuid":"2a38","value":1}]}`, false},
		{"no CCCD has the handle", `{"cccd":[{"handle":3,"uuid":"2a37","value":1}]}`, false},
		{"nothing has the handle", `{"cccd":[{"handle":400,"uuid":"2a37","value":1}]}`, false},
		{"not offered any more", `{"cccd":[{"handle":4,"uuid":"2a37","value":2}]}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, gatt.ServerConfig{})
			d.store.states = map[string]string{"phone": c.kept}
			conn, peer := d.visit(t, "a")
			if err := conn.Server().SetClient("phone"); (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			peer.Ask("0a 0400", "0b 0000")
			peer.Ask("12 0400 0100", "13")
			if got := d.store.of("phone"); got != `{"cccd":[{"handle":4,"uuid":"2a37","value":1}]}` {
				t.Errorf("kept %s", got)
			}
		})
	}
}

func TestMemoryIsTheDefaultStore(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify}
	server := bare(t, ch)
	begin := func() (*gatt.Conn, *atttest.Peer) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{Server: server})
		wantNil(t, conn.Server().SetClient("phone"))
		return conn, peer
	}
	conn, peer := begin()
	peer.Ask("12 0400 0100", "13")
	leave(conn)
	conn, peer = begin()
	peer.Ask("0a 0400", "0b 0100")
	wantNil(t, server.Forget("phone"))
	leave(conn)
	_, peer = begin()
	peer.Ask("0a 0400", "0b 0000")
}

// Many links come and go while values are told.
func TestLinksComeAndGo(t *testing.T) {
	d := newDesk(t, gatt.ServerConfig{})
	stop := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if err := d.Notify(bg, d.notify, []byte{byte(i)}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var visits sync.WaitGroup
	for v := range 4 {
		visits.Go(func() {
			for range 25 {
				a, b := atttest.NewBearers(atttest.Options{})
				client, server := gatt.NewConn(a, gatt.Config{}), gatt.NewConn(b, gatt.Config{Server: d.Server})
				a.Attach(client)
				b.Attach(server)
				got := make(chan struct{}, 1)
				_, err := client.Client().Subscribe(bg, remote(gatt.Notify, 3), func([]byte) {
					select {
					case got <- struct{}{}:
					default:
					}
				})
				if err != nil {
					t.Error(err)
				}
				if err := server.Server().SetClient(fmt.Sprint(v)); err != nil {
					t.Error(err)
				}
				<-got
				a.Disconnect(net.ErrClosed)
				a.Wait()
				b.Wait()
				client.Wait()
				server.Wait()
			}
		})
	}
	visits.Wait()
	close(stop)
	telling.Wait()
	if n := d.Subscribers(d.notify); n != 0 {
		t.Errorf("%d subscribers left", n)
	}
}
