package value

// glucoseDecoders are those of the Glucose and Continuous Glucose Monitoring services.
var glucoseDecoders = map[uint16]func(*reader){
	0x2AA7: cgmMeasurement,
	0x2A18: glucoseMeasurement,
	0x2A34: glucoseContext,
	0x2A51: func(r *reader) {
		r.bits("features", 2, "low battery", "sensor malfunction", "sample size", "strip insertion", "strip type", "result too high or low", "temperature too high or low",
			"read interrupted", "general fault", "time fault", "several bonds")
	},
}

var (
	samples = map[uint64]string{1: "capillary whole blood", 2: "capillary plasma", 3: "venous whole blood", 4: "venous plasma", 5: "arterial whole blood", 6: "arterial plasma",
		7: "undetermined whole blood", 8: "undetermined plasma", 9: "interstitial fluid", 10: "control solution"}
	sampleLocations = map[uint64]string{1: "finger", 2: "alternate site", 3: "ear lobe", 4: "control solution", 15: unknown}
	carbohydrates   = map[uint64]string{1: "breakfast", 2: "lunch", 3: "dinner", 4: "snack", 5: "drink", 6: "supper", 7: "brunch"}
	meals           = map[uint64]string{1: "before a meal", 2: "after a meal", 3: "fasting", 4: "casual", 5: "at bedtime"}
	testers         = map[uint64]string{1: "the user", 2: "a professional", 3: "a laboratory", 15: unknown}
	healths         = map[uint64]string{1: "minor issues", 2: "major issues", 3: "during menses", 4: "under stress", 5: "no issues", 15: unknown}
	medications     = map[uint64]string{1: "rapid acting insulin", 2: "short acting insulin", 3: "intermediate acting insulin", 4: "long acting insulin", 5: "pre-mixed insulin"}
)

// nibbles takes an octet with two words, the first in its lower half.
func (r *reader) nibbles(first string, firstWords map[uint64]string, second string, secondWords map[uint64]string) {
	const half = 4
	v := r.uint(1)
	r.add(first, wordFor(v&0x0F, firstWords), "")
	r.add(second, wordFor(v>>half, secondWords), "")
}

func glucoseMeasurement(r *reader) {
	flags := r.uint(1)
	r.number("number", 2, "")
	r.dateTime("time")
	if flags&0x01 != 0 {
		r.add("time offset", r.int(2), "min")
	}
	if flags&0x02 != 0 {
		if flags&0x04 == 0 {
			r.sfloat("glucose", 5, "mg/dL") // in kg/L on the air
		} else {
			r.sfloat("glucose", 3, "mmol/L") // in mol/L on the air
		}
		r.nibbles("sample", samples, "from", sampleLocations)
	}
	if flags&0x08 != 0 {
		r.bits("status", 2, "battery low", "sensor malfunction", "sample too small", "strip inserted wrongly", "wrong strip", "result too high", "result too low",
			"temperature too high", "temperature too low", "read interrupted", "general fault", "time fault")
	}
	if flags&0x10 != 0 {
		r.add("context follows", true, "")
	}
}

func glucoseContext(r *reader) {
	flags := r.uint(1)
	r.number("number", 2, "")
	if flags&0x80 != 0 {
		r.take(1) // extended flags, all reserved
	}
	if flags&0x01 != 0 {
		r.word("meal of", carbohydrates)
		r.sfloat("carbohydrate", 3, "g")
	}
	if flags&0x02 != 0 {
		r.word("measured", meals)
	}
	if flags&0x04 != 0 {
		r.nibbles("by", testers, "health", healths)
	}
	if flags&0x08 != 0 {
		r.scaled("exercise", 2, 0, "s")
		r.number("intensity", 1, "%")
	}
	if flags&0x10 != 0 {
		r.word("medication", medications)
		if flags&0x20 == 0 {
			r.sfloat("dose", 6, "mg")
		} else {
			r.sfloat("dose", 3, "mL")
		}
	}
	if flags&0x40 != 0 {
		r.sfloat("HbA1c", 0, "%")
	}
}

// cgmMeasurement takes one record of a CGM Measurement, or several: each begins with its length.
func cgmMeasurement(r *reader) {
	for first := true; first || len(r.rest) > 0 && !r.short; first = false {
		length := int(r.uint(1))
		record := &reader{rest: r.take(length - 1)}
		if cgmRecord(record); r.short || record.short {
			r.short = true
			return
		}
		r.fields = append(r.fields, record.fields...)
	}
}

func cgmRecord(r *reader) {
	flags := r.uint(1)
	r.sfloat("glucose", 0, "mg/dL")
	r.number("time offset", 2, "min")
	if flags&0x80 != 0 {
		r.bits("status", 1, "session stopped", "battery low", "wrong sensor type", "sensor malfunction", "alert by the device", "general fault")
	}
	if flags&0x40 != 0 {
		r.bits("calibration", 1, "time to be synchronized", "not allowed", "recommended", "required", "sensor too hot", "sensor too cold")
	}
	if flags&0x20 != 0 {
		r.bits("warning", 1, "below patient low", "above patient high", "hypoglycaemia", "hyperglycaemia", "falling too fast", "rising too fast", "too low for the device", "too high for the device")
	}
	if flags&0x01 != 0 {
		r.sfloat("trend", 0, "mg/dL/min")
	}
	if flags&0x02 != 0 {
		r.sfloat("quality", 0, "%")
	}
	if len(r.rest) > 0 {
		r.hex("CRC", len(r.rest))
	}
}
