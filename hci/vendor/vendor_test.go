package vendor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// system is a file system with firmware for the fake.
func system() fstest.MapFS {
	return fstest.MapFS{
		"lib/firmware/brcm/BCM43430A1.hcd": {Data: hcd(romName, patchedName)},
		"lib/firmware/brcm/BCM43430B0.hcd": {Data: hcd("BCM43430B0", "the other one")},
		compatibleFile:                     {Data: []byte("raspberrypi,3-model-b\x00brcm,bcm2837\x00")},
		serialFile:                         {Data: []byte("00000000a1f1e7a4\x00")},
	}
}

// whole is what the bring-up may be told, with everything it can do.
func whole() Config {
	return Config{Baud: 3_000_000, Files: system(), Address: func(context.Context) (hci.Address, error) { return ownAddress, nil }}
}

// good fails the test unless the chip works as it should.
func good(t *testing.T, c *chip, l *line, info Info, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if c.state != inFirmware {
		t.Errorf("the chip is in state %d", c.state)
	}
	if !info.Patched {
		t.Error("the chip is not said to be patched")
	}
	if info.Address == nil || *info.Address != c.address || !UsablePublic(c.address) {
		t.Errorf("address %v, the chip has %v", info.Address, c.address)
	}
	if c.next != 0 {
		c.baud, c.next = c.next, 0
	}
	if info.Baud != c.baud || l.baud != c.baud {
		t.Errorf("the chip is at %d baud, the line at %d, and %d is said", c.baud, l.baud, info.Baud)
	}
}

func TestStartBroadcom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		begin := time.Now()
		info, err := Start(t.Context(), l, l, whole())
		good(t, c, l, info, err)
		if took := time.Since(begin); took < 500*time.Millisecond || took > time.Second {
			t.Errorf("it took %v", took)
		}
		want := []hci.Opcode{
			hci.OpReset, hci.OpReadLocalVersionInformation, opReadLocalName, hci.OpReadBDADDR,
			bcmStartDownload, bcmWriteRAM, bcmWriteRAM, bcmWriteRAM, bcmWriteRAM, bcmLaunchRAM,
			hci.OpReset, hci.OpReadLocalVersionInformation, opReadLocalName, hci.OpReadBDADDR,
			bcmWriteAddress, hci.OpReadBDADDR,
			hci.OpReadBDADDR, bcmSetBaud, hci.OpReadBDADDR,
		}
		if got := c.opcodes(); !slices.Equal(got, want) {
			t.Errorf("commands\n%v, want\n%v", got, want)
		}
		if info.Family != Broadcom || info.Chip != romName || info.Name != patchedName || info.Baud != 3_000_000 ||
			info.Firmware != "/lib/firmware/brcm/BCM43430A1.hcd" || len(info.Warnings) != 0 || info.Version.Company != companyBroadcom {
			t.Errorf("%+v", info)
		}
		if *info.Address != ownAddress {
			t.Errorf("address %v", info.Address)
		}
	})
}

func TestStartBroadcomFasterThanItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		cfg := whole()
		cfg.Baud = 4_000_000
		info, err := Start(t.Context(), l, l, cfg)
		good(t, c, l, info, err)
		if c.baud != 4_000_000 || c.heard(bcmSetClock) != 1 {
			t.Errorf("%d baud, %d times the clock", c.baud, c.heard(bcmSetClock))
		}
	})
}

// A chip keeps the rate it has where none is asked for, and goes back to it after its firmware.
func TestStartKeepsTheRate(t *testing.T) {
	for _, baud := range []int{romBaud, 921_600} {
		synctest.Test(t, func(t *testing.T) {
			c := newChip()
			l := newLine(t, c)
			c.baud, l.baud = baud, baud
			cfg := whole()
			cfg.Baud = 0
			info, err := Start(t.Context(), l, l, cfg)
			good(t, c, l, info, err)
			if c.baud != baud {
				t.Errorf("%d baud, want %d", c.baud, baud)
			}
		})
	}
}

// After a warm restart the chip has firmware, an address, and whatever rate the last host left.
func TestStartFindsARunningChip(t *testing.T) {
	for _, baud := range []int{romBaud, 3_000_000, 921_600, 1_000_000, 460_800, 2_000_000} {
		synctest.Test(t, func(t *testing.T) {
			c := newChip()
			c.state, c.name, c.address, c.baud, c.confused = inFirmware, patchedName, ownAddress, baud, true
			l := newLine(t, c)
			cfg := whole()
			cfg.Baud = 2_000_000
			info, err := Start(t.Context(), l, l, cfg)
			good(t, c, l, info, err)
			if info.Firmware != "" || c.heard(bcmStartDownload) != 0 || c.heard(bcmWriteAddress) != 0 {
				t.Errorf("%+v after %v", info, c.opcodes())
			}
			if info.Chip != romName || info.Baud != 2_000_000 {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestStartNoContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		c.state = dead
		l := newLine(t, c)
		l.baud, l.fastest = 57_600, 921_600
		begin := time.Now()
		info, err := Start(t.Context(), l, l, whole())
		var contact *ContactError
		if !errors.As(err, &contact) || !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
		if want := []int{57_600, 115_200, 921_600, 460_800}; !slices.Equal(contact.Rates, want) {
			t.Errorf("rates %v, want %v", contact.Rates, want)
		}
		if l.baud != 57_600 || info.Baud != 57_600 {
			t.Errorf("the line is left at %d baud", l.baud)
		}
		if took := time.Since(begin); took != 4*contactTries*contactTimeout {
			t.Errorf("it took %v", took)
		}
		want := "bring-up of the controller: first contact: no answer to HCI_Reset at 57600, 115200, 921600, 460800 baud"
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	})
}

func TestStartNoContactOnUserChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		c.state = dead
		_, err := Start(t.Context(), newLine(t, c), nil, Config{})
		var contact *ContactError
		if !errors.As(err, &contact) || contact.Rates != nil || !strings.HasSuffix(err.Error(), "no answer to HCI_Reset") {
			t.Error(err)
		}
	})
}

// Firmware of another chip is taken without complaint, and then there is silence at every rate.
func TestStartWrongFirmware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		files := system()
		files["lib/firmware/brcm/BCM43430A1.hcd"] = files["lib/firmware/brcm/BCM43430B0.hcd"]
		cfg := whole()
		cfg.Files = files
		_, err := Start(t.Context(), l, l, cfg)
		var launch *LaunchError
		if !errors.As(err, &launch) || launch.Path != "/lib/firmware/brcm/BCM43430A1.hcd" || !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
		if _, err = Start(t.Context(), l, l, whole()); !errors.As(err, new(*ContactError)) {
			t.Error(err)
		}
		c.power()
		info, err := Start(t.Context(), l, l, whole())
		good(t, c, l, info, err)
	})
}

// The chip's answer chooses, whatever the board is, and whatever the subversion says that chips share.
func TestStartChoosesByTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, rom  string
		subversion uint16
	}{
		{"BCM43430A1", "BCM43430A1", 0x2209},
		{"BCM43430A1", "BCM43430A1", 0x410C},
		{"BCM43430B0", "BCM43430B0", 0x410C},
		{"BCM43430B0", "BCM43430B0", 0x2209},
		{"", "BCM43430A1", 0x2209},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newChip()
			c.name, c.rom, c.subversion = tt.name, tt.rom, tt.subversion
			l := newLine(t, c)
			info, err := Start(t.Context(), l, l, whole())
			good(t, c, l, info, err)
			if info.Chip != tt.rom || !strings.Contains(info.Firmware, tt.rom) {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestStartWithoutFirmware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		cfg := whole()
		cfg.Files = fstest.MapFS{compatibleFile: system()[compatibleFile]}
		info, err := Start(t.Context(), l, l, cfg)
		var missing *MissingError
		if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) || missing.Chip != romName || info.Chip != romName {
			t.Fatal(err)
		}
		if missing.Tried[0] != "/lib/firmware/brcm/BCM43430A1.raspberrypi,3-model-b.hcd" || !strings.Contains(err.Error(), missing.Tried[3]) {
			t.Error(err)
		}
		if c.heard(bcmStartDownload) != 0 {
			t.Error("the chip was touched")
		}

		cfg.Unpatched = true
		info, err = Start(t.Context(), l, l, cfg)
		if err != nil || info.Patched || len(info.Warnings) != 1 || !errors.As(info.Warnings[0], &missing) {
			t.Fatalf("%v, %+v", err, info)
		}
		if info.Baud != 3_000_000 || c.address != ownAddress {
			t.Errorf("%+v, address %v", info, c.address)
		}
	})
}

// A damaged file is found before the chip is touched.
func TestStartDamagedFirmware(t *testing.T) {
	whole, cfg := hcd(romName, patchedName), whole()
	for n := range whole {
		synctest.Test(t, func(t *testing.T) {
			c := newChip()
			l := newLine(t, c)
			cfg.Files = fstest.MapFS{"lib/firmware/brcm/BCM43430A1.hcd": {Data: whole[:n]}}
			cfg.Unpatched = true // which is no licence for damaged files
			_, err := Start(t.Context(), l, l, cfg)
			var file *FileError
			if !errors.As(err, &file) || !errors.As(err, new(*HCDError)) {
				t.Fatalf("%d octets: %v", n, err)
			}
			if c.heard(bcmStartDownload) != 0 || c.state != inROM {
				t.Errorf("%d octets: the chip was touched", n)
			}
		})
	}
}

func TestStartAddress(t *testing.T) {
	given := hci.Address{Octets: [6]byte{6, 5, 4, 3, 2, 0}}
	give := func(a hci.Address, err error) func(context.Context) (hci.Address, error) {
		return func(context.Context) (hci.Address, error) { return a, err }
	}
	for _, tt := range []struct {
		name    string
		factory hci.Address
		give    func(context.Context) (hci.Address, error)
		sticky  bool
		want    *hci.Address
		warning string
	}{
		{"one of its own", ownAddress, give(given, nil), false, &ownAddress, ""},
		{"a placeholder", placeholder, give(given, nil), false, &given, ""},
		{"nothing to give", placeholder, nil, false, nil, ""},
		{"zero", hci.Address{}, give(given, nil), false, &given, ""},
		{"the giver fails", placeholder, give(given, fs.ErrPermission), false, nil, "permission denied"},
		{"a random one is given", placeholder, give(hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}, nil), false, nil, "C6:05:04:03:02:01/random was given"},
		{"a placeholder is given", placeholder, give(placeholder, nil), false, nil, "AA:AA:AA:AA:AA:AA/public was given"},
		{"the chip forgets it", placeholder, give(given, nil), true, nil, "00:02:03:04:05:06 was written, and reads AA:AA:AA:AA:AA:AA"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChip()
				c.factory, c.address, c.sticky = tt.factory, tt.factory, tt.sticky
				l := newLine(t, c)
				cfg := whole()
				cfg.Address = tt.give
				info, err := Start(t.Context(), l, l, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if (info.Address == nil) != (tt.want == nil) || tt.want != nil && *info.Address != *tt.want {
					t.Errorf("address %v, want %v", info.Address, tt.want)
				}
				var warned strings.Builder
				for _, w := range info.Warnings {
					warned.WriteString(w.Error())
				}
				if (tt.warning == "") != (warned.String() == "") || !strings.Contains(warned.String(), tt.warning) {
					t.Errorf("warnings %q, want %q", warned.String(), tt.warning)
				}
				if info.Baud != 3_000_000 {
					t.Errorf("%+v", info)
				}
			})
		})
	}
}

// The address that is given comes from disk, and the context may end over that.
func TestStartCancelledWhileAnAddressIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		cfg := whole()
		cfg.Address = func(context.Context) (hci.Address, error) { cancel(); return hci.Address{}, context.Canceled }
		if _, err := Start(ctx, l, l, cfg); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// On a user channel the kernel has seen to firmware and rate, but not to the address.
func TestStartOnUserChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		c.state, c.name = inFirmware, patchedName
		l := newLine(t, c)
		info, err := Start(t.Context(), l, nil, whole())
		if err != nil {
			t.Fatal(err)
		}
		if info.Address == nil || *info.Address != ownAddress || !info.Patched || info.Firmware != "" || info.Baud != 0 || l.reads != 0 {
			t.Errorf("%+v", info)
		}
		if got := c.opcodes(); c.heard(bcmWriteAddress) != 1 || c.heard(bcmSetBaud) != 0 || c.heard(bcmStartDownload) != 0 {
			t.Errorf("%v", got)
		}
		if err := Stop(t.Context(), l, nil, info); err != nil || c.opcodes()[len(c.commands)-1] != hci.OpReset || c.heard(bcmSetBaud) != 0 {
			t.Errorf("%v after %v", err, c.opcodes())
		}
	})
}

func TestIdentifyChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		info, err := Identify(t.Context(), l, whole())
		if err != nil || info.Chip != romName || info.Patched || info.Address != nil || info.Family != Broadcom {
			t.Errorf("%v, %+v", err, info)
		}
		if want := []hci.Opcode{hci.OpReadLocalVersionInformation, opReadLocalName, hci.OpReadBDADDR}; !slices.Equal(c.opcodes(), want) {
			t.Errorf("%v", c.opcodes())
		}
	})
}

func TestStop(t *testing.T) {
	for _, baud := range []int{romBaud, 3_000_000, 4_000_000} {
		synctest.Test(t, func(t *testing.T) {
			c := newChip()
			l := newLine(t, c)
			cfg := whole()
			cfg.Baud = baud
			info, err := Start(t.Context(), l, l, cfg)
			good(t, c, l, info, err)
			if err := Stop(t.Context(), l, l, info); err != nil {
				t.Fatal(err)
			}
			if c.baud != romBaud || l.baud != romBaud || c.state != inFirmware {
				t.Errorf("the chip is left at %d baud, the line at %d", c.baud, l.baud)
			}
			info, err = Start(t.Context(), l, l, cfg) // whoever comes next
			good(t, c, l, info, err)
			if info.Firmware != "" {
				t.Error("firmware was loaded again")
			}
		})
	}
}

func TestStopOfADeadChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChip()
		l := newLine(t, c)
		info, err := Start(t.Context(), l, l, whole())
		good(t, c, l, info, err)
		c.state = dead
		begin := time.Now()
		if err := Stop(t.Context(), l, l, info); !errors.Is(err, ErrNoAnswer) || time.Since(begin) > defaultCommandTimeout {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// A line that is gone is no silence: it ends the bring-up at once, with its own error.
func TestStartOnAClosedLine(t *testing.T) {
	for n := range 19 {
		synctest.Test(t, func(t *testing.T) {
			c := newChip()
			l := newLine(t, c)
			l.before = func(i int) {
				if i == n {
					l.err = net.ErrClosed
				}
			}
			if _, err := Start(t.Context(), l, l, whole()); !errors.Is(err, net.ErrClosed) || !errors.As(err, new(*Error)) {
				t.Errorf("command %d: %v", n, err)
			}
			if l.sent > n+2 {
				t.Errorf("command %d: %d were tried", n, l.sent)
			}
		})
	}
}
