package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// h5Faults are what a lossy line does, each as a number of frames in a thousand.
type h5Faults struct {
	drop, twice, cut, damage, delay int
}

// lossy carries frames from one end to the other until one of them is closed. Once anywhere is set, damage is of any
// kind at any octet on the line: changed, lost, added. Otherwise one octet of the header is changed, which its checksum
// tells. What is damaged elsewhere, only the data integrity check tells, and link control packets have none.
func lossy(from, to net.Conn, f h5Faults, anywhere *atomic.Bool, r *rand.Rand) {
	defer from.Close()
	defer to.Close()
	var d slipDecoder
	b := make([]byte, 1<<16)
	happens := func(rate int) bool { return r.IntN(1000) < rate }
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		for _, frame := range unslip(&d, b[:n], n) {
			if happens(f.drop) {
				continue
			}
			if happens(f.delay) {
				time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
			}
			damaged := happens(f.damage)
			if damaged && !anywhere.Load() {
				frame[r.IntN(h5HeaderSize)] ^= byte(1 + r.IntN(255))
			}
			if happens(f.cut) {
				frame = frame[:r.IntN(len(frame))]
			}
			line := append(appendSLIP([]byte{slipEnd}, frame, false), slipEnd)
			if damaged && anywhere.Load() {
				line = spoil(line, r)
			}
			if happens(f.twice) {
				line = append(line, line...)
			}
			if _, err := to.Write(line); err != nil {
				return
			}
		}
	}
}

// spoil changes, loses or adds a few octets.
func spoil(line []byte, r *rand.Rand) []byte {
	for range 1 + r.IntN(4) {
		i := r.IntN(len(line))
		switch r.IntN(3) {
		case 0:
			line[i] ^= byte(1 + r.IntN(255))
		case 1:
			line = append(line[:i], line[i+1:]...)
		case 2:
			line = append(line[:i+1], line[i:]...)
			line[i] = byte(r.IntN(256))
		}
		if len(line) == 0 {
			break
		}
	}
	return line
}

// h5Numbered is an ACL packet with its number in it, of a length and with octets that depend on it.
func h5Numbered(i int) []byte {
	p := packet(ACL, 2+i*37%90)
	binary.LittleEndian.PutUint16(p[5:], uint16(i))
	for j := 7; j < len(p); j++ {
		p[j] = []byte{0xC0, 0xDB, 0xDC, 0x11, byte(i), byte(j)}[(i+j)%6]
	}
	return p
}

// h5Exchange sends packets both ways at once over a lossy line, and returns how each end's link ended, which is nil for
// one that delivered everything. What is delivered is what was sent, in order and from the beginning.
func h5Exchange(t *testing.T, seed uint64, crc bool, f h5Faults) (ended [2]error, resent int) {
	const packets = 30
	near, lineNear := net.Pipe()
	lineFar, far := net.Pipe()
	var line, wg sync.WaitGroup
	var anywhere atomic.Bool
	line.Go(func() { lossy(lineNear, lineFar, f, &anywhere, rand.New(rand.NewPCG(seed, 1))) })
	line.Go(func() { lossy(lineFar, lineNear, f, &anywhere, rand.New(rand.NewPCG(seed, 2))) })
	defer line.Wait()
	cfg := H5Config{Window: 1 + int(seed%7), NoCRC: !crc}
	h, c := h5Connect(t, near, far, cfg, H5Config{Window: 1 + int(seed/7%7)})
	anywhere.Store(crc)
	ends := [2]*H5{h, c}
	var mu sync.Mutex
	fail := func(i int, err error) {
		mu.Lock()
		ended[i] = err
		mu.Unlock()
	}
	for i, end := range ends {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 3+uint64(i)))
			for n := range packets {
				if err := end.WritePacket(h5Numbered(n)); err != nil {
					fail(i, err)
					return
				}
				if r.IntN(4) == 0 {
					time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
				}
			}
		})
		wg.Go(func() {
			b := make([]byte, MaxPacket)
			for n := range packets {
				got, err := end.ReadPacket(b)
				if err != nil {
					fail(i, err)
					return
				}
				if !bytes.Equal(b[:got], h5Numbered(n)) {
					t.Errorf("seed %d: end %d read % X as packet %d", seed, i, b[:got], n)
				}
			}
		})
	}
	wg.Wait()
	resent = h.Counters().Resent + c.Counters().Resent
	h.Close()
	c.Close()
	return ended, resent
}

// A lossy line delivers everything in order, or the link is declared dead. Without a check nothing can tell that a
// packet's content was damaged, so only headers are damaged there.
func TestH5LossyLine(t *testing.T) {
	lines := []struct {
		name   string
		faults h5Faults
		holds  bool // the link has to survive
	}{
		{"drops", h5Faults{drop: 150}, true},
		{"repeats", h5Faults{twice: 300}, true},
		{"cuts", h5Faults{cut: 150}, true},
		{"damages", h5Faults{damage: 200}, true},
		{"delays", h5Faults{delay: 200}, true},
		{"everything", h5Faults{drop: 60, twice: 60, cut: 60, damage: 60, delay: 60}, true},
		{"almost nothing arrives", h5Faults{drop: 400, twice: 100, cut: 200, damage: 300, delay: 50}, false},
	}
	const seeds = 60
	for _, crc := range []bool{true, false} {
		for _, line := range lines {
			t.Run(fmt.Sprintf("%s, check %v", line.name, crc), func(t *testing.T) {
				resent, dead := 0, 0
				for seed := range uint64(seeds) {
					synctest.Test(t, func(t *testing.T) {
						ended, again := h5Exchange(t, seed, crc, line.faults)
						resent += again
						for i, err := range ended {
							var e *H5Error
							switch {
							case err == nil:
							case line.holds || !errors.Is(err, ErrGone) || !errors.As(err, &e):
								t.Errorf("seed %d: end %d: %v", seed, i, err)
							default:
								dead++
							}
						}
					})
				}
				if resent == 0 && line.name != "repeats" {
					t.Error("no packet was sent again: the line is not lossy")
				}
				t.Logf("%d packets sent again, %d of %d ends gave up", resent, dead, 2*seeds)
			})
		}
	}
}

// What the check is for: without it, content that was damaged on the line is delivered.
func TestH5DamageWithoutCheck(t *testing.T) {
	for _, crc := range []bool{true, false} {
		e := active(t, H5Config{NoCRC: !crc}, 0x14)
		p := h5packet{reliable: true, crc: crc, typ: ACL, payload: packet(ACL, 3)[1:]}
		line := p.appendTo(nil, false)
		line[h5HeaderSize+6] ^= 0x40 // in the data
		if err := e.receive(line, e.now); err != nil || (len(e.got) == 0) != crc {
			t.Errorf("check %v: % X, %v", crc, e.got, err)
		}
	}
}
