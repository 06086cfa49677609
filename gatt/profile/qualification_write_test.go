package profile_test

// GAW: writing.
var writing = []script{
	{name: "GAW/BV-01-C", profile: large, steps: after("52 4200 0102", "", "0a 4200", "0b 0102")},
	{name: "GAW/BV-01-C what may not be written", profile: small, steps: after("52 03e0 00", "", "52 f00f 00", "", "0a 03e0", "0b"+text("Stone"))},
	{name: "GAW/BV-01-C permissions decide, not properties", profile: small, steps: after("52 05e0 08", "", "0a 05e0", "0b 08", "12 05e0 09", "13", "0a 05e0", "0b 09")},
	{name: "GAW/BI-01-C", profile: large, steps: after("d2 4800 99 000000000000000000000000", "", "0a 4800", "0b 12")},
	{name: "GAW/BV-03-C small", profile: small, steps: after("12 0300 010203", "13", "0a 0300", "0b 010203")},
	{name: "GAW/BV-03-C large", profile: large, steps: after("12 6200 010203", "13", "0a 6200", "0b 010203")},
	{name: "GAW/BV-03-C no octets", profile: large, steps: after("12 6200", "13", "0a 6200", "0b")},
	{name: "GAW/BV-03-C as much as a PDU holds", profile: large, steps: after("12 6200"+octets(0, 20), "13", "0a 6200", "0b"+octets(0, 20))},
	{name: "GAW/BV-03-C not to be read", profile: large, steps: after("12 2a00 99", "13", "0a 2a00", "01 0a 2a00 02")},
	{name: "GAW/BI-02-C handle 0", profile: small, steps: after(errorFor("12 0000 01", "0000", "01")...)},
	{name: "GAW/BI-02-C", profile: large, steps: after(errorFor("12 0ff0 01", "0ff0", "01")...)},
	{name: "GAW/BI-03-C small", profile: small, steps: after(errorFor("12 03e0 01", "03e0", "03")...)},
	{name: "GAW/BI-03-C large", profile: large, steps: after(errorFor("12 2400 01", "2400", "03")...)},
	{name: "GAW/BI-03-C no permission at all", profile: large, steps: after(errorFor("12 2c00 01", "2c00", "03")...)},
	{name: "GAW/BI-03-C declarations", profile: small, steps: after(append(errorFor("12 0100 01", "0100", "03"), errorFor("12 02e0 01", "02e0", "03")...)...)},
	{name: "GAW/BI-04-C", profile: large, steps: after(append(errorFor("12 4a00 01", "4a00", "08"), "52 4a00 01", "")...)},
	{name: "GAW/BI-05-C", profile: large, steps: after(errorFor("12 4400 01", "4400", "05")...)},
	{name: "GAW/BI-05-C with a key", profile: large, hasKey: true, steps: after(errorFor("12 4400 01", "4400", "0f")...)},
	{name: "GAW/BI-05-C encrypted", profile: large, sec: encrypted, steps: after("12 4400 01", "13", "0a 4400", "0b 01", "12 4600 01", "01 12 4600 05")},
	{name: "GAW/BI-32-C", profile: large, steps: []string{"02 0502", "03 0002", "12 2600" + same("ee", 509), "13"}},
	{name: "GAW/BI-32-C a CCCD has two octets", profile: small, steps: after(
		"12 0400 010203", "01 12 0400 0d", "12 0400 01", "01 12 0400 0d", "12 0400", "01 12 0400 0d", "0a 0400", "0b 0000")},
	{name: "GAW/BI-39-C", profile: small, steps: after("52 0400 010000", "", "0a 0400", "0b 0000")},

	{name: "GAW/BV-08-C small", profile: small, steps: after("12 0400 0100", "13", "0a 0400", "0b 0100")},
	{name: "GAW/BV-08-C large", profile: large, steps: after("12 9500 010203", "13", "0a 9500", "0b 010203", "12 6400 41", "13", "0a 6400", "0b 41")},
	{name: "GAW/BI-20-C", profile: small, steps: after(errorFor("12 1000 01", "1000", "01")...)},
	{name: "GAW/BI-21-C", profile: small, steps: after(errorFor("12 0500 01", "0500", "03")...)},
	{name: "GAW/BI-21-C no permission at all", profile: large, steps: after(errorFor("12 6500 01", "6500", "03")...)},
}

// GAW: writing in parts.
var writingLong = []script{
	{name: "GAW/BV-05-C small", profile: small, steps: after(
		"16 0300 0000"+same("aa", 18), "17 0300 0000"+same("aa", 18), "16 0300 1200 bb", "17 0300 1200 bb",
		"0a 0300", "0b"+text("Jelling"), "18 01", "19", "0a 0300", "0b"+same("aa", 18)+"bb")},
	{name: "GAW/BV-05-C large", profile: large, steps: after(
		"16 6200 0000"+same("aa", 18), "17 6200 0000"+same("aa", 18), "16 6200 1200 bb", "17 6200 1200 bb", "18 01", "19", "0a 6200", "0b"+same("aa", 18)+"bb")},
	{name: "GAW/BV-05-C 512 octets", profile: large, steps: []string{
		"02 0002", "03 0002", "16 6200 0000" + octets(0, 507), "17 6200 0000" + octets(0, 507),
		"16 6200 fb01" + octets(507, 512), "17 6200 fb01" + octets(507, 512), "18 01", "19",
		"0a 6200", "0b" + octets(0, 511), "0c 6200 ff01", "0d" + octets(511, 512)}},
	{name: "GAW/BV-05-C no octets", profile: large, steps: after("16 6200 0000", "17 6200 0000", "18 01", "19", "0a 6200", "0b")},
	{name: "GAW/BV-05-C behind what is there", profile: small, steps: after("16 0300 0700 21", "17 0300 0700 21", "18 01", "19", "0a 0300", "0b"+text("Jelling!"))},
	{name: "GAW/BI-07-C handle 0", profile: small, steps: after(append(errorFor("16 0000 0000"+same("ff", 18), "0000", "01"), "18 00", "19")...)},
	{name: "GAW/BI-07-C", profile: large, steps: after(errorFor("16 0ff0 0000 ff", "0ff0", "01")...)},
	{name: "GAW/BI-08-C", profile: small, steps: after(append(errorFor("16 0500 0000 ff", "0500", "03"), "18 01", "19")...)},
	{name: "GAW/BI-08-C no permission at all", profile: large, steps: after(errorFor("16 2c00 0000 ff", "2c00", "03")...)},
	{name: "GAW/BI-09-C", profile: small, steps: after(
		"16 0300 0800 ff", "17 0300 0800 ff", "18 01", "01 18 0300 07", "0a 0300", "0b"+text("Jelling"), "18 01", "19")},
	{name: "GAW/BI-09-C the second part", profile: small, steps: after(
		"16 0300 0000 4a", "17 0300 0000 4a", "16 0300 ffff 4b", "17 0300 ffff 4b", "18 01", "01 18 0300 07", "0a 0300", "0b"+text("Jelling"))},
	{name: "GAW/BI-11-C", profile: large, steps: after(errorFor("16 4a00 0000 ff", "4a00", "08")...)},
	{name: "GAW/BI-12-C", profile: large, steps: after(errorFor("16 4400 0000 ff", "4400", "05")...)},
	{name: "GAW/BI-12-C with a key", profile: large, hasKey: true, steps: after(errorFor("16 4400 0000 ff", "4400", "0f")...)},
	{name: "GAW/BI-33-C", profile: large, steps: after(
		"16 2600 0002 ff", "17 2600 0002 ff", "18 01", "01 18 2600 0d", "0c 2600 f801", "0d"+octets(504, 512), "18 01", "19")},
	{name: "GAW/BI-33-C a CCCD has two octets", profile: small, steps: after(
		"16 0400 0000"+same("ff", 18), "17 0400 0000"+same("ff", 18), "16 0400 1200 ff", "17 0400 1200 ff", "18 01", "01 18 0400 0d", "0a 0400", "0b 0000")},
	{name: "GAW/BI-33-C half a CCCD", profile: small, steps: after("16 0400 0000 01", "17 0400 0000 01", "18 01", "01 18 0400 0d", "0a 0400", "0b 0000")},

	{name: "GAW/BV-06-C one value", profile: small, steps: after("16 0300 0000 010203", "17 0300 0000 010203", "18 01", "19", "0a 0300", "0b 010203")},
	{name: "GAW/BV-06-C two values", profile: large, steps: after(
		"16 6200 0000 0102", "17 6200 0000 0102", "16 2600 0000 03", "17 2600 0000 03", "18 01", "19", "0e 6200 2600", "0f 0102 03")},
	{name: "GAW/BV-06-C one value twice", profile: small, steps: after("16 0300 0000 01", "17 0300 0000 01", "16 0300 0000 02", "17 0300 0000 02", "18 01", "19", "0a 0300", "0b 02")},
	{name: "GAW/BV-10-C", profile: small, steps: after(
		"16 0300 0000 010203", "17 0300 0000 010203", "16 05e0 0000 040506", "17 05e0 0000 040506",
		"16 0300 0300 0708", "17 0300 0300 0708", "16 05e0 0300 090a", "17 05e0 0300 090a", "18 01", "19",
		"0a 0300", "0b 0102030708", "0a 05e0", "0b 040506090a")},
	{name: "GAW/BV-11-C", profile: small, steps: after("18 01", "19", "18 00", "19")},
	{name: "GAW/BV-07-C small", profile: small, steps: after("16 0300 0000 010203", "17 0300 0000 010203", "18 00", "19", "18 01", "19", "0a 0300", "0b"+text("Jelling"))},
	{name: "GAW/BV-07-C other requests go on", profile: small, steps: after(
		"16 0300 0000 ff", "17 0300 0000 ff", "0a 0300", "0b"+text("Jelling"), "12 0300 4142", "13", "52 0300 4344", "", "18 01", "19", "0a 0300", "0b ff")},
	{name: "GAW/BV-09-C", profile: large, steps: after(
		"16 6400 0000"+same("aa", 18), "17 6400 0000"+same("aa", 18), "16 6400 1200 bbcc", "17 6400 1200 bbcc", "18 01", "19", "0a 6400", "0b"+same("aa", 18)+"bbcc")},
	{name: "GAW/BV-09-C a CCCD in two parts", profile: small, steps: after("16 0400 0000 01", "17 0400 0000 01", "16 0400 0100 00", "17 0400 0100 00", "18 01", "19", "0a 0400", "0b 0100")},
	{name: "GAW/BI-25-C", profile: small, steps: after(errorFor("16 1000 0000 ff", "1000", "01")...)},
	{name: "GAW/BI-26-C", profile: small, steps: after(errorFor("16 03e0 0000 ff", "03e0", "03")...)},
	{name: "GAW/BI flags that there are not", profile: small, steps: after("16 0300 0000 ff", "17 0300 0000 ff", "18 02", "01 18 0000 04", "18 00", "19", "0a 0300", "0b"+text("Jelling"))},
	{name: "GAW/BI an invalid part leaves the others", profile: small, steps: after(
		"16 0300 0000 41", "17 0300 0000 41", "16 f00f 0000 42", "01 16 f00f 01", "16 0300 0100 43", "17 0300 0100 43", "18 01", "19", "0a 0300", "0b 4143")},
}
