package gatt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

var (
	customService = att.MustUUID("f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f")
	customValue   = att.MustUUID("f0e1d2c4-b4a5-9687-7869-5a4b3c2d1e0f")
)

// longValue has 50 octets: 0, 1, 2, …
var longValue = func() []byte {
	b := make([]byte, 50)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

// specimen is the database that the scripts in this file are written for.
//
//	0001 service 1800                  000e service f0e1d2c3-…
//	0002   characteristic 2a00: read   000f   include 0007-000d
//	0003     "Jelling"                 0010   characteristic f0e1d2c4-…: read, write
//	0004   characteristic 2a01: read   0011     50 octets
//	0005     0341                      0012   characteristic 2a19: write without response
//	0006 service 1801                  0013     61, at most 4 octets
//	0007 service 180d                  0014 secondary service 180f
//	0008   characteristic 2a37: read, notify
//	0009     0048
//	000a     CCCD
//	000b   characteristic 2a38: read
//	000c     01
//	000d     description: "Wrist"
func specimen(t testing.TB) *gatt.Server {
	heart := &gatt.Service{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{
		{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify, Value: []byte{0x00, 0x48}},
		{UUID: gatt.BodySensorLocation, Properties: gatt.Read, Value: []byte{0x01}, Descriptors: []*gatt.Descriptor{
			{UUID: gatt.CharacteristicUserDescription, Value: []byte("Wrist")},
		}},
	}}
	return newServer(t, gatt.ServerConfig{
		Bare: true,
		Services: []*gatt.Service{
			{UUID: gatt.GenericAccess, Characteristics: []*gatt.Characteristic{
				{UUID: gatt.DeviceName, Properties: gatt.Read, Value: []byte("Jelling")},
				{UUID: gatt.Appearance, Properties: gatt.Read, Value: []byte{0x41, 0x03}},
			}},
			{UUID: gatt.GenericAttribute},
			heart,
			{UUID: customService, Includes: []*gatt.Service{heart}, Characteristics: []*gatt.Characteristic{
				{UUID: customValue, Properties: gatt.Read | gatt.Write, Value: longValue},
				{UUID: gatt.BatteryLevel, Properties: gatt.WriteWithoutResponse, Value: []byte{0x61}, MaxLen: 4},
			}},
			{UUID: gatt.Battery, Secondary: true},
		},
	})
}

// A step is a PDU sent to the server, and the answer; empty for none.
type step struct{ ask, want string }

// play has a peer send PDUs to a server on a link with this security.
func play(t *testing.T, server *gatt.Server, opts atttest.Options, cfg gatt.Config, steps []step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Server = server
		_, peer := script(t, opts, cfg)
		for _, s := range steps {
			if s.want != "" {
				peer.Ask(s.ask, s.want)
				continue
			}
			peer.Send(s.ask)
			peer.WantNothing()
		}
	})
}

func TestServerByScript(t *testing.T) {
	// customService and customValue as they are on the air.
	const svc, val = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "0f1e2d3c4b5a69788796a5b4c4d2e1f0"
	// The declaration and the value of the long characteristic.
	const decl = "0a 1100" + val
	blob := func(from, to int) string { return fmt.Sprintf("%x", longValue[from:to]) }
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"GATT/SR/GAC/BV-01-C exchange MTU", []step{{"02 0002", "03 0502"}, {"0a 1100", "0b" + blob(0, 50)}}},

		{"GATT/SR/GAD/BV-01-C all primary services", []step{
			{"10 0100 ffff 0028", "11 06 0100 0500 0018  0600 0600 0118  0700 0d00 0d18"},
			{"10 0e00 ffff 0028", "11 14 0e00 1300" + svc},
			{"10 1400 ffff 0028", "01 10 1400 0a"},
		}},
		{"secondary services by group", []step{{"10 0100 ffff 0128", "11 06 1400 1400 0f18"}}},
		{"GATT/SR/GAD/BV-02-C primary service by 16-bit UUID", []step{
			{"06 0100 ffff 0028 0d18", "07 0700 0d00"},
			{"06 0e00 ffff 0028 0d18", "01 06 0e00 0a"},
		}},
		{"GATT/SR/GAD/BV-02-C primary service by 128-bit UUID", []step{{"06 0100 ffff 0028" + svc, "07 0e00 1300"}}},
		{"a secondary service is not found as a primary", []step{{"06 0100 ffff 0028 0f18", "01 06 0100 0a"}}},
		{"GATT/SR/GAD/BV-03-C included services", []step{
			{"08 0e00 1300 0228", "09 08 0f00 0700 0d00 0d18"},
			{"08 1000 1300 0228", "01 08 1000 0a"},
		}},
		{"GATT/SR/GAD/BV-04-C characteristics of a service", []step{
			{"08 0700 0d00 0328", "09 07 0800 12 0900 372a  0b00 02 0c00 382a"},
			{"08 0c00 0d00 0328", "01 08 0c00 0a"},
		}},
		{"declarations of different length", []step{
			{"08 0e00 1300 0328", "09 15 1000" + decl},
			{"08 1100 1300 0328", "09 07 1200 04 1300 192a"},
		}},
		{"GATT/SR/GAD/BV-06-C descriptors", []step{
			{"04 0a00 0a00", "05 01 0a00 0229"},
			{"04 0d00 0d00", "05 01 0d00 0129"},
		}},
		{"Find Information, one format", []step{
			{"04 0100 0500", "05 01 0100 0028 0200 0328 0300 002a 0400 0328 0500 012a"},
			{"04 0f00 1300", "05 01 0f00 0228 1000 0328"},
			{"04 1100 1300", "05 02 1100" + val},
			{"04 1500 ffff", "01 04 1500 0a"},
		}},

		{"GATT/SR/GAR/BV-01-C read", []step{{"0a 0300", "0b 4a656c6c696e67"}, {"0a 0500", "0b 4103"}, {"0a 0100", "0b 0018"}}},
		{"GATT/SR/GAR/BI-01-C read not permitted", []step{{"0a 1300", "01 0a 1300 02"}}},
		{"GATT/SR/GAR/BI-02-C read, invalid handle", []step{{"0a 0000", "01 0a 0000 01"}, {"0a 1500", "01 0a 1500 01"}, {"0a ffff", "01 0a ffff 01"}}},
		{"GATT/SR/GAR/BV-03-C read by UUID", []step{
			{"08 0100 ffff 382a", "09 03 0c00 01"},
			{"08 0100 ffff" + val, "09 15 1100" + blob(0, 19)},
			{"08 0100 ffff 0229", "09 04 0a00 0000"},
		}},
		{"GATT/SR/GAR/BI-06-C read by UUID, not permitted", []step{{"08 0100 ffff 192a", "01 08 1300 02"}}},
		{"GATT/SR/GAR/BI-07-C read by UUID, not found", []step{{"08 0100 ffff 5f2a", "01 08 0100 0a"}}},
		{"GATT/SR/GAR/BI-08-C read by UUID, invalid handle", []step{{"08 0000 ffff 382a", "01 08 0000 01"}, {"08 0500 0400 382a", "01 08 0500 01"}}},
		{"GATT/SR/GAR/BV-04-C read long", []step{
			{"0a 1100", "0b" + blob(0, 22)},
			{"0c 1100 1600", "0d" + blob(22, 44)},
			{"0c 1100 2c00", "0d" + blob(44, 50)},
			{"0c 1100 3200", "0d"},
			{"0c 0300 0000", "0d 4a656c6c696e67"},
		}},
		{"GATT/SR/GAR/BI-12-C read long, not permitted", []step{{"0c 1300 0000", "01 0c 1300 02"}}},
		{"GATT/SR/GAR/BI-13-C read long, invalid offset", []step{{"0c 1100 3300", "01 0c 1100 07"}, {"0c 0500 0300", "01 0c 0500 07"}}},
		{"GATT/SR/GAR/BI-14-C read long, invalid handle", []step{{"0c 1500 0000", "01 0c 1500 01"}}},
		{"GATT/SR/GAR/BV-05-C read multiple", []step{{"0e 0500 0c00", "0f 4103 01"}, {"0e 1100 0500", "0f" + blob(0, 22)}}},
		{"GATT/SR/GAR/BI-18-C read multiple, not permitted", []step{{"0e 0500 1300", "01 0e 1300 02"}}},
		{"GATT/SR/GAR/BI-20-C read multiple, invalid handle", []step{{"0e 0500 1500", "01 0e 1500 01"}}},
		{"GATT/SR/GAR/BV-06-C read descriptor", []step{{"0a 0d00", "0b 5772697374"}}},
		{"read multiple variable", []step{
			{"20 0500 0c00", "21 0200 4103 0100 01"},
			{"20 0300 1100", "21 0700 4a656c6c696e67 3200" + blob(0, 11)},
			{"20 1100 0300", "21 3200" + blob(0, 20)},
			{"20 0500 1500", "01 20 1500 01"},
		}},

		{"GATT/SR/GAW/BV-01-C write without response", []step{{"52 1300 6263", ""}, {"52 1500 01", ""}, {"52 0300 01", ""}, {"0a 0300", "0b 4a656c6c696e67"}}},
		{"GATT/SR/GAW/BV-03-C write", []step{{"12 1100 0102", "13"}, {"0a 1100", "0b 0102"}, {"12 1100", "13"}, {"0a 1100", "0b"}}},
		{"GATT/SR/GAW/BI-02-C write, invalid handle", []step{{"12 1500 01", "01 12 1500 01"}, {"12 0000 01", "01 12 0000 01"}}},
		{"GATT/SR/GAW/BI-03-C write not permitted", []step{{"12 0300 01", "01 12 0300 03"}, {"12 0d00 01", "01 12 0d00 03"}, {"12 0100 01", "01 12 0100 03"}}},
		{"GATT/SR/GAW/BI-32-C write, invalid length", []step{{"12 1300 0102030405", "01 12 1300 0d"}, {"12 1300 01020304", "13"}}},
		{"GATT/SR/GAW/BV-05-C write long", []step{
			{"16 1100 0000 aabb", "17 1100 0000 aabb"},
			{"16 1100 0200 cc", "17 1100 0200 cc"},
			{"0a 1100", "0b" + blob(0, 22)},
			{"18 01", "19"},
			{"0a 1100", "0b aabbcc"},
		}},
		{"a part in the middle", []step{{"16 1100 0300 aabb", "17 1100 0300 aabb"}, {"18 01", "19"}, {"0a 1100", "0b 000102aabb"}}},
		{"GATT/SR/GAW/BV-06-C several values", []step{
			{"16 1100 0000 aa", "17 1100 0000 aa"},
			{"16 0a00 0000 0100", "17 0a00 0000 0100"},
			{"18 01", "19"},
			{"0a 1100", "0b aa"},
			{"0a 0a00", "0b 0100"},
		}},
		{"GATT/SR/GAW/BI-07-C write long, invalid handle", []step{{"16 1500 0000 01", "01 16 1500 01"}}},
		{"GATT/SR/GAW/BI-08-C write long, not permitted", []step{{"16 0300 0000 01", "01 16 0300 03"}}},
		{"GATT/SR/GAW/BI-09-C write long, invalid offset", []step{
			{"16 1100 3300 01", "17 1100 3300 01"},
			{"18 01", "01 18 1100 07"},
			{"18 01", "19"},
			{"0a 1100", "0b" + blob(0, 22)},
		}},
		{"write long, invalid length, nothing is written", []step{
			{"16 1100 0000 ff", "17 1100 0000 ff"},
			{"16 1300 0000 0102030405", "17 1300 0000 0102030405"},
			{"18 01", "01 18 1300 0d"},
			{"0a 1100", "0b" + blob(0, 22)},
		}},
		{"write long, cancelled", []step{{"16 1100 0000 aabb", "17 1100 0000 aabb"}, {"18 00", "19"}, {"18 01", "19"}, {"0a 1100", "0b" + blob(0, 22)}}},
		{"GATT/SR/GAW/BV-08-C write descriptor", []step{{"12 0a00 0100", "13"}, {"0a 0a00", "0b 0100"}, {"12 0a00 0000", "13"}, {"0a 0a00", "0b 0000"}}},
		{"CCCD of the wrong length", []step{{"12 0a00 01", "01 12 0a00 0d"}, {"12 0a00 010000", "01 12 0a00 0d"}, {"12 0a00", "01 12 0a00 0d"}}},
		{"CCCD with what the characteristic does not offer", []step{{"12 0a00 0200", "01 12 0a00 fd"}, {"12 0a00 0300", "01 12 0a00 fd"}, {"0a 0a00", "0b 0000"}}},
		{"CCCD with reserved bits", []step{{"12 0a00 f5ff", "13"}, {"0a 0a00", "0b 0100"}}},

		{"Read By Group Type of what does not group", []step{
			{"10 0100 ffff 0328", "01 10 0100 10"},
			{"10 0000 ffff 0328", "01 10 0000 01"},
			{"10 0100 ffff" + svc, "01 10 0100 10"},
		}},
		{"ranges that are none", []step{
			{"04 0000 ffff", "01 04 0000 01"},
			{"04 0200 0100", "01 04 0200 01"},
			{"06 0000 ffff 0028 0d18", "01 06 0000 01"},
			{"06 0200 0100 0028 0d18", "01 06 0200 01"},
			{"10 0000 ffff 0028", "01 10 0000 01"},
			{"10 0200 0100 0028", "01 10 0200 01"},
			{"04 ffff ffff", "01 04 ffff 0a"},
		}},
		{"Find By Type Value of a value", []step{
			{"06 0100 ffff 012a 4103", "07 0500 0500"},
			{"06 0100 ffff 192a 61", "01 06 0100 0a"},
			{"06 0100 ffff 0328 12 0900 372a", "07 0800 0a00"},
			{"06 0100 ffff 0229 0000", "07 0a00 0a00"},
		}},
		{"unknown and unsupported", []step{
			{"bf 00", "01 bf 0000 06"},
			{"ff 00", ""},
			{"d2 0a00 0100 000000000000000000000000", ""},
			{"0a 0a00", "0b 0000"},
		}},
		{"malformed", []step{{"0a 03", "01 0a 0000 04"}, {"18 02", "01 18 0000 04"}, {"04 0100 ff", "01 04 0000 04"}, {"08 0100 ffff 00", "01 08 0000 04"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, specimen(t), atttest.Options{}, gatt.Config{}, c.steps) })
	}
}

func TestListsFillThePDUAndNoMore(t *testing.T) {
	var list []*gatt.Characteristic
	for i := range 9 {
		list = append(list, &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{byte(i)}})
	}
	play(t, bare(t, list...), atttest.Options{}, gatt.Config{}, []step{
		// 23 octets: a header of 2 and 7 of 3.
		{"08 0100 ffff 192a", "09 03 0300 00 0500 01 0700 02 0900 03 0b00 04 0d00 05 0f00 06"},
		{"08 1000 ffff 192a", "09 03 1100 07 1300 08"},
		// A header of 2 and 3 of 7.
		{"08 0100 ffff 0328", "09 07 0200 02 0300 192a 0400 02 0500 192a 0600 02 0700 192a"},
		// A header of 1 and 5 of 4.
		{"06 0100 ffff 192a 04", "07 0b00 0b00"},
		// A header of 2 and 5 of 4.
		{"04 0100 ffff", "05 01 0100 0028 0200 0328 0300 192a 0400 0328 0500 192a"},
		{"02 1800", "03 0502"},
		{"08 0100 ffff 192a", "09 03 0300 00 0500 01 0700 02 0900 03 0b00 04 0d00 05 0f00 06"},
		{"06 0100 ffff 0328 02 0300 192a", "07 0200 0300"},
	})
}

func TestReadByTypeCutsAtWhatTheLengthCanTell(t *testing.T) {
	value := bytes.Repeat([]byte{0xAB}, 300)
	server := bare(t,
		&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Value: value},
		&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Value: value[:253]})
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"02 0502", "03 0502"},
		// The second value is shorter, and so has no place beside the first.
		{"08 0100 ffff 242a", "09 ff 0300" + strings.Repeat("ab", 253)},
		{"0a 0300", "0b" + strings.Repeat("ab", 300)},
	})
}

// A later value that can't be read ends the list; it is an error only as the first (Vol 3, Part F, 3.4.4.2).
func TestReadByTypeEndsAtWhatCannotBeRead(t *testing.T) {
	play(t, bare(t,
		&gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{1}},
		&gatt.Characteristic{UUID: gatt.BatteryLevel, Value: []byte{2}},
		&gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{3}},
	), atttest.Options{}, gatt.Config{}, []step{
		{"08 0100 ffff 192a", "09 03 0300 01"},
		{"08 0400 ffff 192a", "01 08 0500 02"},
		{"08 0600 ffff 192a", "09 03 0700 03"},
	})
}

// A length is never cut: where it has no room its value is left out.
func TestReadMultipleVariableWithoutRoomForALength(t *testing.T) {
	for _, c := range []struct {
		first int
		want  string
	}{
		{18, "21 1200" + strings.Repeat("aa", 18) + "0100"},
		{19, "21 1300" + strings.Repeat("aa", 19)},
		{20, "21 1400" + strings.Repeat("aa", 20)},
	} {
		play(t, bare(t,
			&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Value: bytes.Repeat([]byte{0xAA}, c.first)},
			&gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{0x64}},
		), atttest.Options{}, gatt.Config{}, []step{{"20 0300 0500", c.want}})
	}
}

func TestPermissions(t *testing.T) {
	hasKey := func() bool { return true }
	read := func(need gatt.Access, size int) gatt.Permissions {
		return gatt.Permissions{Read: need, Write: need, KeySize: size}
	}
	both := gatt.Authenticated | gatt.SecureConnections
	for _, c := range []struct {
		name string
		need gatt.Permissions
		sec  att.Security
		key  func() bool
		code string // in hexadecimal; empty for none
	}{
		{"open on a plain link", read(gatt.Open, 0), plain, nil, ""},
		{"denied on the best link", read(gatt.Denied, 0), level4, hasKey, "denied"},
		{"open and denied", read(gatt.Open|gatt.Denied, 0), level4, hasKey, "denied"},
		{"a key size alone needs no encryption", read(gatt.Open, 16), plain, nil, ""},
		{"10.3.1: plain link, no key", read(gatt.Encrypted, 0), plain, nil, "05"},
		{"10.3.1: plain link, host says no key", read(gatt.Encrypted, 0), plain, func() bool { return false }, "05"},
		{"10.3.1: plain link, key", read(gatt.Encrypted, 0), plain, hasKey, "0f"},
		{"10.3.1: plain link, key, more wanted", read(both, 16), plain, hasKey, "0f"},
		{"encrypted", read(gatt.Encrypted, 0), encrypted, nil, ""},
		{"10.3.1: unauthenticated key", read(gatt.Authenticated, 0), encrypted, hasKey, "05"},
		{"authentication is not Secure Connections", read(gatt.Authenticated, 0), justWorksSC, hasKey, "05"},
		{"authenticated", read(gatt.Authenticated, 0), authenticated, hasKey, ""},
		{"10.3.1: legacy key", read(gatt.SecureConnections, 0), authenticated, hasKey, "05"},
		{"Secure Connections without authentication", read(gatt.SecureConnections, 0), justWorksSC, hasKey, ""},
		{"level 4, unauthenticated", read(both, 16), justWorksSC, hasKey, "05"},
		{"level 4, legacy", read(both, 16), authenticated, hasKey, "05"},
		{"level 4", read(both, 16), level4, hasKey, ""},
		{"10.3.1: key too short", read(gatt.Encrypted, 16), shortKey, hasKey, "0c"},
		{"key just long enough", read(gatt.Encrypted, 7), shortKey, hasKey, ""},
		{"unauthenticated comes before too short", read(gatt.Authenticated, 16), shortKey, hasKey, "05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := bare(t, &gatt.Characteristic{UUID: gatt.BatteryLevel, Permissions: c.need, Value: []byte{0x64}})
			// refused is the answer to a request where the operation is refused.
			answer := func(op, denied, good string) string {
				switch c.code {
				case "":
					return good
				case "denied":
					return "01" + op + "0300" + denied
				}
				return "01" + op + "0300" + c.code
			}
			play(t, server, atttest.Options{Security: c.sec}, gatt.Config{HasKey: c.key}, []step{
				{"0a 0300", answer("0a", "02", "0b64")},
				{"0c 0300 0000", answer("0c", "02", "0d64")},
				{"08 0100 ffff 192a", answer("08", "02", "09 03 0300 64")},
				{"0e 0300 0300", answer("0e", "02", "0f 6464")},
				{"12 0300 63", answer("12", "03", "13")},
				{"16 0300 0000 62", answer("16", "03", "17 0300 0000 62")},
				{"18 00", "19"},
				{"52 0300 61", ""},
				// What may not be read can't be found by its value.
				{"06 0100 ffff 192a 61", map[bool]string{true: "07 0300 0300", false: "01 06 0100 0a"}[c.code == ""]},
				// A refusal comes before what is wrong with offset or length.
				{"0c 0300 ff00", answer("0c", "02", "01 0c 0300 07")},
				{"04 0300 0300", "05 01 0300 192a"},
			})
			if got := server.Value(nil); got != nil {
				t.Errorf("a value of nothing: %x", got)
			}
		})
	}
}

func TestSecurityIsThatOfThePDUsArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		server := bare(t,
			&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Read: func(context.Context, *gatt.ServerConn) ([]byte, error) {
				<-release
				return []byte("m"), nil
			}},
			&gatt.Characteristic{UUID: gatt.BatteryLevel, Permissions: gatt.Permissions{Read: gatt.Encrypted}, Value: []byte{0x64}})
		_, peer := script(t, atttest.Options{}, gatt.Config{Server: server})
		peer.Send("0a 0300")
		peer.Send("0a 0500") // arrives on a plain link, waits for the slow one
		synctest.Wait()
		peer.Bearer().SetSecurity(encrypted)
		close(release)
		peer.Want("0b 6d")
		peer.Want("01 0a 0500 05")
		peer.Ask("0a 0500", "0b 64")
	})
}

func TestFunctionsOfTheDatabase(t *testing.T) {
	var wrote []string
	server := bare(t,
		&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Read: func(_ context.Context, from *gatt.ServerConn) ([]byte, error) {
			return fmt.Appendf(nil, "for %v", from.Tag()), nil
		}},
		&gatt.Characteristic{UUID: gatt.SerialNumber, Properties: gatt.Read | gatt.Write,
			Read: func(context.Context, *gatt.ServerConn) ([]byte, error) { return nil, att.ErrorCode(0x80) },
			Write: func(_ context.Context, _ *gatt.ServerConn, value []byte) error {
				switch string(value) {
				case "no":
					return fmt.Errorf("refused: %w", att.ErrValueNotAllowed)
				case "!":
					return errors.New("out of paper")
				}
				wrote = append(wrote, string(value))
				return nil
			}},
		&gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Read: func(context.Context, *gatt.ServerConn) ([]byte, error) {
			return make([]byte, 513), nil
		}},
		&gatt.Characteristic{UUID: gatt.BodySensorLocation, Properties: gatt.Read | gatt.Write, Value: []byte{1},
			Write: func(_ context.Context, _ *gatt.ServerConn, value []byte) error {
				if len(value) != 1 {
					return att.ErrInvalidAttributeValueLength
				}
				return nil
			},
			Descriptors: []*gatt.Descriptor{{
				UUID:  gatt.CharacteristicUserDescription,
				Read:  func(context.Context, *gatt.ServerConn) ([]byte, error) { return []byte("d"), nil },
				Write: func(context.Context, *gatt.ServerConn, []byte) error { return att.ErrOutOfRange },
			}}},
		&gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read, Read: func(context.Context, *gatt.ServerConn) ([]byte, error) {
			// What another server said of another handle is not the peer's business.
			return nil, &att.Error{Op: att.OpReadRequest, Handle: 0x7777, Code: att.ErrInsufficientResources}
		}})
	play(t, server, atttest.Options{}, gatt.Config{Tag: "tag"}, []step{
		{"0a 0300", "0b 666f7220746167"},
		{"0a 0500", "01 0a 0500 80"},
		{"12 0500 6e6f", "01 12 0500 13"},
		{"12 0500 21", "01 12 0500 0e"},
		{"12 0500 796573", "13"},
		{"16 0500 0000 6c6f", "17 0500 0000 6c6f"},
		{"16 0500 0200 6e67", "17 0500 0200 6e67"},
		{"18 01", "19"},
		{"16 0500 0000 21", "17 0500 0000 21"},
		{"18 01", "01 18 0500 0e"},
		{"52 0500 21", ""},
		{"52 0500 636d64", ""},
		{"0a 0700", "01 0a 0700 0e"},
		{"12 0900 02", "13"},
		{"12 0900 0203", "01 12 0900 0d"},
		{"0a 0900", "0b 02"},
		{"0a 0a00", "0b 64"},
		{"12 0a00 00", "01 12 0a00 ff"},
		{"0a 0c00", "01 0a 0c00 11"},
		{"08 0100 ffff 372a", "01 08 0c00 11"},
	})
	if got := strings.Join(wrote, ","); got != "yes,long,cmd" {
		t.Errorf("written: %s", got)
	}
}

func TestPrepareQueueIsBounded(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read | gatt.Write}
	server := bare(t, ch)
	for _, c := range []struct {
		name, part string
		fit        int
	}{
		{"parts", "16 0300 0000", 64},
		{"octets", "16 0300 0000" + strings.Repeat("aa", 500), 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := []step{{"02 0502", "03 0502"}}
			for range c.fit {
				steps = append(steps, step{c.part, "17" + c.part[2:]})
			}
			steps = append(steps,
				step{c.part, "01 16 0300 09"},
				step{"18 00", "19"},
				step{c.part, "17" + c.part[2:]},
				step{"18 01", "19"})
			play(t, server, atttest.Options{}, gatt.Config{}, steps)
		})
	}
}

func TestPrepareQueueEndsWithTheLink(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read | gatt.Write, Value: []byte("old")}
	server := bare(t, ch)
	play(t, server, atttest.Options{}, gatt.Config{}, []step{{"16 0300 0000 6e6577", "17 0300 0000 6e6577"}})
	play(t, server, atttest.Options{}, gatt.Config{}, []step{{"18 01", "19"}})
	if got := server.Value(ch); string(got) != "old" {
		t.Errorf("value %q", got)
	}
}
