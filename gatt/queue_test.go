package gatt

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A queueModel is a queue written for being obviously right.
type queueModel struct {
	subs   []uint32
	values [][]byte
}

// checkQueue does what ops say to a queue and to its model. Each octet of ops is one step: one in four takes a value off, the others put in
// a value of that many octets.
func checkQueue(t *testing.T, max int, ops []byte) {
	t.Helper()
	q := queue{max: max}
	var m queueModel
	for i, op := range ops {
		if op%4 == 0 {
			sub, value, ok := q.front()
			if ok != (len(m.subs) > 0) {
				t.Fatalf("step %d: front says %t with %d values in it", i, ok, len(m.subs))
			}
			if !ok {
				continue
			}
			if sub != m.subs[0] || !bytes.Equal(value, m.values[0]) {
				t.Fatalf("step %d: front is %d %x, want %d %x", i, sub, value, m.subs[0], m.values[0])
			}
			q.pop()
			m.subs, m.values = m.subs[1:], m.values[1:]
			continue
		}
		value := bytes.Repeat([]byte{op, byte(i)}, int(op))[:op]
		if q.push(uint32(i), value) {
			m.subs, m.values = append(m.subs, uint32(i)), append(m.values, value)
		} else if used(m) == 0 && len(value)+recordHeader <= max {
			t.Fatalf("step %d: an empty queue of %d octets refuses %d", i, max, len(value))
		}
		if q.len != len(m.subs) || len(q.buf) > max || used(m) > max {
			t.Fatalf("step %d: %d values, %d octets of %d; want %d values", i, q.len, len(q.buf), max, len(m.subs))
		}
	}
}

// used is how many octets the model's values take in a queue.
func used(m queueModel) int {
	n := 0
	for _, v := range m.values {
		n += recordHeader + len(v)
	}
	return n
}

func TestQueueAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, max := range []int{0, recordHeader, 300, 600, 4096, 5000, 20000} {
		for range 50 {
			ops := make([]byte, 500)
			for i := range ops {
				ops[i] = byte(r.Uint32())
			}
			checkQueue(t, max, ops)
		}
	}
}

func FuzzQueue(f *testing.F) {
	f.Add(uint16(600), []byte{255, 255, 0, 255, 0, 255, 4, 1, 1, 0, 0})
	f.Add(uint16(9000), bytes.Repeat([]byte{201, 202, 0}, 100))
	f.Fuzz(func(t *testing.T, max uint16, ops []byte) { checkQueue(t, int(max), ops) })
}

func TestQueueFillsToItsBound(t *testing.T) {
	q := queue{max: 10 * (recordHeader + 20)}
	value := make([]byte, 20)
	for i := range 10 {
		if !q.push(uint32(i), value) {
			t.Fatalf("refused value %d of 10", i)
		}
	}
	if q.push(10, value) {
		t.Error("took more than fits")
	}
	q.pop()
	if !q.push(10, value) {
		t.Error("refused what fits again")
	}
	if q.push(11, nil) {
		t.Error("took a header where there is no octet left")
	}
}

func TestQueueGrowsUnderAReader(t *testing.T) {
	q := queue{max: 1 << 20}
	first := bytes.Repeat([]byte{7}, 100)
	q.push(1, first)
	_, reading, _ := q.front()
	for i := range 1000 {
		q.push(uint32(i+2), bytes.Repeat([]byte{byte(i)}, 100))
	}
	if !bytes.Equal(reading, first) {
		t.Error("the value that is being read has changed")
	}
	q.pop()
	for i := range 1000 {
		sub, value, ok := q.front()
		if !ok || sub != uint32(i+2) || value[99] != byte(i) {
			t.Fatalf("value %d: subscription %d, %x, %t", i, sub, value, ok)
		}
		q.pop()
	}
}

func TestQueueAllocatesOnlyToGrow(t *testing.T) {
	q := queue{max: 1 << 20}
	value := make([]byte, 100)
	step := func() {
		for range 300 {
			q.push(1, value)
		}
		for range 300 {
			q.pop()
		}
	}
	if n := testing.AllocsPerRun(100, step); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
