package l2cap

import (
	"context"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// quiet is a rig whose receivers keep nothing.
func quiet(t testing.TB) (m *Mux, att *Channel, received *int) {
	t.Helper()
	m, received = New(&fakeLink{role: hci.Central, mtu: 27}, Config{}), new(int)
	att, err := m.Open(CIDATT, 517, func(sdu []byte) { *received += len(sdu) })
	if err != nil {
		t.Fatal(err)
	}
	return m, att, received
}

// In steady state a PDU goes in and out without an allocation, in one fragment and in many.
func TestHotPathAllocatesNothing(t *testing.T) {
	m, att, received := quiet(t)
	notification, long := pdu(CIDATT, counting(20)...), pdu(CIDATT, counting(200)...)
	b := make([]byte, 27)
	ctx := context.Background()
	pull := func() {
		for n, _ := m.NextFragment(b); n > 0; n, _ = m.NextFragment(b) {
		}
	}
	for name, f := range map[string]func(){
		"HandleFragment, whole PDU": func() { m.HandleFragment(true, notification) },
		"HandleFragment, fragments": func() {
			for i := 0; i < len(long); i += 27 {
				m.HandleFragment(i == 0, long[i:min(i+27, len(long))])
			}
		},
		"Send and NextFragment": func() {
			if att.Send(ctx, notification[headerLength:]) != nil {
				t.Error("not sent")
			}
			pull()
		},
		"SendUrgent and NextFragment, fragments": func() {
			if att.SendUrgent(long[headerLength:]) != nil {
				t.Error("not sent")
			}
			pull()
		},
	} {
		for range maxWaiting + maxUrgent { // until every place of the queues has its octets
			f()
		}
		if n := testing.AllocsPerRun(200, f); n != 0 && !raceEnabled {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if *received == 0 {
		t.Error("nothing was received")
	}
}

func BenchmarkHandleFragment(b *testing.B) {
	m, _, _ := quiet(b)
	notification := pdu(CIDATT, counting(20)...)
	b.ReportAllocs()
	for b.Loop() {
		m.HandleFragment(true, notification)
	}
}

func BenchmarkHandleFragments(b *testing.B) {
	m, _, _ := quiet(b)
	long := pdu(CIDATT, counting(200)...)
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < len(long); i += 27 {
			m.HandleFragment(i == 0, long[i:min(i+27, len(long))])
		}
	}
}

func BenchmarkSend(b *testing.B) {
	m, att, _ := quiet(b)
	sdu, fragment := counting(20), make([]byte, 27)
	b.ReportAllocs()
	for b.Loop() {
		if err := att.Send(context.Background(), sdu); err != nil {
			b.Fatal(err)
		}
		m.NextFragment(fragment)
	}
}
