package vendor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// patience is how long a bring-up may take that goes wrong somewhere.
const patience = 30 * time.Second

// goodRun is how many commands a bring-up that goes well sends, and how long it takes.
func goodRun(t *testing.T, prepare func(*chip), cfg Config) (commands int, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		prepare(c)
		l := newLine(t, c)
		begin := time.Now()
		info, err := Start(t.Context(), l, l, cfg)
		good(t, c, l, info, err)
		commands, took = len(c.commands), time.Since(begin)
	})
	return commands, took
}

// scenes are what a chip may be in when Start begins.
var scenes = map[string]func(*chip){
	"ROM":      func(*chip) {},
	"firmware": func(c *chip) { c.state, c.name, c.baud = inFirmware, patchedName, 921_600 },
	"left in the middle of a download": func(c *chip) {
		c.state, c.ram = inMinidriver, []byte("half a firmware")
	},
	"left in the middle of a packet": func(c *chip) { c.confused = true },
}

// Whatever goes wrong with one command, Start ends in time with a good chip or with an error that says where, and
// leaves a chip that the next Start can bring up.
func TestStartEveryFault(t *testing.T) {
	cfg := whole()
	cfg.Baud = 4_000_000
	for scene, prepare := range scenes {
		commands, _ := goodRun(t, prepare, cfg)
		for n := range commands {
			for _, how := range []fault{deaf, mute, refuse, empty, cut, longer, garbage} {
				synctest.Test(t, func(t *testing.T) {
					c := newChip()
					prepare(c)
					l := newLine(t, c)
					var struck hci.Opcode
					c.fault = func(i int, f hci.CommandFrame) fault {
						if i != n {
							return none
						}
						struck = f.Opcode
						return how
					}
					begin := time.Now()
					info, err := Start(t.Context(), l, l, cfg)
					if took := time.Since(begin); took > patience {
						t.Errorf("%s: command %d, %v, %v: it took %v", scene, n, struck, how, took)
					}
					checkFault(t, c, struck, how, info, err)
					if t.Failed() {
						t.Logf("%s: command %d, %v, %v: %v, warnings %v", scene, n, struck, how, err, info.Warnings)
						return
					}

					c.fault = nil
					info, err = Start(t.Context(), l, l, cfg)
					good(t, c, l, info, err)
					if t.Failed() {
						t.Logf("%s: after command %d, %v, %v", scene, n, struck, how)
					}
				})
			}
		}
	}
}

// forgiven are the commands that a chip may refuse.
var forgiven = map[hci.Opcode]bool{
	opReadLocalName: true, hci.OpReadBDADDR: true, bcmWriteAddress: true, bcmSetClock: true, bcmSetBaud: true,
}

func checkFault(t *testing.T, c *chip, struck hci.Opcode, how fault, info Info, err error) {
	t.Helper()
	var at *Error
	if err != nil && (!errors.As(err, &at) || at.Step == "") {
		t.Errorf("no step in %v", err)
	}
	switch {
	case how == longer:
		if err != nil || len(info.Warnings) != 0 {
			t.Error("more than is known was not passed over")
		}
	case how == refuse && forgiven[struck]:
		if err != nil {
			t.Error("the refusal is no reason to fail")
		}
	case how == refuse:
		var status hci.Status
		if !errors.As(err, &status) || status != hci.CommandDisallowed {
			t.Error("the refusal is not in the error")
		}
	case struck == hci.OpReset && how != empty && how != cut:
		if err != nil {
			t.Error("HCI_Reset was not repeated")
		}
	case err == nil:
		if len(info.Warnings) == 0 && how != deaf && how != mute && how != garbage {
			t.Error("neither an error nor a warning")
		}
	case how == deaf, how == mute, how == garbage:
		if !errors.Is(err, ErrNoAnswer) {
			t.Error("the silence is not in the error")
		}
	case how == empty, how == cut:
		if !errors.As(err, new(*hci.ShortError)) {
			t.Error("the short answer is not in the error")
		}
	}
	if err == nil && info.Firmware == "" && c.heard(bcmLaunchRAM) != 0 {
		t.Error("the download was forgotten")
	}
}

// Two faults in one run: what repairs the first meets the second.
func TestStartEveryTwoFaults(t *testing.T) {
	cfg := whole()
	commands, _ := goodRun(t, scenes["ROM"], cfg)
	for first := range commands {
		for second := first + 1; second < commands+4; second++ {
			for _, how := range []fault{deaf, mute, refuse} {
				synctest.Test(t, func(t *testing.T) {
					c := newChip()
					l := newLine(t, c)
					c.fault = func(i int, _ hci.CommandFrame) fault {
						if i == first || i == second {
							return how
						}
						return none
					}
					begin := time.Now()
					if _, err := Start(t.Context(), l, l, cfg); err != nil && !errors.As(err, new(*Error)) {
						t.Errorf("commands %d and %d, %v: %v", first, second, how, err)
					}
					if took := time.Since(begin); took > patience {
						t.Errorf("commands %d and %d, %v: it took %v", first, second, how, took)
					}
					c.fault = nil
					info, err := Start(t.Context(), l, l, cfg)
					good(t, c, l, info, err)
				})
			}
		}
	}
}

// Ending the context ends Start at that very time, wherever it is.
func TestStartCancelledAtAnyTime(t *testing.T) {
	cfg := whole()
	for scene, prepare := range scenes {
		_, took := goodRun(t, prepare, cfg)
		for at := time.Duration(0); at < took; at += 3 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				c := newChip()
				prepare(c)
				l := newLine(t, c)
				ctx, cancel := context.WithCancelCause(t.Context())
				stopped := errors.New("stopped by hand")
				timer := time.AfterFunc(at, func() { cancel(stopped) })
				defer timer.Stop()
				begin := time.Now()
				_, err := Start(ctx, l, l, cfg)
				if !errors.Is(err, stopped) || !errors.As(err, new(*Error)) || errors.As(err, new(*LaunchError)) {
					t.Errorf("%s: after %v: %v", scene, at, err)
				}
				if d := time.Since(begin); d != at {
					t.Errorf("%s: cancelled after %v, it ended after %v", scene, at, d)
				}
				info, err := Start(t.Context(), l, l, cfg)
				good(t, c, l, info, err)
				if t.Failed() {
					t.Logf("%s: after %v", scene, at)
				}
			})
		}
	}
}

// A line that fails once, at whatever is done to it, leaves a chip that the next Start can bring up.
func TestStartLineFails(t *testing.T) {
	failure := errors.New("input/output error")
	for scene, prepare := range scenes {
		for n := range 12 {
			for _, reads := range []bool{false, true} {
				for _, forever := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						c := newChip()
						prepare(c)
						l := newLine(t, c)
						struck := false
						l.failing = func(rate, read int) error {
							at := rate
							if reads {
								at = read
							}
							if at == n || forever && at > n {
								struck = true
								return failure
							}
							return nil
						}
						begin := time.Now()
						info, err := Start(t.Context(), l, l, whole())
						if took := time.Since(begin); took > patience {
							t.Errorf("it took %v", took)
						}
						switch {
						case err == nil && !struck:
							good(t, c, l, info, err)
						case err == nil && len(info.Warnings) == 0 && scene != "firmware": // where one rate less is probed
							t.Error("neither an error nor a warning")
						case err != nil && !errors.Is(err, failure) && !errors.Is(err, ErrNoAnswer):
							t.Error(err)
						}
						l.failing = nil
						info, err = Start(t.Context(), l, l, whole())
						good(t, c, l, info, err)
						if t.Failed() {
							t.Logf("%s: SetBaud or Discard %d, reads %v, forever %v", scene, n, reads, forever)
						}
					})
				}
			}
		}
	}
}

// A rate that can't be had leaves a chip that works at the one it had.
func TestStartRates(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(*chip, *line)
		told    int // how often the chip was told a rate
		fails   bool
	}{
		{"the line can't do it", func(_ *chip, l *line) { l.fastest = 1_000_000 }, 0, false},
		{"the line fails when it counts", func(_ *chip, l *line) { l.stuck = 3_000_000 }, 1, true},
		{"the chip refuses", func(c *chip, _ *line) { c.fault = only(bcmSetBaud, refuse) }, 1, false},
		{"the chip does not hear", func(c *chip, _ *line) { c.fault = only(bcmSetBaud, deaf) }, 1, false},
		{"the chip's answer is lost", func(c *chip, _ *line) { c.fault = only(bcmSetBaud, mute) }, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChip()
				l := newLine(t, c)
				tt.prepare(c, l)
				info, err := Start(t.Context(), l, l, whole())
				if n := c.heard(bcmSetBaud); n != tt.told {
					t.Errorf("the chip was told %d times, want %d", n, tt.told)
				}
				var rate *RateError
				if tt.fails {
					if !errors.As(err, &rate) || rate.From != romBaud || rate.To != 3_000_000 {
						t.Error(err)
					}
					return
				}
				good(t, c, l, info, err)
				if len(info.Warnings) != 1 || !errors.As(info.Warnings[0], &rate) || info.Baud != romBaud {
					t.Errorf("%+v", info)
				}
			})
		})
	}
}

// only gives a fault to one command.
func only(op hci.Opcode, how fault) func(int, hci.CommandFrame) fault {
	return func(_ int, f hci.CommandFrame) fault {
		if f.Opcode == op {
			return how
		}
		return none
	}
}

// A chip that answers at its new rate with something else is a line that garbles.
func TestStartGarbledRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		l.before = func(int) {
			if l.baud == 3_000_000 {
				c.address.Octets[2] ^= 0x10
			}
		}
		_, err := Start(t.Context(), l, l, whole())
		var rate *RateError
		if !errors.As(err, &rate) {
			t.Fatal(err)
		}
		want := "from 115200 to 3000000 baud: the controller's address reads B8:27:EB:4B:4D:0E now, and was B8:27:EB:5B:4D:0E"
		if rate.Error() != want {
			t.Errorf("%q, want %q", rate, want)
		}
	})
}

// The first command at the new rate may be lost.
func TestStartAsksTwiceAtTheNewRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		lost := 0
		c.fault = func(int, hci.CommandFrame) fault {
			if c.baud == 3_000_000 && lost == 0 {
				lost++
				return deaf
			}
			return none
		}
		info, err := Start(t.Context(), l, l, whole())
		good(t, c, l, info, err)
		if lost != 1 || info.Baud != 3_000_000 || len(info.Warnings) != 0 {
			t.Errorf("%d lost, %+v", lost, info)
		}
	})
}
