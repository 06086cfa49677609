package profile_test

// GAR: reading one value.
var reading = []script{
	{name: "GAR/BV-01-C small", profile: small, steps: after("0a 0300", "0b"+text("Jelling"))},
	{name: "GAR/BV-01-C as much as a PDU holds", profile: large, steps: after("0a a200", "0b"+octets(0, 21), "0a a500", "0b"+octets(0, 22), "0a a800", "0b"+octets(0, 22))},
	{name: "GAR/BV-01-C declarations", profile: small, steps: after(
		"0a 0100", "0b 0a18", "0a 00e0", "0b 0018", "0a 01e0", "0b 0100 1000 0a18", "0a 02e0", "0b 02 03e0 002a", "0a ffff", "0b 0a18")},
	{name: "GAR/BI-01-C", profile: large, steps: after(errorFor("0a 2a00", "2a00", "02")...)},
	{name: "GAR/BI-01-C no permission at all", profile: large, steps: after(errorFor("0a 2c00", "2c00", "02")...)},
	{name: "GAR/BI-02-C handle 0", profile: small, steps: after(errorFor("0a 0000", "0000", "01")...)},
	{name: "GAR/BI-02-C between services", profile: small, steps: after(errorFor("0a f00f", "f00f", "01")...)},
	{name: "GAR/BI-02-C within a service, after its last attribute", profile: small, steps: after(errorFor("0a 1000", "1000", "01")...)},
	{name: "GAR/BI-03-C", profile: large, steps: after(errorFor("0a 4a00", "4a00", "08")...)},
	{name: "GAR/BI-03-C encrypted", profile: large, sec: authenticated, steps: after(errorFor("0a 4a00", "4a00", "08")...)},
	{name: "GAR/BI-04-C", profile: large, steps: after(errorFor("0a 4400", "4400", "05")...)},
	{name: "GAR/BI-04-C with a key", profile: large, hasKey: true, steps: after(errorFor("0a 4400", "4400", "0f")...)},
	{name: "GAR/BI-04-C encrypted", profile: large, sec: encrypted, steps: after("0a 4400", "0b 07")},
	{name: "GAR/BI-04-C not authenticated", profile: large, sec: encrypted, steps: after(errorFor("0a 4600", "4600", "05")...)},
	{name: "GAR/BI-04-C authenticated", profile: large, sec: authenticated, steps: after("0a 4600", "0b 08")},

	{name: "GAR/BV-03-C 128 bits", profile: small, steps: after("08 0100 ffff"+long("0b5e0001"), "09 03 05e0 07", "08 0100 ffff 012a", "09 04 08e0 0000")},
	{name: "GAR/BV-03-C a long value is cut", profile: large, steps: after("08 0100 ffff 02c0", "09 15 2600"+octets(0, 19))},
	{name: "GAR/BV-03-C a long value is cut at a larger MTU", profile: large, steps: []string{"02 0002", "03 0002", "08 0100 ffff 02c0", "09 ff 2600" + octets(0, 253)}},
	{name: "GAR/BV-03-C values of one length only", profile: large, steps: after(
		"08 a000 bd00 0dc0", "09 15 a200"+octets(0, 19), "08 a300 bd00 01d0", "09 15 a300"+octets(0, 19))},
	{name: "GAR/BV-03-C several of one length", profile: large, steps: after("08 0100 ffff 0029", "09 04 6300 0300 9400 0100")},
	{name: "GAR/BV-03-C a descriptor", profile: large, steps: after("08 0100 ffff"+long("0b5e00d4"), "09 03 6600 44")},
	{name: "GAR/BI-06-C", profile: large, steps: after(errorFor("08 0100 ffff 03c0", "2a00", "02")...)},
	{name: "GAR/BI-06-C after one that can be read", profile: large, steps: after("08 2500 ffff 02c0", "09 15 2600"+octets(0, 19), "08 2700 ffff 02c0", "01 08 2800 02")},
	{name: "GAR/BI-07-C", profile: large, steps: after(errorFor("08 0100 ffff f00f", "0100", "0a")...)},
	{name: "GAR/BI-07-C outside the range", profile: small, steps: after(errorFor("08 04e0 07e0 002a", "04e0", "0a")...)},
	{name: "GAR/BI-08-C backwards", profile: small, steps: after(errorFor("08 0200 0100 0028", "0200", "01")...)},
	{name: "GAR/BI-08-C handle 0", profile: small, steps: after(errorFor("08 0000 ffff 002a", "0000", "01")...)},
	{name: "GAR/BI-09-C", profile: large, steps: after(errorFor("08 0100 ffff 0ac0", "4a00", "08")...)},
	{name: "GAR/BI-10-C", profile: large, steps: after(errorFor("08 0100 ffff 07c0", "4400", "05")...)},
	{name: "GAR/BI-10-C with a key", profile: large, hasKey: true, steps: after(errorFor("08 0100 ffff 07c0", "4400", "0f")...)},

	{name: "GAR/BV-04-C", profile: large, steps: after(
		"0c b100 0000", "0d"+octets(0, 22), "0c b100 1600", "0d"+octets(22, 44), "0c b100 2c00", "0d"+octets(44, 45), "0c b100 2d00", "0d")},
	{name: "GAR/BV-04-C 512 octets at the largest MTU", profile: large, steps: []string{
		"02 0502", "03 0002", "0a 2600", "0b" + octets(0, 511), "0c 2600 ff01", "0d" + octets(511, 512), "0c 2600 0002", "0d"}},
	{name: "GAR/BV-04-C 512 octets at the smallest MTU", profile: large, steps: after(
		"0a 2e00", "0b"+octets(0, 22), "0c 2e00 1600", "0d"+octets(22, 44), "0c 2e00 f201", "0d"+octets(498, 512), "0c 2e00 0002", "0d")},
	{name: "GAR/BV-04-C a value that is not long", profile: small, steps: after("0c 0300 0000", "0d"+text("Jelling"), "0c 0300 0700", "0d")},
	{name: "GAR/BI-12-C", profile: large, steps: after(errorFor("0c 2800 0000", "2800", "02")...)},
	{name: "GAR/BI-12-C before the offset", profile: large, steps: after(errorFor("0c 2800 ffff", "2800", "02")...)},
	{name: "GAR/BI-13-C", profile: small, steps: after(errorFor("0c 03e0 f000", "03e0", "07")...)},
	{name: "GAR/BI-13-C one too far", profile: large, steps: after(errorFor("0c b100 2e00", "b100", "07")...)},
	{name: "GAR/BI-13-C the largest offset", profile: large, steps: after(errorFor("0c 2600 ffff", "2600", "07")...)},
	{name: "GAR/BI-14-C", profile: small, steps: after(errorFor("0c f00f 0000", "f00f", "01")...)},
	{name: "GAR/BI-15-C", profile: large, steps: after(errorFor("0c 4a00 0000", "4a00", "08")...)},
	{name: "GAR/BI-16-C", profile: large, steps: after(errorFor("0c 4400 0000", "4400", "05")...)},
	{name: "GAR/BI-16-C with a key", profile: large, hasKey: true, steps: after(errorFor("0c 4400 0000", "4400", "0f")...)},

	{name: "GAR/BV-06-C small", profile: small, steps: after("0a 0500", "0b"+text("Maker"), "0a 0400", "0b 0000", "0a 0600", "0b 0100")},
	{name: "GAR/BV-06-C large", profile: large, steps: after("0a 6400", "0b"+text("ABCDEFGHIJKLMNOPQRSTUV"), "0a 9500", "0b 22", "0a 6600", "0b 44")},
	{name: "GAR/BI-23-C", profile: large, steps: after(errorFor("0a 9600", "9600", "02")...)},
	{name: "GAR/BI-23-C no permission at all", profile: large, steps: after(errorFor("0a 6500", "6500", "02")...)},
	{name: "GAR/BI-24-C", profile: large, steps: after(errorFor("0a 9700", "9700", "01")...)},
	{name: "GAR/BV-07-C", profile: large, steps: after(
		"0c af00 0000", "0d"+octets(0, 22), "0c af00 1600", "0d"+octets(22, 44), "0c af00 2c00", "0d")},
	{name: "GAR/BV-08-C", profile: large, steps: after("0c ac00 0000", "0d"+octets(0, 22), "0c ac00 1600", "0d"+octets(22, 43), "0c ac00 2b00", "0d")},
	{name: "GAR/BI-28-C", profile: large, steps: after(errorFor("0c 9600 0000", "9600", "02")...)},
	{name: "GAR/BI-29-C", profile: small, steps: after(errorFor("0c 0500 f000", "0500", "07")...)},
	{name: "GAR/BI-30-C", profile: small, steps: after(errorFor("0c f00f 0000", "f00f", "01")...)},
	{name: "GPA/BV-11-C", profile: large, steps: after("08 8000 8b00 0529", "09 06 8900 8300 8600", "0a 8800", "0b 653412")},
	{name: "GPA/BV-12-C", profile: large, steps: after("04 8300 8300", "05 01 8300 0429", "0a 8300", "0b 04000127010100", "0a 8200", "0b 65", "0a 8500", "0b 3412")},
}

// GAR: reading several values.
var readingSeveral = []script{
	{name: "GAR/BV-05-C small", profile: small, steps: after("0e 05e0 0300", "0f 07"+text("Jelling"))},
	{name: "GAR/BV-05-C three, cut at the MTU", profile: large, steps: after("0e 2400 0400 a200", "0f 01 0c"+octets(0, 20))},
	{name: "GAR/BV-05-C one twice", profile: large, steps: after("0e 2400 2400", "0f 0101")},
	{name: "GAR/BV-05-C declarations", profile: small, steps: after("0e 0100 00e0", "0f 0a18 0018")},
	{name: "GAR/BI-18-C", profile: large, steps: after(errorFor("0e 2400 0400 2a00", "2a00", "02")...)},
	{name: "GAR/BI-18-C the first of two", profile: large, steps: after(errorFor("0e 2400 2c00 2a00", "2c00", "02")...)},
	{name: "GAR/BI-18-C behind what fits", profile: large, steps: after(errorFor("0e 2600 2a00", "2a00", "02")...)},
	{name: "GAR/BI-19-C", profile: small, steps: after(errorFor("0e 05e0 f00f", "f00f", "01")...)},
	{name: "GAR/BI-19-C handle 0", profile: large, steps: after(errorFor("0e 0000 2400", "0000", "01")...)},
	{name: "GAR/BI-20-C", profile: large, steps: after(errorFor("0e 2400 4a00", "4a00", "08")...)},
	{name: "GAR/BI-21-C", profile: large, steps: after(errorFor("0e 2400 4400", "4400", "05")...)},
	{name: "GAR/BI one handle", profile: small, steps: after(errorFor("0e 0300", "0000", "04")...)},
	{name: "GAR/BI half a handle", profile: small, steps: after(errorFor("0e 0300 0500 06", "0000", "04")...)},

	{name: "GAR/BV-09-C", profile: small, steps: after("20 05e0 0500", "21 0100 07 0500"+text("Maker"))},
	{name: "GAR/BV-09-C the last is cut", profile: large, steps: after("20 2400 2600", "21 0100 01 0002"+octets(0, 17))},
	{name: "GAR/BV-09-C no room for a length", profile: large, steps: after("20 a200 2400", "21 1500"+octets(0, 20))},
	{name: "GAR/BV-09-C an empty value", profile: small, steps: after("12 0300", "13", "20 0300 05e0", "21 0000 0100 07")},
	{name: "GAR/BI-36-C", profile: large, steps: after(errorFor("20 2400 2a00", "2a00", "02")...)},
	{name: "GAR/BI-36-C behind what fits", profile: large, steps: after(errorFor("20 2600 2400 2a00", "2a00", "02")...)},
	{name: "GAR/BI-38-C", profile: large, steps: after(errorFor("20 2400 f00f", "f00f", "01")...)},
	{name: "GAR/BI-40-C", profile: large, steps: after(errorFor("20 2400 4a00", "4a00", "08")...)},
	{name: "GAR/BI-42-C", profile: large, steps: after(errorFor("20 4400 2400", "4400", "05")...)},
	{name: "GAR/BI-42-C with a key", profile: large, hasKey: true, steps: after(errorFor("20 4400 2400", "4400", "0f")...)},
	{name: "GAR/BI variable, one handle", profile: small, steps: after(errorFor("20 0300", "0000", "04")...)},
}
