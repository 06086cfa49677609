//go:build !race

package gap

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
)

// What is heard again, or is of no interest, costs no memory: most of what is on air is one or the other.
func TestScanAllocatesNothing(t *testing.T) {
	data := ADStructures(Payload{Name: "meter", Services: []att.UUID{att.UUID16(0x1822)}, Manufacturer: []byte{0x4C, 0, 1}}.EncodeExtended(100))
	known := Advertisement{PrimaryPHY: hci.LE1M, Data: data}
	s := scanners{all: map[*scanner]bool{}}
	for _, cfg := range []ScanConfig{{}, {Duplicates: ReportChanges}, {Accepted: true}, {Merge: true},
		{Filter: ScanFilter{Name: "another", NamePrefix: "a"}}, {Filter: ScanFilter{Services: []att.UUID{att.UUID16(1)}}},
		{Filter: ScanFilter{Companies: []uint16{1}}}, {Filter: ScanFilter{Peers: make([]hci.Address, 3), MinRSSI: -40}}} {
		s.all[&scanner{cfg: cfg, reports: make(chan Advertisement, 10), seen: newSeenCache(cfg.Duplicates, 0, time.Now())}] = true
	}
	accepts := func(identity, onAir hci.Address) bool { return false }
	s.hear(known, accepts)
	if n := testing.AllocsPerRun(1000, func() { s.hear(known, accepts) }); n != 0 {
		t.Errorf("a report allocates %v times", n)
	}
}
