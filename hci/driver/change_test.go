package driver_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// pairOnAir runs a test with a connection between two drivers.
func pairOnAir(t *testing.T, central, peripheral virtual.ControllerConfig, f func(t *testing.T, c, p *driver.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		a, b := onAir(t, air, central), onAir(t, air, peripheral)
		for _, s := range []*station{a, b} {
			if s.Info().Features&hci.FeatureConnectionSubrating != 0 {
				if err := s.SupportSubrating(t.Context(), hci.Subrating{Min: 1, Max: 5, SupervisionTimeout: 600}); err != nil {
					t.Fatal(err)
				}
			}
		}
		ours, theirs := a.connectTo(t, b)
		time.Sleep(time.Second)
		f(t, ours.conn, theirs.conn)
	})
}

// TestChanges asks for everything that a connection can change, from either side.
func TestChanges(t *testing.T) {
	pairOnAir(t, virtual.ControllerConfig{RSSI: -71, TXPower: 4}, virtual.ControllerConfig{RSSI: -33, TXPower: -2}, func(t *testing.T, c, p *driver.Conn) {
		ctx := t.Context()
		for _, side := range []*driver.Conn{c, p} {
			q := hci.ConnectionParameters{IntervalMin: 12, IntervalMax: 12, Latency: 1, SupervisionTimeout: 300}
			if side == p {
				q.IntervalMin, q.IntervalMax = 80, 80
			}
			if e, err := side.ChangeParameters(ctx, q); err != nil || e.Interval != q.IntervalMax {
				t.Errorf("ChangeParameters: %+v, %v", e, err)
			}
			if s := side.State(); s.Interval != q.IntervalMax || s.Latency != 1 || s.SupervisionTimeout != 300 {
				t.Errorf("%+v", s)
			}
			phy, wish := hci.LE2M, hci.PHYsOf(hci.LE2M, hci.LECoded)
			if side == p {
				phy, wish = hci.LECoded, hci.PHYsOf(hci.LECoded)
			}
			if e, err := side.SetPHY(ctx, hci.PHYPreference{TX: wish, RX: wish}, 0); err != nil || e.TX != phy || e.RX != phy {
				t.Errorf("SetPHY: %+v, %v", e, err)
			}
			if now, err := side.PHY(ctx); err != nil || now.TX != phy || side.State().TX != phy {
				t.Errorf("PHY: %+v, %v", now, err)
			}
			long := hci.DataLength{Octets: 251, Time: 17040}
			if err := side.SetDataLength(ctx, long); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if s := side.State(); s.Data.TX != long {
				t.Errorf("%+v", s)
			}
			if e, err := side.Subrate(ctx, hci.Subrating{Min: 2, Max: 3, SupervisionTimeout: 600}); err != nil || e.Factor != 3 || side.State().SubrateFactor != 3 {
				t.Errorf("Subrate: %+v, %v", e, err)
			}
		}
		if dBm, ok, err := c.RSSI(ctx); dBm != -33 || !ok || err != nil {
			t.Errorf("RSSI: %d %v %v", dBm, ok, err)
		}
		if now, most, err := c.TXPower(ctx, hci.LE1M); now != 4 || most != 4 || err != nil {
			t.Errorf("TXPower: %d %d %v", now, most, err)
		}
		if e, err := c.RemoteTXPower(ctx, hci.LE1M); e.Power != -2 || err != nil {
			t.Errorf("RemoteTXPower: %+v %v", e, err)
		}
		if m, err := p.ChannelMap(ctx); err != nil || !m.Has(36) || m.Has(37) {
			t.Errorf("ChannelMap: % X %v", m[:], err)
		}
	})
}

// TestChangesOfAnOldPeer: what the other side does not have is an error that says so, and costs nothing else.
func TestChangesOfAnOldPeer(t *testing.T) {
	pairOnAir(t, virtual.ControllerConfig{}, virtual.ControllerConfig{Version: 0x06}, func(t *testing.T, c, p *driver.Conn) {
		ctx := t.Context()
		if _, err := c.SetPHY(ctx, hci.PHYPreference{AllPHYs: 3}, 0); !errors.Is(err, hci.UnsupportedRemoteFeature) {
			t.Errorf("SetPHY: %v", err)
		}
		if _, err := c.Subrate(ctx, hci.Subrating{Min: 1, Max: 2, SupervisionTimeout: 600}); !errors.Is(err, hci.UnsupportedRemoteFeature) {
			t.Errorf("Subrate: %v", err)
		}
		if _, err := c.RemoteTXPower(ctx, hci.LE1M); !errors.Is(err, hci.UnsupportedRemoteFeature) {
			t.Errorf("RemoteTXPower: %v", err)
		}
		if _, err := p.SetPHY(ctx, hci.PHYPreference{AllPHYs: 3}, 0); !errors.Is(err, hci.UnknownHCICommand) {
			t.Errorf("SetPHY of one without: %v", err)
		}
		if _, err := p.ChangeParameters(ctx, hci.ConnectionParameters{IntervalMin: 80, IntervalMax: 80, SupervisionTimeout: 600}); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
			t.Errorf("ChangeParameters of one without: %v", err)
		}
		if now, most, err := p.TXPower(ctx, hci.LE1M); now != 0 || most != 0 || err != nil { // by the older command
			t.Errorf("TXPower: %d %d %v", now, most, err)
		}
	})
}

// TestChangesEnd: the end of the caller, or of the connection, is the end of the wait, and one question is out at a time.
func TestChangesEnd(t *testing.T) {
	features := hci.FeatureLEEncryption | hci.FeatureLE2MPHY
	bubble(t, hcitest.Settings{Features: features}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLESetPHY, hcitest.Refuse(hci.Success))
		ctl.Handle(hci.OpReadRSSI, hcitest.Silent)
		l := linked(t, ctl, h, 64)
		want := hci.PHYPreference{AllPHYs: 3}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.conn.SetPHY(ctx, want, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SetPHY: %v", err)
		}
		if _, err := l.conn.SetPHY(t.Context(), want, 0); !errors.Is(err, hci.ControllerBusy) {
			t.Errorf("another: %v", err)
		}
		ctl.Event(hci.LEPHYUpdateComplete{ConnectionPHY: hci.ConnectionPHY{Handle: 64, TX: hci.LE2M, RX: hci.LE2M}})
		synctest.Wait()
		if s := l.conn.State(); s.TX != hci.LE2M {
			t.Errorf("%+v", s)
		}
		last := start(func() error { _, err := l.conn.SetPHY(t.Context(), want, 0); return err })
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		if err := <-last; !errors.Is(err, hci.ConnectionTimeout) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("when the connection ended: %v", err)
		}
		if _, _, err := l.conn.RSSI(t.Context()); !errors.Is(err, hci.ConnectionTimeout) || count(ctl, hci.OpReadRSSI) != 0 {
			t.Errorf("RSSI: %v", err)
		}
	})
}

// told is a link that is told of changes.
type told struct {
	link
	phys     []hci.LEPHYUpdateComplete
	lengths  []hci.LEDataLengthChange
	subrates []hci.LESubrateChange
}

func (l *told) HandlePHY(e hci.LEPHYUpdateComplete)       { l.phys = append(l.phys, e) }
func (l *told) HandleDataLength(e hci.LEDataLengthChange) { l.lengths = append(l.lengths, e) }
func (l *told) HandleSubrate(e hci.LESubrateChange)       { l.subrates = append(l.subrates, e) }

type tellingHost struct {
	host
	told *told
}

func (h *tellingHost) HandleConnection(c *driver.Conn) driver.ConnHandler {
	h.told = &told{link: link{conn: c}}
	return h.told
}

// TestChangeHandler: whoever wants is told of every change, refusals too.
func TestChangeHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(hcitest.Settings{}), &tellingHost{}
		c := open(t, ctl, h)
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(hci.LEPHYUpdateComplete{Status: hci.UnsupportedRemoteFeature, ConnectionPHY: hci.ConnectionPHY{Handle: 64, TX: 9, RX: 9}})
		ctl.Event(hci.LEDataLengthChange{Handle: 64, DataLengths: hci.DataLengths{TX: hci.DataLength{Octets: 100, Time: 2000}}})
		ctl.Event(hci.LESubrateChange{Handle: 64, Factor: 2, Latency: 1, Continuation: 1, SupervisionTimeout: 200})
		ctl.Event(hci.LESubrateChange{Status: hci.LLProcedureCollision, Handle: 64, Factor: 7})
		synctest.Wait()
		if len(h.told.phys) != 1 || len(h.told.lengths) != 1 || len(h.told.subrates) != 2 {
			t.Errorf("%+v", h.told)
		}
		want := driver.LinkState{Interval: 24, Latency: 1, SupervisionTimeout: 200, TX: hci.LE1M, RX: hci.LE1M,
			Data: hci.DataLengths{TX: hci.DataLength{Octets: 100, Time: 2000}}, SubrateFactor: 2, Continuation: 1}
		if s := h.told.conn.State(); s != want {
			t.Errorf("%+v\nwant %+v", s, want)
		}
		_ = c.Close()
	})
}

// TestPreferences are the controller's settings for connections to come.
func TestPreferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		a, b := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		long := hci.DataLength{Octets: 200, Time: 2120}
		if err := a.SuggestDataLength(t.Context(), long); err != nil {
			t.Error(err)
		}
		if err := b.PreferPHY(t.Context(), hci.PHYPreference{TX: 1, RX: 1}); err != nil {
			t.Error(err)
		}
		if err := a.ClassifyChannels(t.Context(), hci.ChannelMap{0xFF}); err != nil {
			t.Error(err)
		}
		if err := a.ClassifyChannels(t.Context(), hci.ChannelMap{}); !errors.Is(err, hci.InvalidHCICommandParameters) {
			t.Errorf("no channel at all: %v", err)
		}
		ours, _ := a.connectTo(t, b)
		time.Sleep(time.Second)
		if s := ours.conn.State(); s.Data.TX != long {
			t.Errorf("%+v", s)
		}
		if m, err := ours.conn.ChannelMap(t.Context()); err != nil || m != (hci.ChannelMap{0xFF}) {
			t.Errorf("% X %v", m[:], err)
		}
		if e, err := ours.conn.SetPHY(t.Context(), hci.PHYPreference{AllPHYs: 3}, 0); err != nil || e.TX != hci.LE1M {
			t.Errorf("%+v %v", e, err)
		}
	})
}
