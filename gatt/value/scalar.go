package value

// A scalar is a characteristic of one number, in units of 10 to the power of an exponent.
type scalar struct {
	octets   int // negative with a sign
	exponent int
	unit     string
}

// scalars are by the 16-bit UUID: environmental sensing, user data, and what other services share.
var scalars = map[uint16]scalar{
	0x2A07: {-1, 0, "dBm"},  // Tx Power Level
	0x2A19: {1, 0, "%"},     // Battery Level
	0x2A2C: {2, -2, "°"},    // Magnetic Declination
	0x2A6C: {-3, -2, "m"},   // Elevation
	0x2A6D: {4, -1, "Pa"},   // Pressure
	0x2A6E: {-2, -2, "°C"},  // Temperature
	0x2A6F: {2, -2, "%"},    // Humidity
	0x2A70: {2, -2, "m/s"},  // True Wind Speed
	0x2A71: {2, -2, "°"},    // True Wind Direction
	0x2A72: {2, -2, "m/s"},  // Apparent Wind Speed
	0x2A73: {2, -2, "°"},    // Apparent Wind Direction
	0x2A74: {1, -1, ""},     // Gust Factor
	0x2A75: {3, 0, "/m³"},   // Pollen Concentration
	0x2A76: {1, 0, ""},      // UV Index
	0x2A77: {2, -1, "W/m²"}, // Irradiance
	0x2A78: {2, 0, "mm"},    // Rainfall
	0x2A79: {-1, 0, "°C"},   // Wind Chill
	0x2A7A: {-1, 0, "°C"},   // Heat Index
	0x2A7B: {-1, 0, "°C"},   // Dew Point
	0x2A80: {1, 0, "years"}, // Age
	0x2A8D: {1, 0, "/min"},  // Heart Rate Max
	0x2A8E: {2, -2, "m"},    // Height
	0x2A8F: {2, -2, "m"},    // Hip Circumference
	0x2A92: {1, 0, "/min"},  // Resting Heart Rate
	0x2A97: {2, -2, "m"},    // Waist Circumference
	0x2A9A: {1, 0, ""},      // User Index
	0x2AFB: {3, -2, "lx"},   // Illuminance
	0x2B8C: {2, 0, "ppm"},   // CO2 Concentration
}

// scalarDecoders are those of scalars, and of what is as simple.
func scalarDecoders() map[uint16]func(*reader) {
	all := map[uint16]func(*reader){
		0x2AA0: func(r *reader) { fluxDensity(r, "x", "y") },
		0x2AA1: func(r *reader) { fluxDensity(r, "x", "y", "z") },
		0x2AA3: oneWord(map[uint64]string{0: unknown, 1: "continuously falling", 2: "continuously rising", 3: "falling, then steady", 4: "rising, then steady",
			5: "falling before a lesser rise", 6: "falling before a greater rise", 7: "rising before a greater fall", 8: "rising before a lesser fall", 9: "steady"}),
		0x2A06: oneWord(map[uint64]string{0: "no alert", 1: "mild alert", 2: "high alert"}),
		0x2A8C: oneWord(map[uint64]string{0: "male", 1: "female", 2: "unspecified"}),
		0x2A21: func(r *reader) { r.number("", 2, "s") },     // Measurement Interval
		0x2A99: func(r *reader) { r.number("", 4, "") },      // Database Change Increment
		0x2BD5: func(r *reader) { r.sfloat("", 9, "µg/m³") }, // Particulate Matter: PM1, PM2.5, PM10
		0x2BD6: func(r *reader) { r.sfloat("", 9, "µg/m³") },
		0x2BD7: func(r *reader) { r.sfloat("", 9, "µg/m³") },
	}
	for uuid, s := range scalars {
		all[uuid] = s.decode
	}
	return all
}

// decode takes the number. The least with a sign, of two octets or more, says that nobody knows, and so does the largest of two or more without.
func (s scalar) decode(r *reader) {
	const bits = 8
	switch {
	case s.octets == 1:
		r.add("", decimal(int64(r.uint(1)), s.exponent), s.unit)
	case s.octets > 0:
		r.scaled("", s.octets, s.exponent, s.unit)
	default:
		v := r.int(-s.octets)
		if s.octets < -1 && v == -1<<(-s.octets*bits-1) {
			r.add("", unknown, s.unit)
			return
		}
		r.add("", decimal(v, s.exponent), s.unit)
	}
}

// fluxDensity takes a Magnetic Flux Density, in tenths of a microtesla.
func fluxDensity(r *reader, axes ...string) {
	for _, axis := range axes {
		r.add(axis, decimal(r.int(2), -1), "µT")
	}
}
