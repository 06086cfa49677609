package gap

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// mergeWait is how long an advertisement waits for its scan response, which is on air within a millisecond, but has to
// come through the controller.
const mergeWait = 100 * time.Millisecond

// maxMerging is how many advertisements of one Scan wait at once; then the first no longer does.
const maxMerging = 32

// merger puts advertisements and their scan responses together. Whoever has the scanners has it.
type merger struct {
	waiting []mergeEntry // those that came first first
}

type mergeEntry struct {
	a   Advertisement
	due time.Time
}

// hear takes a report and gives what is complete, in order: at most an advertisement that waited and this one.
func (m *merger) hear(a Advertisement, now time.Time, give func(Advertisement)) {
	first, waits := m.take(a.Address, a.SID)
	switch {
	case a.ScanResponse && waits:
		merged := first
		merged.Data = slices.Concat(first.Data.significant(), a.Data)
		merged.RSSI, merged.Merged, merged.Truncated = a.RSSI, true, first.Truncated || a.Truncated
		give(merged)
		return
	case waits:
		give(first) // its response was not heard
	}
	if a.ScanResponse || !a.Scannable {
		give(a)
		return
	}
	if len(m.waiting) == maxMerging {
		give(m.waiting[0].a)
		m.waiting = slices.Delete(m.waiting, 0, 1)
	}
	a.Data = slices.Clone(a.Data)
	m.waiting = append(m.waiting, mergeEntry{a, now.Add(mergeWait)})
}

// take takes the advertisement out that a device has waiting.
func (m *merger) take(address hci.Address, sid uint8) (Advertisement, bool) {
	i := slices.IndexFunc(m.waiting, func(e mergeEntry) bool { return e.a.Address == address && e.a.SID == sid })
	if i < 0 {
		return Advertisement{}, false
	}
	a := m.waiting[i].a
	m.waiting = slices.Delete(m.waiting, i, i+1)
	return a, true
}

// flush gives those that have waited for long enough, and tells how long the next still has.
func (m *merger) flush(now time.Time, give func(Advertisement)) (next time.Duration, ok bool) {
	for len(m.waiting) > 0 {
		if left := m.waiting[0].due.Sub(now); left > 0 {
			return left, true
		}
		give(m.waiting[0].a)
		m.waiting = slices.Delete(m.waiting, 0, 1)
	}
	return 0, false
}
