package vendor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

var (
	static1 = hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
	static2 = hci.Address{Type: hci.Random, Octets: [6]byte{7, 8, 9, 10, 11, 0xFF}}

	nRF52 = []byte{2, 0, 2, 0, 1, 3, 7, 0, 0x99, 0, 0, 0}
)

// statics is what Read Static Addresses returns: addresses, each with a root that is nobody's business.
func statics(list ...hci.Address) []byte {
	b := []byte{byte(len(list))}
	for _, a := range list {
		b = append(append(b, a.Octets[:]...), "secret root key!"...)
	}
	return b
}

func commandsWith(bits ...int) []byte {
	b := make([]byte, 64)
	for _, bit := range bits {
		b[bit/8] |= 1 << (bit % 8)
	}
	return b
}

// zephyrTable is a controller without a public address.
func zephyrTable() map[hci.Opcode]any {
	return map[hci.Opcode]any{
		hci.OpReset: []byte{}, hci.OpReadLocalVersionInformation: versionOf(companyLinuxFoundation, 0xFFFF),
		hci.OpReadBDADDR: make([]byte, 6), zephyrReadVersion: nRF52,
		zephyrReadCommands: commandsWith(0, 1, 8, 9), zephyrReadStatics: statics(static1),
	}
}

func TestStartZephyr(t *testing.T) {
	private := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0x46}}
	for _, tt := range []struct {
		name   string
		change map[hci.Opcode]any
		want   *hci.Address
		chip   string
		last   hci.Opcode // that it was asked
	}{
		{"a static address", nil, &static1, "nRF52", zephyrReadStatics},
		{"of Nordic's make", map[hci.Opcode]any{hci.OpReadLocalVersionInformation: versionOf(companyNordic, 0)}, &static1, "nRF52", zephyrReadStatics},
		{"a public address", map[hci.Opcode]any{hci.OpReadBDADDR: ownAddress.Octets[:]}, &ownAddress, "nRF52", zephyrReadVersion},
		{"no Read BD_ADDR", map[hci.Opcode]any{hci.OpReadBDADDR: hci.UnknownHCICommand}, &static1, "nRF52", zephyrReadStatics},
		{"two static addresses", map[hci.Opcode]any{zephyrReadStatics: statics(static2, static1)}, &static2, "nRF52", zephyrReadStatics},
		{"the first is none", map[hci.Opcode]any{zephyrReadStatics: statics(private, hci.Address{}, static2)}, &static2, "nRF52", zephyrReadStatics},
		{"none of them is one", map[hci.Opcode]any{zephyrReadStatics: statics(private)}, nil, "nRF52", zephyrReadStatics},
		{"no static address", map[hci.Opcode]any{zephyrReadStatics: statics()}, nil, "nRF52", zephyrReadStatics},
		{"Read Static Addresses not supported", map[hci.Opcode]any{zephyrReadCommands: commandsWith(0, 1, 7, 9)}, nil, "nRF52", zephyrReadCommands},
		{"Read Static Addresses refused", map[hci.Opcode]any{zephyrReadStatics: hci.CommandDisallowed}, nil, "nRF52", zephyrReadStatics},
		{"Read Supported Commands refused", map[hci.Opcode]any{zephyrReadCommands: hci.UnknownHCICommand}, nil, "nRF52", zephyrReadCommands},
		{"no vendor commands", map[hci.Opcode]any{zephyrReadVersion: hci.UnknownHCICommand}, nil, "", zephyrReadVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{table: zephyrTable()}
				maps.Copy(a.table, tt.change)
				info, err := Start(t.Context(), a, nil, whole())
				if err != nil || info.Family != Zephyr || info.Chip != tt.chip || info.Patched || len(info.Warnings) != 0 {
					t.Errorf("%v, %+v", err, info)
				}
				if (info.Address == nil) != (tt.want == nil) || tt.want != nil && *info.Address != *tt.want {
					t.Errorf("address %v, want %v", info.Address, tt.want)
				}
				if last := a.heard[len(a.heard)-1]; last != tt.last {
					t.Errorf("asked last for %v, want %v", last, tt.last)
				}
				if text := fmt.Sprintf("%+v %#v", info, info); strings.Contains(text, "secret") {
					t.Error("the root is in what is returned")
				}
			})
		})
	}
}

func TestStartZephyrFails(t *testing.T) {
	for op, ret := range zephyrTable() {
		if !isVendor(op) {
			continue
		}
		for n := range ret.([]byte) {
			table := zephyrTable()
			table[op] = ret.([]byte)[:n]
			_, err := Identify(t.Context(), &answers{table: table}, Config{})
			if !errors.As(err, new(*hci.ShortError)) {
				t.Errorf("%v of %d octets: %v", op, n, err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the root is in %v", err)
			}
		}
		table := zephyrTable()
		table[op] = append(slices.Clone(ret.([]byte)), 1, 2, 3)
		if info, err := Identify(t.Context(), &answers{table: table}, Config{}); err != nil || info.Address == nil {
			t.Errorf("%v with more than is known: %v", op, err)
		}
		synctest.Test(t, func(t *testing.T) {
			table := zephyrTable()
			table[op] = errSilent
			_, err := Identify(t.Context(), &answers{table: table}, Config{})
			if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "Zephyr Read") {
				t.Errorf("%v silent: %v", op, err)
			}
		})
	}
}

func TestControllerVersion(t *testing.T) {
	v, err := ParseControllerVersion([]byte{4, 0, 4, 0, 3, 250, 0x34, 0x12, 1, 2, 3, 4})
	if want := (ControllerVersion{4, 4, 3, 250, 0x1234, 0x04030201}); err != nil || v != want {
		t.Errorf("%+v, %v", v, err)
	}
	for want, v := range map[string]ControllerVersion{
		"ESP32-C3":               v,
		"nRF54L":                 {Platform: 2, Variant: 5},
		"platform 2, variant 99": {Platform: 2, Variant: 99},
		"platform 0, variant 0":  {},
	} {
		if v.Chip() != want {
			t.Errorf("%q, want %q", v.Chip(), want)
		}
	}
}

func FuzzZephyr(f *testing.F) {
	f.Add(nRF52, commandsWith(8), statics(static1, static2))
	f.Add([]byte{}, []byte{}, []byte{255})
	f.Fuzz(func(t *testing.T, version, commands, list []byte) {
		table := zephyrTable()
		table[zephyrReadVersion], table[zephyrReadCommands], table[zephyrReadStatics] = version, commands, list
		info, err := Identify(t.Context(), &answers{table: table}, Config{})
		if err != nil && !errors.As(err, new(*hci.ShortError)) {
			t.Error(err)
		}
		if info.Address != nil && !info.Address.IsStatic() {
			t.Errorf("%v is no static address", info.Address)
		}
	})
}
