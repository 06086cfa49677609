package value

import "fmt"

// profileDecoders are those of the GAP, GATT and Device Information services, and of descriptors.
var profileDecoders = map[uint16]func(*reader){
	0x2A00: text, // Device Name
	0x2A01: appearance,
	0x2A04: preferredParameters,
	0x2A05: serviceChanged,
	0x2A23: systemID,
	0x2A24: text, // Model Number
	0x2A25: text, // Serial Number
	0x2A26: text, // Firmware Revision
	0x2A27: text, // Hardware Revision
	0x2A28: text, // Software Revision
	0x2A29: text, // Manufacturer Name
	0x2A50: pnpID,
	0x2A87: text,                                          // Email Address
	0x2A8A: text,                                          // First Name
	0x2A90: text,                                          // Last Name
	0x2AA2: text,                                          // Language
	0x2AA6: oneWord(map[uint64]string{0: "no", 1: "yes"}), // Central Address Resolution
	0x2AC9: oneWord(map[uint64]string{0: "yes"}),          // Resolvable Private Address Only
	0x2B29: func(r *reader) { r.bits("", 1, "robust caching", "enhanced bearers", "multiple notifications") },
	0x2B2A: func(r *reader) { r.hex("", 16) },
	0x2B3A: func(r *reader) { r.bits("", 1, "enhanced bearers") },

	0x2900: func(r *reader) { r.bits("", 2, "reliable write", "writable auxiliaries") },
	0x2901: text,
	0x2902: func(r *reader) { r.bits("", 2, "notify", "indicate") },
	0x2903: func(r *reader) { r.bits("", 2, "broadcast") },
	0x2904: presentationFormat,
	0x2905: aggregateFormat,
}

func text(r *reader) { r.text("") }

// categories are those of an Appearance, from the Assigned Numbers.
var categories = map[uint64]string{0: unknown, 1: "phone", 2: "computer", 3: "watch", 4: "clock", 5: "display", 6: "remote control", 7: "eye-glasses", 8: "tag", 9: "keyring",
	10: "media player", 11: "barcode scanner", 12: "thermometer", 13: "heart rate sensor", 14: "blood pressure", 15: "human interface device", 16: "glucose meter",
	17: "running walking sensor", 18: "cycling", 19: "control device", 20: "network device", 21: "sensor", 22: "light fixtures", 23: "fan", 24: "HVAC", 25: "air conditioning",
	26: "humidifier", 27: "heating", 28: "access control", 29: "motorized device", 30: "power device", 31: "light source", 32: "window covering", 33: "audio sink",
	34: "audio source", 35: "motorized vehicle", 36: "domestic appliance", 37: "wearable audio device", 38: "aircraft", 39: "AV equipment", 40: "display equipment",
	41: "hearing aid", 42: "gaming", 43: "signage", 49: "pulse oximeter", 50: "weight scale", 51: "personal mobility device", 52: "continuous glucose monitor",
	53: "insulin pump", 54: "medication delivery", 55: "spirometer", 81: "outdoor sports activity"}

// appearances are the whole ones that are seen most.
var appearances = map[uint64]string{193: "sports watch", 769: "ear thermometer", 833: "heart rate belt", 897: "arm blood pressure", 898: "wrist blood pressure",
	961: "keyboard", 962: "mouse", 963: "joystick", 964: "gamepad", 1157: "speed and cadence sensor", 1154: "speed sensor", 1155: "cadence sensor", 1156: "power sensor",
	3137: "fingertip pulse oximeter", 3138: "wrist worn pulse oximeter"}

func appearance(r *reader) {
	const subcategory = 6 // bits
	v := r.uint(2)
	name, whole := appearances[v]
	if !whole {
		name = wordFor(v>>subcategory, categories)
		if sub := v & (1<<subcategory - 1); sub != 0 {
			name += fmt.Sprintf(", kind %d", sub)
		}
	}
	r.add("", fmt.Sprintf("%s (%d)", name, v), "")
}

// preferredParameters takes the Peripheral Preferred Connection Parameters (Core, Vol 3, Part C, 12.3).
func preferredParameters(r *reader) {
	const none = 0xFFFF
	interval := func(name string, hundredths int64) {
		if v := r.uint(2); v == none {
			r.add(name, "any", "ms")
		} else {
			r.add(name, decimal(int64(v)*hundredths, -2), "ms")
		}
	}
	interval("interval from", 125)
	interval("to", 125)
	r.number("latency", 2, "")
	interval("timeout", 1000)
}

func serviceChanged(r *reader) {
	start, end := r.uint(2), r.uint(2)
	r.add("", fmt.Sprintf("0x%04x to 0x%04x", start, end), "")
}

// systemID takes what a manufacturer numbers, and the manufacturer.
func systemID(r *reader) {
	manufacturer, oui := r.uint(5), r.uint(3)
	r.add("number", fmt.Sprintf("%010x", manufacturer), "")
	r.add("OUI", fmt.Sprintf("%06x", oui), "")
}

func pnpID(r *reader) {
	source := map[uint64]string{1: "Bluetooth", 2: "USB"}
	by := wordFor(r.uint(1), source)
	vendor, product, version := r.uint(2), r.uint(2), r.uint(2)
	r.add(by+" vendor", fmt.Sprintf("0x%04x", vendor), "")
	r.add("product", fmt.Sprintf("0x%04x", product), "")
	r.add("version", fmt.Sprintf("%x.%x.%x", version>>8, version>>4&0xF, version&0xF), "")
}

// formats are those of a Characteristic Presentation Format.
var formats = map[uint64]string{1: "boolean", 2: "uint2", 3: "uint4", 4: "uint8", 5: "uint12", 6: "uint16", 7: "uint24", 8: "uint32", 9: "uint48", 10: "uint64", 11: "uint128",
	12: "sint8", 13: "sint12", 14: "sint16", 15: "sint24", 16: "sint32", 17: "sint48", 18: "sint64", 19: "sint128", 20: "float32", 21: "float64", 22: "SFLOAT", 23: "FLOAT",
	24: "duint16", 25: "UTF-8", 26: "UTF-16", 27: "structure"}

// presentationFormat takes a Characteristic Presentation Format (Core, Vol 3, Part G, 3.3.3.5).
func presentationFormat(r *reader) {
	r.word("format", formats)
	if exponent := r.int(1); exponent != 0 {
		r.add("exponent", exponent, "")
	}
	r.add("unit", fmt.Sprintf("0x%04x", r.uint(2)), "")
	r.number("namespace", 1, "")
	r.add("description", fmt.Sprintf("0x%04x", r.uint(2)), "")
}

func aggregateFormat(r *reader) {
	handles := []string{}
	for len(r.rest) > 1 {
		handles = append(handles, fmt.Sprintf("0x%04x", r.uint(2)))
	}
	r.add("", handles, "")
}
