package gap

import (
	"errors"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestParametersEncode holds to the ranges of Vol 4, Part E, 7.8.12 and 7.8.18.
func TestParametersEncode(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		p    Parameters
		want hci.ConnectionParameters
		ok   bool
	}{
		{"the fastest", Parameters{IntervalMin: 7500 * time.Microsecond, Timeout: 100 * ms}, hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 10}, true},
		{"the slowest", Parameters{IntervalMin: 4 * time.Second, Timeout: 32 * time.Second}, hci.ConnectionParameters{IntervalMin: 3200, IntervalMax: 3200, SupervisionTimeout: 3200}, true},
		{"a range", Parameters{IntervalMin: 20 * ms, IntervalMax: 40 * ms, Latency: 4, Timeout: time.Second}, hci.ConnectionParameters{IntervalMin: 16, IntervalMax: 32, Latency: 4, SupervisionTimeout: 100}, true},
		{"between the steps", Parameters{IntervalMin: 8 * ms, Timeout: 105 * ms}, hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 10}, true},
		{"the usual time-out", Parameters{IntervalMin: 30 * ms}, hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 24, SupervisionTimeout: 400}, true},
		{"a time-out for much latency", Parameters{IntervalMin: 100 * ms, Latency: 9}, hci.ConnectionParameters{IntervalMin: 80, IntervalMax: 80, Latency: 9, SupervisionTimeout: 600}, true},
		{"no interval", Parameters{}, hci.ConnectionParameters{}, false},
		{"too fast", Parameters{IntervalMin: 7 * ms}, hci.ConnectionParameters{}, false},
		{"too slow", Parameters{IntervalMin: 4001 * ms}, hci.ConnectionParameters{}, false},
		{"the wrong way round", Parameters{IntervalMin: 50 * ms, IntervalMax: 40 * ms}, hci.ConnectionParameters{}, false},
		{"negative", Parameters{IntervalMin: -ms}, hci.ConnectionParameters{}, false},
		{"too much latency", Parameters{IntervalMin: 10 * ms, Latency: 500}, hci.ConnectionParameters{}, false},
		{"less than none", Parameters{IntervalMin: 10 * ms, Latency: -1}, hci.ConnectionParameters{}, false},
		{"too long a time-out", Parameters{IntervalMin: 10 * ms, Timeout: 33 * time.Second}, hci.ConnectionParameters{}, false},
		{"a time-out of two intervals", Parameters{IntervalMin: 50 * ms, Timeout: 100 * ms}, hci.ConnectionParameters{}, false},
		{"away for longer than any time-out", Parameters{IntervalMin: 4 * time.Second, Latency: 3}, hci.ConnectionParameters{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := c.p.encode()
			var refused *ParametersError
			if c.ok && (err != nil || q != c.want) || !c.ok && !errors.As(err, &refused) {
				t.Errorf("%+v, %v; want %+v", q, err, c.want)
			}
		})
	}
}

// TestParameterBounds: a peer gets what lies both in its range and in ours.
func TestParameterBounds(t *testing.T) {
	const ms = time.Millisecond
	wishes := hci.ConnectionParameters{IntervalMin: 12, IntervalMax: 80, Latency: 10, SupervisionTimeout: 1000} // 15 to 100 ms, 10 s
	for _, c := range []struct {
		name   string
		bounds ParameterBounds
		want   hci.ConnectionParameters
		ok     bool
	}{
		{"none", ParameterBounds{}, wishes, true},
		{"refuse", ParameterBounds{Refuse: true}, wishes, false},
		{"not so fast", ParameterBounds{IntervalMin: 30 * ms}, hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 80, Latency: 10, SupervisionTimeout: 1000}, true},
		{"between the steps, still not faster", ParameterBounds{IntervalMin: 31 * ms}, hci.ConnectionParameters{IntervalMin: 25, IntervalMax: 80, Latency: 10, SupervisionTimeout: 1000}, true},
		{"not so slow", ParameterBounds{IntervalMax: 50 * ms}, hci.ConnectionParameters{IntervalMin: 12, IntervalMax: 40, Latency: 10, SupervisionTimeout: 1000}, true},
		{"not so sleepy", ParameterBounds{LatencyMax: 2, TimeoutMax: 4 * time.Second}, hci.ConnectionParameters{IntervalMin: 12, IntervalMax: 80, Latency: 2, SupervisionTimeout: 400}, true},
		{"awake", ParameterBounds{LatencyMax: -1}, hci.ConnectionParameters{IntervalMin: 12, IntervalMax: 80, SupervisionTimeout: 1000}, true},
		{"elsewhere", ParameterBounds{IntervalMin: 200 * ms}, wishes, false},
		{"below", ParameterBounds{IntervalMax: 10 * ms}, wishes, false},
		{"a time-out that its latency needs", ParameterBounds{TimeoutMax: time.Second}, wishes, false},
		{"bounds out of range", ParameterBounds{IntervalMin: time.Hour, IntervalMax: time.Hour, LatencyMax: 1 << 30, TimeoutMax: time.Hour}, wishes, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, ok := c.bounds.grant(wishes)
			if ok != c.ok || ok && q != c.want {
				t.Errorf("%+v, %v; want %+v, %v", q, ok, c.want, c.ok)
			}
		})
	}
	if _, ok := (ParameterBounds{}).grant(hci.ConnectionParameters{IntervalMin: 1, IntervalMax: 2, SupervisionTimeout: 10}); ok {
		t.Error("parameters that the specification does not allow were granted")
	}
}

// FuzzParameterBounds: whatever a peer asks for, what it gets is valid, and within the bounds and its wish.
func FuzzParameterBounds(f *testing.F) {
	f.Add(uint16(12), uint16(80), uint16(10), uint16(1000), int64(30*time.Millisecond), int64(time.Second), 4, int64(10*time.Second))
	f.Add(uint16(6), uint16(3200), uint16(499), uint16(3200), int64(0), int64(0), 0, int64(0))
	f.Fuzz(func(t *testing.T, low, high, latency, timeout uint16, from, to int64, most int, longest int64) {
		b := ParameterBounds{IntervalMin: time.Duration(from), IntervalMax: time.Duration(to), LatencyMax: most, TimeoutMax: time.Duration(longest)}
		asked := hci.ConnectionParameters{IntervalMin: low, IntervalMax: high, Latency: latency, SupervisionTimeout: timeout}
		q, ok := b.grant(asked)
		if !ok {
			return
		}
		if !wish(q).Valid() || q.IntervalMin < low || q.IntervalMax > high || q.Latency > latency || q.SupervisionTimeout > timeout {
			t.Errorf("%+v of %+v within %+v", q, asked, b)
		}
		if from > 0 && time.Duration(q.IntervalMin)*intervalUnit < time.Duration(from) || to > 0 && time.Duration(q.IntervalMax)*intervalUnit > time.Duration(to) {
			t.Errorf("%+v out of %+v", q, b)
		}
	})
}
