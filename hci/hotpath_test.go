package hci

import "testing"

// The packets of a stream of notifications.
var (
	hotACL       = AppendACL(nil, ACL{Handle: 0x40, Boundary: FirstFlushable, Data: make([]byte, 27)})[1:]
	hotCompleted = CompletedPacketsOf(CompletedPackets{0x40, 1}, CompletedPackets{0x41, 2}).AppendTo(nil)
	hotEvent     = AppendEvent(nil, CompletedPacketsOf(CompletedPackets{0x40, 1}))[1:]
)

func TestHotPathAllocatesNothing(t *testing.T) {
	buffer := make([]byte, 0, 64)
	data := make([]byte, 27)
	var sum int
	for name, f := range map[string]func(){
		"ParseACL":   func() { p, _ := ParseACL(hotACL); sum += len(p.Data) },
		"AppendACL":  func() { sum += len(AppendACL(buffer[:0], ACL{Handle: 0x40, Data: data})) },
		"ParseEvent": func() { e, _ := ParseEvent(hotEvent); sum += len(e.Parameters) },
		"ParseNumberOfCompletedPackets": func() {
			e, _ := ParseNumberOfCompletedPackets(hotCompleted)
			for i := range e.Len() {
				sum += int(e.At(i).Count)
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 && !raceEnabled {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if sum == 0 {
		t.Error("nothing was done")
	}
}

func BenchmarkParseACL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseACL(hotACL); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendACL(b *testing.B) {
	b.ReportAllocs()
	buffer, data := make([]byte, 0, 64), make([]byte, 27)
	for b.Loop() {
		buffer = AppendACL(buffer[:0], ACL{Handle: 0x40, Data: data})
	}
}

func BenchmarkParseNumberOfCompletedPackets(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		e, err := ParseNumberOfCompletedPackets(hotCompleted)
		if err != nil || e.At(1).Count != 2 {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLEAdvertisingReport(b *testing.B) {
	b.ReportAllocs()
	octets := LEAdvertisingReport{[]AdvertisingReport{{Address: device, Data: make([]byte, 31)}}}.AppendTo(nil)[1:]
	for b.Loop() {
		if _, err := ParseLEAdvertisingReport(octets); err != nil {
			b.Fatal(err)
		}
	}
}
