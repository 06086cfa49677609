package vendor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// answers is a controller that answers from a table, Unknown HCI Command to the rest.
type answers struct {
	table map[hci.Opcode]any // []byte, hci.Status, or error
	heard []hci.Opcode
}

func (a *answers) Do(ctx context.Context, cmd hci.Command) ([]byte, error) {
	a.heard = append(a.heard, cmd.Opcode())
	switch v := a.table[cmd.Opcode()].(type) {
	case []byte:
		return v, nil
	case error: // a Status is one
		if v == errSilent {
			<-ctx.Done()
			return nil, ctx.Err() // and not its cause, as some would
		}
		return nil, v
	}
	return nil, hci.UnknownHCICommand
}

var errSilent = errors.New("silence")

// versionOf is what a company's controller returns.
func versionOf(company, subversion uint16) []byte {
	return hci.LocalVersion{HCIVersion: 12, LMPVersion: 12, Company: company, LMPSubversion: subversion}.AppendTo(nil)
}

func localName(text string) []byte { return append([]byte(text), make([]byte, 248-len(text))...) }

func TestFamilies(t *testing.T) {
	for _, tt := range []struct {
		company uint16
		want    Family
	}{
		{0x000F, Broadcom}, {0x0131, Broadcom}, {0x0009, Broadcom}, {0x0A76, Broadcom},
		{0x05F1, Zephyr}, {0x0059, Zephyr},
		{0x0002, None}, {0x000D, None}, {0x005D, None}, {0x02E5, None}, {0x0000, None}, {0xFFFF, None},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &answers{table: map[hci.Opcode]any{
				hci.OpReset: []byte{}, hci.OpReadLocalVersionInformation: versionOf(tt.company, 0x2209), hci.OpReadBDADDR: placeholder.Octets[:],
			}}
			info, err := Start(t.Context(), a, nil, whole())
			if err != nil || info.Family != tt.want || info.Address != nil {
				t.Errorf("company 0x%04X: %v, %+v", tt.company, err, info)
			}
			// 0xFC01 is the one vendor command that both families have: to write, and to read.
			if told := slices.ContainsFunc(a.heard, isVendor); told != (tt.want != None) {
				t.Errorf("company 0x%04X heard %v", tt.company, a.heard)
			}
		})
	}
}

func isVendor(op hci.Opcode) bool { return op>>10 == 0x3F }

func TestFamilyAsked(t *testing.T) {
	for _, tt := range []struct {
		asked   Family
		company uint16
		want    Family
		fails   bool
	}{
		{Auto, companyBroadcom, Broadcom, false},
		{"", companyBroadcom, Broadcom, false},
		{Broadcom, companyCypress, Broadcom, false},
		{Broadcom, companyNordic, "", true},
		{Broadcom, 0x005D, "", true},
		{Zephyr, companyNordic, Zephyr, false},
		{None, companyBroadcom, None, false},
		{None, companyNordic, None, false},
		{"qca", companyBroadcom, "", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &answers{table: map[hci.Opcode]any{
				hci.OpReset: []byte{}, hci.OpReadLocalVersionInformation: versionOf(tt.company, 0), opReadLocalName: localName("x"), hci.OpReadBDADDR: placeholder.Octets[:],
			}}
			l := newLine(t, newChip())
			cfg := whole()
			cfg.Family, cfg.Baud = tt.asked, 0
			info, err := Start(t.Context(), a, l, cfg)
			var family *FamilyError
			if tt.fails != errors.As(err, &family) || !tt.fails && err != nil || info.Family != tt.want {
				t.Errorf("%q of 0x%04X: %v, %+v", tt.asked, tt.company, err, info)
			}
			if told := slices.ContainsFunc(a.heard, isVendor); told && (tt.fails || tt.want == None) {
				t.Errorf("%q of 0x%04X heard %v", tt.asked, tt.company, a.heard)
			}
			if tt.fails && (family.Company != tt.company || !strings.Contains(err.Error(), "not a "+string(tt.asked)+" chip")) {
				t.Error(err)
			}
		})
	}
}

// A controller that can't be told a rate is used at the one it is found at.
func TestFixedRate(t *testing.T) {
	for _, tt := range []struct{ at, asked, warnings int }{{115_200, 115_200, 0}, {1_000_000, 0, 0}, {115_200, 1_000_000, 1}} {
		synctest.Test(t, func(t *testing.T) {
			a := &answers{table: map[hci.Opcode]any{
				hci.OpReset: []byte{}, hci.OpReadLocalVersionInformation: versionOf(0x02E5, 0), hci.OpReadBDADDR: ownAddress.Octets[:],
			}}
			l := newLine(t, newChip())
			l.baud = tt.at
			info, err := Start(t.Context(), a, l, Config{Baud: tt.asked, Files: system()})
			if err != nil || info.Baud != tt.at || l.baud != tt.at || len(info.Warnings) != tt.warnings {
				t.Errorf("%v, %+v", err, info)
			}
			if tt.warnings == 1 && !errors.As(info.Warnings[0], new(*RateError)) {
				t.Error(info.Warnings)
			}
			if info.Address == nil || *info.Address != ownAddress {
				t.Errorf("address %v", info.Address)
			}
			if err := Stop(t.Context(), a, l, info); err != nil || slices.ContainsFunc(a.heard, isVendor) {
				t.Errorf("%v, heard %v", err, a.heard)
			}
		})
	}
}

func TestIdentifyFails(t *testing.T) {
	good := func() map[hci.Opcode]any {
		return map[hci.Opcode]any{
			hci.OpReadLocalVersionInformation: versionOf(companyBroadcom, 0x2209), opReadLocalName: localName(romName), hci.OpReadBDADDR: ownAddress.Octets[:],
		}
	}
	for op, ret := range good() {
		for n := range ret.([]byte) {
			table := good()
			table[op] = ret.([]byte)[:n]
			_, err := Identify(t.Context(), &answers{table: table}, Config{})
			var short *hci.ShortError
			if !errors.As(err, &short) || short.Length != n {
				t.Errorf("%v of %d octets: %v", op, n, err)
			}
		}
		synctest.Test(t, func(t *testing.T) {
			table := good()
			table[op] = errSilent
			if _, err := Identify(t.Context(), &answers{table: table}, Config{}); !errors.Is(err, ErrNoAnswer) {
				t.Errorf("%v silent: %v", op, err)
			}
		})
	}
	if _, err := Identify(t.Context(), &answers{}, Config{}); !errors.Is(err, hci.UnknownHCICommand) {
		t.Error(err)
	}
}

// The end of the caller's own time is not the controller's silence.
func TestIdentifyWithinADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a := &answers{table: map[hci.Opcode]any{hci.OpReadLocalVersionInformation: errSilent}}
		_, err := Identify(ctx, a, Config{})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNoAnswer) {
			t.Error(err)
		}
	})
}

func TestParseName(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{"", ""},
		{"BCM4345C0", "BCM4345C0"},
		{patchedName, patchedName},
		{"BCM4345C0\x00rest", "BCM4345C0"},
		{"  spaces  ", "spaces"},
		{"line\nbreak\x1b[31m", "linebreak[31m"},
		{"caf\xc3\xa9 \xff", "caf"},
		{strings.Repeat("n", 248), strings.Repeat("n", 248)},
	} {
		got, err := parseName(localName(tt.raw))
		if err != nil || got != tt.want {
			t.Errorf("%q: %q, %v", tt.raw, got, err)
		}
	}
}

func TestChipOf(t *testing.T) {
	for _, tt := range []struct {
		name       string
		subversion uint16
		chip       string
		patched    bool
	}{
		{"BCM43430A1", 0x2209, "BCM43430A1", false},
		{"BCM43430A1", 0x410C, "BCM43430A1", false}, // a Zero 2 W
		{"BCM43430B0", 0x410C, "BCM43430B0", false},
		{"BCM4345C0", 0x6119, "BCM4345C0", false},
		{"BCM4354", 0, "BCM4354", false},
		{"CYW55560A1", 0, "CYW55560A1", false},
		{"BCM43455 37.4MHz Raspberry Pi 3+-0190", 0x6119, "BCM4345C0", true},
		{"BCM4345C0 Sony Loire UART 37.4 MHz BT 4.2 cfg121-0121", 0x6119, "BCM4345C0", true},
		{"my kitchen", 0x1234, "", true},
		{"", 0x2209, "BCM43430A1", false},
		{"", 0x1234, "", false},
		{"BCM/../../../etc", 0, "", true},
		{"BCM4345c0", 0, "", true},
		{"BCM434", 0, "", true},
		{"BCMABCD", 0, "", true},
		{"XYZ43430A1", 0, "", true},
		{"BCM43430A1B2C3", 0, "", true},
	} {
		chip, patched := chipOf(tt.name, tt.subversion)
		if chip != tt.chip || patched != tt.patched {
			t.Errorf("%q, 0x%04X: %q, %v", tt.name, tt.subversion, chip, patched)
		}
	}
	for _, chip := range chipsBySubversion {
		if !isChipName(chip) {
			t.Errorf("%q is no chip's name", chip)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add([]byte(romName), uint16(0x2209))
	f.Add([]byte(patchedName), uint16(0x2209))
	f.Add([]byte("BCM/../\x00\xff\x1b"), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, subversion uint16) {
		if len(b) > nameLength {
			b = b[:nameLength]
		}
		name, err := parseName(append(slices.Clip(b), make([]byte, nameLength-len(b))...))
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", name)
		}
		chip, _ := chipOf(name, subversion)
		if strings.ContainsAny(chip, "/.\\ ") {
			t.Errorf("%q in a path", chip)
		}
	})
}
