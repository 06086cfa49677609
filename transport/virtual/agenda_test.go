package virtual

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestAgenda sets, moves and unsets alarms by chance, and checks who goes off and when.
func TestAgenda(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAir(AirConfig{})
		random := rand.New(rand.NewPCG(1, 2))
		type entry struct {
			alarm
			want time.Duration // when it is to go off; unset for not at all
		}
		entries := make([]*entry, 100)
		var last time.Duration
		for i := range entries {
			e := &entry{want: unset}
			e.fire = func() {
				if a.now != e.want || a.now < last || a.now != time.Since(a.epoch) {
					t.Errorf("at %v (%v), want %v, after %v", a.now, time.Since(a.epoch), e.want, last)
				}
				e.want, last = unset, a.now
			}
			entries[i] = e
		}
		for range 1000 {
			a.enter()
			for range 10 {
				e := entries[random.IntN(len(entries))]
				if random.IntN(3) == 0 {
					a.unset(&e.alarm)
					e.want = unset
					continue
				}
				e.want = a.now + time.Duration(random.IntN(50))*time.Millisecond
				a.set(&e.alarm, e.want)
			}
			a.leave()
			time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
		}
		time.Sleep(time.Second)
		a.enter()
		defer a.leave()
		for i, e := range entries {
			if e.want != unset || e.on {
				t.Errorf("alarm %d never went off", i)
			}
		}
		if a.armed != unset || len(a.agenda.heap) != 0 {
			t.Errorf("the timer is set to %v with %d alarms", a.armed, len(a.agenda.heap))
		}
	})
}

// TestAgendaOrder: what is due at the same time happens in the order in which it was set.
func TestAgendaOrder(t *testing.T) {
	a := NewAir(AirConfig{})
	var got []int
	alarms := make([]alarm, 20)
	for i := range alarms {
		alarms[i].fire = func() { got = append(got, i) }
		a.set(&alarms[i], 5)
	}
	a.set(&alarms[3], 5) // as it is
	a.set(&alarms[0], 6)
	a.set(&alarms[0], 5) // behind the others now
	a.run(5)
	for i, n := range got {
		if want := (i + 1) % len(alarms); n != want {
			t.Fatalf("order %v", got)
		}
	}
	if len(got) != len(alarms) {
		t.Errorf("%d of %d", len(got), len(alarms))
	}
}
