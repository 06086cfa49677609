package profile_test

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/profile"
)

// tell has the server tell a value of the characteristic with a handle, in the background: an indication has to be confirmed by the script.
func tell(t *testing.T, list []*profile.Characteristic, server *gatt.Server, handle, value string) {
	t.Helper()
	h, err := strconv.ParseUint(handle, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	octets, err := hex.DecodeString(strings.ReplaceAll(value, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if server.Handle(c.Declared) == uint16(h) {
			go func() { _ = server.Notify(context.Background(), c.Declared, octets) }() // ends with the confirmation or the link
			synctest.Wait()
			return
		}
	}
	t.Fatalf("no characteristic has the handle %s", handle)
}

// GAC: the MTU. GAT/SR/BV-01 is in package att, whose transactions have the time-out.
var configuration = []script{
	{name: "GAC/BV-01-C", profile: small, steps: []string{"02 0002", "03 0002", "0a 0300", "0b" + text("Jelling")}},
	{name: "GAC/BV-01-C smaller than ours", profile: large, steps: []string{"02 4000", "03 0002", "0a 2600", "0b" + octets(0, 63)}},
	{name: "GAC/BV-01-C larger than ours", profile: large, steps: []string{"02 ffff", "03 0002", "0a 2600", "0b" + octets(0, 511)}},
	{name: "GAC/BV-01-C the smallest", profile: large, steps: after("0a 2600", "0b"+octets(0, 22))},
	{name: "GAC/BV-01-C below the smallest", profile: large, steps: []string{"02 1600", "03 0002", "0a 2600", "0b" + octets(0, 22)}},
	{name: "GAC/BV-01-C none", profile: large, steps: []string{"0a 2600", "0b" + octets(0, 22)}},
	{name: "GAC/BI-01-C more than the MTU in a request", profile: small, steps: after(errorFor("12 0300"+same("aa", 21), "0000", "04")...)},
	{name: "GAC/BI-02-C a request that is cut", profile: small, steps: errorFor("02 17", "0000", "04")},
}

// GAD: discovery.
var discovery = []script{
	{name: "GAD/BV-01-C small", profile: small, steps: after(
		"10 0100 ffff 0028", "11 06 00e0 08e0 0018 ffff ffff 0a18")},
	{name: "GAD/BV-01-C large", profile: large, steps: after(
		"10 0100 ffff 0028", "11 06 1000 1300 0118 2000 2f00 f0ff 4000 4b00 f1ff",
		"10 4c00 ffff 0028", "11 06 6000 6700 f1ff 8000 8b00 f3ff",
		"10 8c00 ffff 0028", "11 14 9000 9700"+long("0b5e0000"),
		"10 9800 ffff 0028", "11 14 a000 bd00"+long("0b5e0000"),
		"10 be00 ffff 0028", "11 06 c000 c300 f1ff",
		"10 c400 ffff 0028", "01 10 c400 0a")},
	{name: "GAD/BV-01-C from within a service", profile: large, steps: after("10 1100 ffff 0028", "11 06 2000 2f00 f0ff 4000 4b00 f1ff 6000 6700 f1ff")},
	{name: "GAD/BV-01-C an end within a service", profile: large, steps: after("10 0100 2100 0028", "11 06 1000 1300 0118 2000 2f00 f0ff")},
	{name: "GAD/BV-01-C by a type of 128 bits", profile: small, steps: after("10 0100 feff fb349b5f80000080 00100000 00280000", "11 06 00e0 08e0 0018")},
	{name: "GAD/BV-01-C secondary services", profile: large, steps: after("10 0100 ffff 0128", "11 06 0100 0600 f2ff", "10 0700 ffff 0128", "01 10 0700 0a")},
	{name: "GAD/BV-01-C the last handle", profile: small, steps: after("10 ffff ffff 0028", "11 06 ffff ffff 0a18", "10 09e0 feff 0028", "01 10 09e0 0a")},
	{name: "GAD/BI a group type that does not group", profile: small, steps: after(errorFor("10 0100 ffff 0328", "0100", "10")...)},
	{name: "GAD/BI a group type that is none", profile: small, steps: after(errorFor("10 0100 ffff"+long("0b5e0001"), "0100", "10")...)},
	{name: "GAD/BI groups from handle 0", profile: small, steps: after(errorFor("10 0000 ffff 0028", "0000", "01")...)},
	{name: "GAD/BI groups backwards", profile: small, steps: after(errorFor("10 0200 0100 0028", "0200", "01")...)},

	{name: "GAD/BV-02-C 16 bits small", profile: small, steps: after("06 0100 ffff 0028 0018", "07 00e0 08e0", "06 09e0 ffff 0028 0018", "01 06 09e0 0a")},
	{name: "GAD/BV-02-C 16 bits large", profile: large, steps: after(
		"06 0100 ffff 0028 f1ff", "07 4000 4b00 6000 6700 c000 c300", "06 c400 ffff 0028 f1ff", "01 06 c400 0a")},
	{name: "GAD/BV-02-C 16 bits missing", profile: small, steps: after(errorFor("06 0100 ffff 0028 0118", "0100", "0a")...)},
	{name: "GAD/BV-02-C a secondary service is no primary one", profile: large, steps: after(errorFor("06 0100 ffff 0028 f2ff", "0100", "0a")...)},
	{name: "GAD/BV-02-C the last handle", profile: small, steps: after("06 0100 ffff 0028 0a18", "07 ffff ffff")},
	{name: "GAD/BV-02-C 128 bits", profile: large, steps: after(
		"06 0100 ffff 0028"+long("0b5e0000"), "07 9000 9700 a000 bd00", "06 be00 ffff 0028"+long("0b5e0000"), "01 06 be00 0a")},
	{name: "GAD/BV-02-C 128 bits missing", profile: large, steps: after(errorFor("06 0100 ffff 0028"+long("0b5e00ff"), "0100", "0a")...)},
	{name: "GAD/BV-02-C a part of a UUID is none", profile: large, steps: after(errorFor("06 0100 ffff 0028 f1", "0100", "0a")...)},
	{name: "GAD/BV-02-C a type that does not group", profile: small, steps: after("06 0100 ffff 002a"+text("Stone"), "07 03e0 03e0")},
	{name: "GAD/BI by value from handle 0", profile: small, steps: after(errorFor("06 0000 ffff 0028 0018", "0000", "01")...)},
	{name: "GAD/BI by value backwards", profile: small, steps: after(errorFor("06 0200 0100 0028 0018", "0200", "01")...)},

	{name: "GAD/BV-03-C small", profile: small, steps: after(
		"08 0100 ffff 0228", "09 08 01e0 0100 1000 0a18", "08 02e0 ffff 0228", "01 08 02e0 0a")},
	{name: "GAD/BV-03-C large", profile: large, steps: after(
		"08 0100 ffff 0228", "09 08 0200 4000 4b00 f1ff 2100 0100 0600 f2ff",
		"08 2200 ffff 0228", "09 06 2200 9000 9700", // of a UUID of 128 bits only the handles
		"0a 9000", "0b"+long("0b5e0000"),
		"08 2300 ffff 0228", "09 08 9100 0100 0600 f2ff",
		"08 9200 ffff 0228", "01 08 9200 0a")},

	{name: "GAD/BV-04-C small", profile: small, steps: after(
		"08 00e0 08e0 0328", "09 07 02e0 02 03e0 002a",
		"08 03e0 08e0 0328", "09 15 04e0 82 05e0"+long("0b5e0001"),
		"08 05e0 08e0 0328", "09 07 07e0 02 08e0 012a",
		"08 08e0 08e0 0328", "01 08 08e0 0a")},
	{name: "GAD/BV-04-C a secondary service", profile: small, steps: after(
		"08 0100 1000 0328", "09 07 0200 b2 0300 292a", "08 0300 1000 0328", "01 08 0300 0a")},
	{name: "GAD/BV-04-C large", profile: large, steps: after(
		"08 2000 2f00 0328", "09 07 2300 02 2400 01c0 2500 0a 2600 02c0 2700 08 2800 02c0",
		"08 2800 2f00 0328", "09 07 2900 08 2a00 03c0 2b00 00 2c00 04c0 2d00 02 2e00 05c0",
		"08 2e00 2f00 0328", "01 08 2e00 0a")},
	{name: "GAD/BV-05-C all properties", profile: large, steps: after("08 4000 4200 0328", "09 07 4100 3e 4200 06c0", "08 4700 4800 0328", "09 07 4700 4a 4800 09c0")},

	{name: "GAD/BV-06-C small", profile: small, steps: after("04 0400 1000", "05 01 0400 0229 0500 0129 0600 0029", "04 0700 1000", "01 04 0700 0a")},
	{name: "GAD/BV-06-C both lengths of UUID", profile: large, steps: after(
		"04 6300 6700", "05 01 6300 0029 6400 0129 6500 0429", "04 6600 6700", "05 02 6600"+long("0b5e00d4"), "04 6700 6700", "01 04 6700 0a")},
	{name: "GAD/BV-06-C 128 bits, one in a PDU", profile: large, steps: after(
		"04 9400 9700", "05 01 9400 0029", "04 9500 9700", "05 02 9500"+long("0b5e00d2"), "04 9600 9700", "05 02 9600"+long("0b5e00d3"))},
	{name: "GAD/BI information from handle 0", profile: small, steps: after(errorFor("04 0000 ffff", "0000", "01")...)},
	{name: "GAD/BI information backwards", profile: small, steps: after(errorFor("04 ffff 0100", "ffff", "01")...)},
	{name: "GAD/BI what is permitted to nobody is found all the same", profile: large, steps: after("04 2b00 2c00", "05 01 2b00 0328 2c00 04c0")},
}

// GAN, GAI: notifications and indications.
var telling = []script{
	{name: "GAN/BV-01-C", profile: small, steps: after("12 0400 0100", "13", "notify 0003 010203", "1b 0300 010203", "0a 0300", "0b 010203")},
	{name: "GAN/BV-01-C longer than the MTU", profile: small, steps: after("12 0400 0100", "13", "notify 0003"+" "+octets(0, 40), "1b 0300"+octets(0, 20))},
	{name: "GAN/BV-01-C not subscribed", profile: small, steps: after("notify 0003 01", "", "12 0400 0100", "13", "12 0400 0000", "13", "notify 0003 02", "", "0a 0300", "0b 02")},
	{name: "GAN/BV-01-C both bits", profile: small, steps: after("12 0400 0300", "13", "notify 0003 01", "1b 0300 01")},
	{name: "GAN/BV-01-C a value that needs encryption", profile: large, steps: after("12 c300 0100", "13", "notify 00c2 01", "")},
	{name: "GAN/BV-03-C a value that needs encryption, encrypted", profile: large, sec: encrypted, steps: after("12 c300 0100", "13", "notify 00c2 01", "1b c200 01")},
	{name: "GAI/BV-01-C", profile: small, steps: after("12 0400 0200", "13", "notify 0003 010203", "1d 0300 010203", "1e", "", "0a 0400", "0b 0200")},
	{name: "GAI/BV-01-C one at a time", profile: small, steps: after(
		"12 0400 0200", "13", "notify 0003 01", "1d 0300 01", "notify 0003 02", "", "0a 0300", "0b 02", "1e", "1d 0300 02", "1e", "")},
	{name: "GAI/BV-01-C longer than the MTU", profile: small, steps: after("12 0400 0200", "13", "notify 0003 "+octets(0, 40), "1d 0300"+octets(0, 20), "1e", "")},
	{name: "GAI/BI a confirmation nobody waits for", profile: small, steps: after("1e", "", "0a e8ff", "01 0a e8ff 01")},
	{name: "GAI/BI Service Changed of the profile's own", profile: large, steps: after("12 1300 0200", "13", "notify 0012 0100 ffff", "1d 1200 0100 ffff", "1e", "")},
	{name: "GAI/BI a bit that is not offered", profile: large, steps: after(errorFor("12 1300 0100", "1300", "fd")...)},
}

// GAS: the service that a server brings by itself.
var ownService = []script{
	{name: "GAS/BV-01-C", profile: `{"mtu": 512}`, steps: after("08 0100 ffff 0328", "09 07 0200 02 0300 002a 0400 02 0500 012a 0700 20 0800 052a", "12 0900 0200", "13", "0a 0900", "0b 0200")},
	{name: "GAS/BV-01-C no notification", profile: `{"mtu": 512}`, steps: after(errorFor("12 0900 0100", "0900", "fd")...)},
	{name: "GAS/BV-01-C Service Changed is not read", profile: `{"mtu": 512}`, steps: after(errorFor("0a 0800", "0800", "02")...)},
	{name: "GAS/BV-02-C", profile: `{"mtu": 512}`, steps: after("08 0100 ffff 292b", "09 03 0b00 00", "12 0b00 01", "13", "0a 0b00", "0b 01", "12 0b00 05", "13", "0a 0b00", "0b 05")},
	{name: "GAS/BV-02-C bits that there are not", profile: `{"mtu": 512}`, steps: after("12 0b00 f8", "13", "0a 0b00", "0b 00")},
	{name: "GAS/BI-01-C a bit is taken back", profile: `{"mtu": 512}`, steps: after("12 0b00 05", "13", "12 0b00 04", "01 12 0b00 13", "0a 0b00", "0b 05")},
	{name: "GAS/BI the hash is not written", profile: `{"mtu": 512}`, steps: after(errorFor("12 0d00 01", "0d00", "03")...)},
	{name: "GAS/BI the features of the server are not written", profile: `{"mtu": 512}`, steps: after(errorFor("12 0f00 01", "0f00", "03")...)},
}

// UNS: what there is not.
var unsupported = []script{
	{name: "UNS/BI-01-C", profile: small, steps: after(append(errorFor("3f 0100", "0000", "06"), errorFor("bf", "0000", "06")...)...)},
	{name: "UNS/BI-02-C", profile: small, steps: after("7f 0100", "", "52", "", "0a 0300", "0b"+text("Jelling"))},
	{name: "UNS a response nobody asked for", profile: small, steps: after("0b 01", "", "01 0a 0100 01", "", "0a 0300", "0b"+text("Jelling"))},
	{name: "UNS a notification for nobody", profile: small, steps: after("1b 0300 01", "", "1d 0300 01", "1e", "0a 0300", "0b"+text("Jelling"))},
}
