package value

// pressureDecoders are those of the Blood Pressure service.
var pressureDecoders = map[uint16]func(*reader){
	0x2A35: func(r *reader) { bloodPressure(r, "systolic", "diastolic", "mean arterial") },
	0x2A36: func(r *reader) { bloodPressure(r, "cuff", "", "") },
	0x2A49: func(r *reader) {
		r.bits("features", 2, "body movement", "cuff fit", "irregular pulse", "pulse rate range", "measurement position", "several bonds", "E2E-CRC", "user data", "user facing time")
	},
}

// anyUser is a user identifier that is none.
const anyUser = 0xFF

// user takes a user identifier.
func (r *reader) user() {
	if id := r.uint(1); id == anyUser {
		r.add("user", unknown, "")
	} else {
		r.add("user", int64(id), "")
	}
}

// bloodPressure takes three pressures, of which those without a name are not used.
func bloodPressure(r *reader, names ...string) {
	flags := r.uint(1)
	unit := "mmHg"
	if flags&0x01 != 0 {
		unit = "kPa"
	}
	for _, name := range names {
		if name == "" {
			r.take(2)
			continue
		}
		r.sfloat(name, 0, unit)
	}
	if flags&0x02 != 0 {
		r.dateTime("time")
	}
	if flags&0x04 != 0 {
		r.sfloat("pulse", 0, "/min")
	}
	if flags&0x08 != 0 {
		r.user()
	}
	if flags&0x10 != 0 {
		bloodPressureStatus(r)
	}
}

func bloodPressureStatus(r *reader) {
	const range2 = 3 // two bits that are one number
	status := r.uint(2)
	names := []string{"body moved", "cuff too loose", "irregular pulse", "pulse too fast", "pulse too slow", "improper position"}
	if status>>range2&3 == 3 {
		names[range2], names[range2+1] = "", ""
	}
	r.add("status", namesOf(status, names...), "")
}
