package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var answered = []byte{Event, 0x0E, 0x04, 0x07, 0x03, 0x0C, 0x00}

func TestWindow(t *testing.T) {
	failed := bytes.Clone(answered)
	failed[6] = 0x0C
	tests := []struct {
		name  string
		in    []byte
		rest  []byte
		found bool
	}{
		{"nothing", nil, nil, false},
		{"alone", answered, []byte{}, true},
		{"behind noise", append([]byte{0x04, 0x0E, 0x55}, answered...), []byte{}, true},
		{"behind its own beginning", append(bytes.Clone(answered[:6]), answered...), []byte{}, true},
		{"before a packet", append(bytes.Clone(answered), 0x04, 0x10), []byte{0x04, 0x10}, true},
		{"twice", append(bytes.Clone(answered), answered...), answered, true},
		{"any credits", []byte{0x04, 0x0E, 0x04, 0xFF, 0x03, 0x0C, 0x00}, []byte{}, true},
		{"failed", failed, nil, false},
		{"another command", []byte{0x04, 0x0E, 0x04, 0x01, 0x01, 0x10, 0x00}, nil, false},
		{"zeros", make([]byte, 100), nil, false},
		{"cut short", answered[:6], nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for cut := range len(tt.in) + 1 {
				var w window
				rest, found := w.feed(tt.in[:cut])
				if found {
					rest = append(bytes.Clone(rest), tt.in[cut:]...)
				} else {
					rest, found = w.feed(tt.in[cut:])
				}
				if found != tt.found || !bytes.Equal(rest, tt.rest) {
					t.Errorf("cut at %d: % X, %v", cut, rest, found)
				}
			}
		})
	}
}

func FuzzWindow(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add(answered, 3)
	f.Add(append([]byte{0x04, 0x04, 0x0E}, answered...), 5)
	f.Add(append(bytes.Clone(answered[:5]), answered...), 9)
	pattern := regexp.MustCompile(`(?s)\x04\x0E\x04.\x03\x0C\x00`)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		text := make([]rune, len(in)) // one for each octet, as the expression reads
		for i, octet := range in {
			text[i] = rune(octet)
		}
		want := pattern.FindStringIndex(string(text))
		cut = min(max(cut, 0), len(in))
		var w window
		rest, found := w.feed(in[:cut])
		if found {
			rest = append(bytes.Clone(rest), in[cut:]...)
		} else {
			rest, found = w.feed(in[cut:])
		}
		if found != (want != nil) {
			t.Fatalf("found %v, want %v", found, want)
		}
		if found && len(rest) != len([]rune(string(text)[want[1]:])) {
			t.Errorf("rest % X", rest)
		}
	})
}

func TestResyncRates(t *testing.T) {
	tests := []struct {
		now, wanted int
		chip        Chip
		want        []int
	}{
		{115_200, 0, ChipNone, []int{115_200}},
		{115_200, 115_200, ChipNone, []int{115_200}},
		{9600, 921_600, ChipNone, []int{9600, 115_200, 921_600}},
		{921_600, 0, ChipBroadcom, []int{921_600, 115_200, 3_000_000, 460_800}},
		{115_200, 2_000_000, ChipBroadcom, []int{115_200, 2_000_000, 3_000_000, 921_600, 460_800}},
		{115_200, 0, "", []int{115_200, 921_600, 1_000_000, 3_000_000, 460_800}},
		{115_200, 0, ChipAuto, []int{115_200, 921_600, 1_000_000, 3_000_000, 460_800}},
	}
	for _, tt := range tests {
		if got := resyncRates(tt.now, tt.wanted, tt.chip); !slices.Equal(got, tt.want) {
			t.Errorf("%d, %d, %q: %v, want %v", tt.now, tt.wanted, tt.chip, got, tt.want)
		}
	}
}

func TestResyncFindsTheController(t *testing.T) {
	tests := []struct {
		name   string
		spec   Spec
		lay    func(r *rig)
		resets int           // that the controller saw
		within time.Duration // bubble time, the quiet at the end included
	}{
		{"at once", Spec{}, func(r *rig) {}, 1, resyncQuiet},
		{"a slow one", Spec{}, func(r *rig) { r.chip.delay = resetPatience - 1 }, 1, 2*resetPatience + resyncQuiet},
		{"old octets in the way", Spec{}, func(r *rig) { r.line.send(append(packet(ACL, 99), answered[:5]...)...) }, 1, resyncQuiet},
		{"at the rate it starts with", Spec{}, func(r *rig) { r.line.rate = 921_600 }, 1, 5 * resetPatience},
		{"at the rate it was to have", Spec{Baud: 2_000_000}, func(r *rig) { r.chip.rate = 2_000_000 }, 1, 5 * resetPatience},
		{"at a rate of its family's", Spec{Chip: ChipBroadcom}, func(r *rig) { r.chip.rate = 460_800 }, 1, 16 * resetPatience},
		{"at a rate that any chip may have", Spec{}, func(r *rig) { r.chip.rate = 1_000_000 }, 1, 12 * resetPatience},
		{"beyond a rate that the line can't have", Spec{Chip: ChipBroadcom}, func(r *rig) { r.line.most, r.chip.rate = 1_000_000, 460_800 }, 1, 12 * resetPatience},
		{"waiting for the rest of a command", Spec{}, func(r *rig) { r.chip.take([]byte{Command, 1, 2, 255, 0}) }, 200, 4 * resetPatience},
		{"waiting for the rest of data", Spec{}, func(r *rig) { r.chip.take([]byte{ACL, 1, 2, 0xFB, 0x03, 0}) }, 12, 4 * resetPatience},
		{"slow, and waiting for the rest of a command", Spec{}, func(r *rig) {
			r.chip.delay = resetPatience / 2
			r.chip.take([]byte{Command, 1, 2, 255, 0})
		}, 200, 4 * resetPatience},
		{"which lost its first answer", Spec{}, func(r *rig) {
			answers := 0
			r.chip.bite = func(toHost bool, b []byte) []byte {
				if answers++; toHost && answers < 3 {
					return b[:3]
				}
				return b
			}
		}, 2, 3 * resetPatience},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, tt.spec, func(r *rig) {
				tt.lay(r)
				start := time.Now()
				r.resyncs(1)
				if took := time.Since(start); took > tt.within {
					t.Errorf("took %v, want at most %v", took, tt.within)
				}
				if r.chip.resets < 1 || r.chip.resets > tt.resets {
					t.Errorf("%d resets arrived, want 1 to %d", r.chip.resets, tt.resets)
				}
				if r.Baud() != r.chip.rate {
					t.Errorf("%d baud, want %d", r.Baud(), r.chip.rate)
				}
			})
		})
	}
}

// What comes behind the answer is in step, and is not lost; a second answer is.
func TestResyncKeepsWhatFollows(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		events := append(append(bytes.Clone(answered), packet(Event, 3)...), packet(Event, 5)[:4]...)
		r.chip.bite = func(toHost bool, b []byte) []byte {
			if toHost {
				return append(b, events...)
			}
			return b
		}
		if err := r.Resync(context.Background()); err != nil {
			t.Fatal(err)
		}
		r.chip.bite = nil
		r.gets(packet(Event, 3))
		r.line.send(packet(Event, 5)[4:]...)
		r.gets(packet(Event, 5))
		r.works()
	})
}

// A controller that never falls silent is in step all the same.
func TestResyncOfATalker(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		var talking sync.WaitGroup
		defer talking.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		talk := packet(Event, 200)
		r.chip.bite = func(toHost bool, b []byte) []byte {
			if toHost {
				talking.Go(func() {
					for ctx.Err() == nil {
						r.line.send(talk...)
						time.Sleep(10 * time.Millisecond)
					}
				})
			}
			return b
		}
		if err := r.Resync(ctx); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			r.gets(talk)
		}
	})
}

func TestResyncGivesUp(t *testing.T) {
	inRig(t, Spec{Chip: ChipBroadcom}, func(r *rig) {
		r.chip.deaf = true
		r.line.most = 1_000_000
		r.line.errors = LineErrors{Break: 1}
		go func() {
			time.Sleep(2 * time.Second)
			r.line.change(func() { r.line.errors.Break = 5; r.line.in = []byte{1, 2, 3} })
		}()
		start := time.Now()
		err := r.Resync(context.Background())
		failed, ok := errors.AsType[*ResyncError](err)
		if !ok || !errors.Is(err, ErrOutOfStep) || errors.Is(err, ErrGone) {
			t.Fatalf("%v", err)
		}
		rates := []int{115_200, 921_600, 460_800}
		if !slices.Equal(failed.Rates, rates) || failed.Resets != len(rates)*(resyncTries-1+volleyResets) || failed.Received != 3 ||
			failed.Line != (LineErrors{Break: 4}) || failed.Held || failed.Err != nil {
			t.Errorf("%+v", failed)
		}
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("took %v", took)
		}
		if r.Baud() != DefaultBaud {
			t.Errorf("left at %d baud", r.Baud())
		}
		r.stopped(err)
		r.chip.deaf = false
		r.resyncs(1)
	})
}

// An answer that was there before is no answer, and neither are the pieces of two.
func TestResyncIsNotFooled(t *testing.T) {
	inRig(t, Spec{Chip: ChipNone}, func(r *rig) {
		r.chip.deaf = true
		r.line.send(answered...)
		if err := r.Resync(context.Background()); !errors.Is(err, ErrOutOfStep) {
			t.Errorf("by an old answer: %v", err)
		}
	})
	inRig(t, Spec{Chip: ChipNone}, func(r *rig) {
		pieces := [][]byte{answered[:6], answered[6:]}
		r.chip.bite = func(toHost bool, b []byte) []byte {
			if toHost && len(pieces) > 0 {
				b, pieces = pieces[0], pieces[1:]
			}
			return b
		}
		r.resyncs(1)
		if r.chip.resets != 3 {
			t.Errorf("%d resets, want a third, whose answer is whole", r.chip.resets)
		}
	})
}

func TestResyncOfADeadLine(t *testing.T) {
	inRig(t, Spec{Chip: ChipNone}, func(r *rig) {
		r.line.stuck, r.line.room = true, 3
		start := time.Now()
		err := r.Resync(context.Background())
		failed, ok := errors.AsType[*ResyncError](err)
		if !ok || failed.Resets != 0 || !failed.Held {
			t.Fatalf("%v", err)
		}
		if took := time.Since(start); took != resyncTries*resyncWrite {
			t.Errorf("took %v", took)
		}
	})
}

func TestResyncHeedsItsContext(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.chip.deaf = true
		for _, after := range []time.Duration{time.Millisecond, 1500 * time.Millisecond, 6 * time.Second} {
			ctx, cancel := context.WithTimeout(context.Background(), after)
			start := time.Now()
			err := r.Resync(ctx)
			cancel()
			if failed, ok := errors.AsType[*ResyncError](err); !ok || !errors.Is(err, context.DeadlineExceeded) || failed.Resets == 0 {
				t.Errorf("%v", err)
			}
			if late := time.Since(start) - after; late < 0 || late > resyncStep {
				t.Errorf("noticed after %v", late)
			}
			if r.Baud() != DefaultBaud {
				t.Errorf("left at %d baud", r.Baud())
			}
			r.stopped(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.Resync(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// Whoever reads or writes while the Conn is resynchronised belongs to before.
func TestResyncEndsWhatIsUnderWay(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		r.line.stuck = true
		read, wrote, waited := make(chan error), make(chan error), make(chan error)
		go func() { _, err := r.next(); read <- err }()
		go func() { wrote <- r.WritePacket(packet(ACL, 200)) }()
		time.Sleep(time.Millisecond)
		go func() { waited <- r.WritePacket(packet(ACL, 7)) }()
		synctest.Wait()
		done := make(chan error)
		start := time.Now()
		go func() { done <- r.Resync(context.Background()) }()
		for _, c := range []chan error{read, wrote} {
			if err := <-c; err != errResyncing {
				t.Errorf("under way: %v", err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("called off after %v", took)
		}
		if _, err := r.next(); err != errResyncing {
			t.Errorf("read meanwhile: %v", err)
		}
		synctest.Wait() // what was stuck is dropped, and a reset is in its place
		r.line.unstick()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := <-waited; err != errResyncing {
			t.Errorf("waiting to write: %v", err)
		}
		for _, p := range r.chip.packets {
			if p[0] == ACL {
				t.Errorf("the controller got % X, which belongs to before", p)
			}
		}
		r.works()
	})
}

func TestResyncOneAtATime(t *testing.T) {
	inRig(t, Spec{}, func(r *rig) {
		done := make(chan error)
		for range 3 {
			go func() { done <- r.Resync(context.Background()) }()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		r.works()
		if got := r.Counters().Resets; got != 3 {
			t.Errorf("%d resets", got)
		}
	})
}

// Octets are dropped, inserted and changed, both ways. Whatever that does, nothing hangs, and once the line is whole
// again so is the Conn.
func TestResyncOnABittenLine(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inRig(t, Spec{Chip: []Chip{ChipNone, ChipBroadcom, ChipTI}[seed%3]}, func(r *rig) {
				random := rand.New(rand.NewPCG(seed, 1))
				biting := true
				r.chip.bite = func(_ bool, b []byte) []byte { // under the line's lock
					if !biting || len(b) == 0 || random.IntN(3) > 0 {
						return b
					}
					i := random.IntN(len(b))
					switch random.IntN(3) {
					case 0:
						return slices.Delete(b, i, i+1)
					case 1:
						return slices.Insert(b, i, byte(random.Uint32()))
					}
					b[i] ^= 1 << random.IntN(8)
					return b
				}
				answers, resyncs := 0, 0
				for range 150 {
					if r.ask(time.Second) == nil {
						answers++
						continue
					}
					resyncs++
					if err := r.Resync(context.Background()); err != nil {
						t.Logf("resync %d: %v", resyncs, err)
					}
				}
				if answers == 0 || resyncs == 0 {
					t.Errorf("%d answers, %d resyncs", answers, resyncs)
				}
				r.line.change(func() { biting = false })
				if err := r.Resync(context.Background()); err != nil {
					t.Fatal(err)
				}
				for range 20 {
					r.works()
				}
			})
		})
	}
}

// ask sends a command, and wants an answer, whatever it is, within d.
func (r *rig) ask(d time.Duration) error {
	if err := r.WritePacket([]byte{Command, 0x01, 0x10, 0x00}); err != nil {
		return err
	}
	read := make(chan error, 1)
	go func() { _, err := r.next(); read <- err }()
	select {
	case err := <-read:
		return err
	case <-time.After(d):
	}
	r.Resync(context.Background())
	if err := <-read; err != nil {
		return err
	}
	return context.DeadlineExceeded
}
