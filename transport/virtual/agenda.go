package virtual

import (
	"container/heap"
	"time"
)

// unset is the time of an alarm that is off.
const unset time.Duration = -1

// An alarm is something that happens at its time, once. It is made once, with what it does, and set again and again.
type alarm struct {
	at    time.Duration // on the air's clock
	order uint64        // among alarms of the same time: first set, first done
	index int           // in the agenda
	on    bool
	fire  func()
}

// An agenda is the alarms that are set, as a heap by time.
type agenda struct {
	heap  []*alarm
	order uint64
}

func (g *agenda) Len() int { return len(g.heap) }
func (g *agenda) Less(i, j int) bool {
	a, b := g.heap[i], g.heap[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}
func (g *agenda) Swap(i, j int) {
	g.heap[i], g.heap[j] = g.heap[j], g.heap[i]
	g.heap[i].index, g.heap[j].index = i, j
}
func (g *agenda) Push(x any) {
	a := x.(*alarm)
	a.index = len(g.heap)
	g.heap = append(g.heap, a)
}
func (g *agenda) Pop() any {
	last := len(g.heap) - 1
	a := g.heap[last]
	g.heap[last] = nil
	g.heap = g.heap[:last]
	return a
}

// set lets the alarm go off at that time, or as soon as may be when it has passed.
func (a *Air) set(m *alarm, at time.Duration) {
	if m.on && m.at == at {
		return
	}
	a.agenda.order++
	m.at, m.order = at, a.agenda.order
	if m.on {
		heap.Fix(&a.agenda, m.index)
		return
	}
	m.on = true
	heap.Push(&a.agenda, m)
}

// unset turns the alarm off.
func (a *Air) unset(m *alarm) {
	if m.on {
		heap.Remove(&a.agenda, m.index)
		m.on = false
	}
}

// run does what is due until then.
func (a *Air) run(until time.Duration) {
	for len(a.agenda.heap) > 0 && a.agenda.heap[0].at <= until {
		m := heap.Pop(&a.agenda).(*alarm)
		m.on = false
		a.now = max(a.now, m.at)
		m.fire()
	}
	a.now = max(a.now, until)
}

// arm sets the timer to the first alarm.
func (a *Air) arm() {
	next := unset
	if len(a.agenda.heap) > 0 {
		next = a.agenda.heap[0].at
	}
	if next == a.armed {
		return
	}
	a.armed = next
	switch {
	case next == unset:
		a.timer.Stop()
	case a.timer == nil:
		a.timer = time.AfterFunc(next-a.now, a.tick)
	default:
		a.timer.Reset(next - a.now)
	}
}

// tick is the timer's.
func (a *Air) tick() {
	a.mu.Lock()
	a.armed = unset
	a.catchUp()
	a.leave()
}
