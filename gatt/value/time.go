package value

import "fmt"

// timeDecoders are those of the time services.
var timeDecoders = map[uint16]func(*reader){
	0x2A08: func(r *reader) { r.dateTime("") },
	0x2A09: oneWord(weekdays),
	0x2A0A: func(r *reader) { r.dateTime("time"); r.word("day", weekdays) },
	0x2A0C: exactTime,
	0x2A0D: oneWord(dstOffsets),
	0x2A0E: func(r *reader) { timeZone(r, "") },
	0x2A0F: func(r *reader) { timeZone(r, "time zone"); r.word("daylight saving", dstOffsets) },
	0x2A12: func(r *reader) { timeAccuracy(r, "") },
	0x2A13: oneWord(timeSources),
	0x2A14: referenceTime,
	0x2A2B: func(r *reader) {
		exactTime(r)
		r.bits("adjusted because of", 1, "a person", "a reference", "the time zone", "daylight saving")
	},
}

var (
	weekdays    = map[uint64]string{0: unknown, 1: "Monday", 2: "Tuesday", 3: "Wednesday", 4: "Thursday", 5: "Friday", 6: "Saturday", 7: "Sunday"}
	dstOffsets  = map[uint64]string{0: "standard time", 2: "+0:30 h", 4: "+1:00 h", 8: "+2:00 h", 255: unknown}
	timeSources = map[uint64]string{0: unknown, 1: "network time", 2: "GPS", 3: "radio time signal", 4: "a person", 5: "atomic clock", 6: "cellular network"}
)

// dateTime takes a Date Time; parts that are not known are dashes.
func (r *reader) dateTime(name string) {
	r.add(name, r.clock(), "")
}

func (r *reader) clock() string {
	part := func(octets int, format, without string) string {
		v := r.uint(octets)
		if v == 0 {
			return without
		}
		return fmt.Sprintf(format, v)
	}
	date := part(2, "%04d", "----") + "-" + part(1, "%02d", "--") + "-" + part(1, "%02d", "--")
	return fmt.Sprintf("%s %02d:%02d:%02d", date, r.uint(1), r.uint(1), r.uint(1))
}

// exactTime takes an Exact Time 256: a time, a day of the week and fractions of a second.
func exactTime(r *reader) {
	at, day := r.clock(), r.uint(1)
	r.add("time", fmt.Sprintf("%s.%03d", at, r.uint(1)*1000/256), "")
	r.add("day", wordFor(day, weekdays), "")
}

func timeZone(r *reader, name string) {
	const quarters = 4
	v := r.int(1)
	if v == -128 {
		r.add(name, unknown, "")
		return
	}
	sign := "+"
	if v < 0 {
		sign, v = "-", -v
	}
	r.add(name, fmt.Sprintf("UTC%s%d:%02d", sign, v/quarters, v%quarters*15), "")
}

func timeAccuracy(r *reader, name string) {
	const eighths = 8
	switch v := r.uint(1); v {
	case 254:
		r.add(name, "worse than 31.625", "s")
	case 255:
		r.add(name, unknown, "s")
	default:
		r.add(name, float64(v)/eighths, "s")
	}
}

func referenceTime(r *reader) {
	r.word("source", timeSources)
	timeAccuracy(r, "accuracy")
	days, hours := r.uint(1), r.uint(1)
	if days == 255 || hours == 255 {
		r.add("updated", "255 days ago or more", "")
		return
	}
	r.add("updated", fmt.Sprintf("%d days and %d hours ago", days, hours), "")
}
