package transport

import (
	"fmt"
	"testing"
)

// h5Echo connects two ends whose controller returns each ACL packet, and returns what sends one to and fro.
func h5Echo(t testing.TB, cfg H5Config) func(p, b []byte) {
	h, c := h5Pair(t, cfg, H5Config{Window: 7})
	go func() {
		b := make([]byte, MaxPacket)
		for {
			n, err := c.ReadPacket(b)
			if err != nil {
				return
			}
			if err := c.WritePacket(b[:n]); err != nil {
				return
			}
		}
	}()
	return func(p, b []byte) {
		if err := h.WritePacket(p); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ReadPacket(b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestH5DoesNotAllocate(t *testing.T) {
	if raceEnabled {
		return
	}
	echo := h5Echo(t, H5Config{Window: 7})
	p, b := packet(ACL, 251), make([]byte, MaxPacket)
	for range 100 {
		echo(p, b)
	}
	if n := testing.AllocsPerRun(1000, func() { echo(p, b) }); n != 0 {
		t.Errorf("%v allocations per packet to and fro", n)
	}
}

func BenchmarkH5Echo(b *testing.B) {
	echo := h5Echo(b, H5Config{Window: 7})
	p, buf := packet(ACL, 251), make([]byte, MaxPacket)
	b.ReportAllocs()
	for b.Loop() {
		echo(p, buf)
	}
}

func BenchmarkH5Stream(b *testing.B) {
	for _, window := range []int{1, 4, 7} {
		b.Run(fmt.Sprintf("window %d", window), func(b *testing.B) {
			h, c := h5Pair(b, H5Config{Window: window}, H5Config{Window: 7})
			p, buf := packet(ACL, 251), make([]byte, MaxPacket)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			go func() {
				for h.WritePacket(p) == nil {
				}
			}()
			for b.Loop() {
				if _, err := c.ReadPacket(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
