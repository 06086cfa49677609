package value

// motionDecoders are those of the cycling, running and fitness machine services.
var motionDecoders = map[uint16]func(*reader){
	0x2A53: runningMeasurement,
	0x2A54: func(r *reader) {
		r.bits("features", 2, "stride length", "total distance", "walking or running", "calibration", "several sensor locations")
	},
	0x2A5B: cyclingMeasurement,
	0x2A5C: func(r *reader) {
		r.bits("features", 2, "wheel revolutions", "crank revolutions", "several sensor locations")
	},
	0x2A5D: oneWord(sensorLocations),
	0x2A63: cyclingPower,
	0x2AD2: indoorBike,
}

var sensorLocations = map[uint64]string{0: "other", 1: "top of shoe", 2: "in shoe", 3: "hip", 4: "front wheel", 5: "left crank", 6: "right crank", 7: "left pedal", 8: "right pedal",
	9: "front hub", 10: "rear dropout", 11: "chainstay", 12: "rear wheel", 13: "rear hub", 14: "chest", 15: "spider", 16: "chain ring"}

func runningMeasurement(r *reader) {
	flags := r.uint(1)
	r.add("speed", thousandths(float64(r.uint(2))/256), "m/s")
	r.number("cadence", 1, "/min")
	if flags&0x01 != 0 {
		r.add("stride length", decimal(int64(r.uint(2)), -2), "m")
	}
	if flags&0x02 != 0 {
		r.add("total distance", decimal(int64(r.uint(4)), -1), "m")
	}
	r.add("running", flags&0x04 != 0, "")
}

// revolutions takes how often something has turned, and when it did so last, in parts of a second.
func (r *reader) revolutions(what string, octets int, parts float64) {
	r.number(what+" revolutions", octets, "")
	r.add("last "+what+" event", thousandths(float64(r.uint(2))/parts), "s")
}

func cyclingMeasurement(r *reader) {
	flags := r.uint(1)
	if flags&0x01 != 0 {
		r.revolutions("wheel", 4, 1024)
	}
	if flags&0x02 != 0 {
		r.revolutions("crank", 2, 1024)
	}
}

func cyclingPower(r *reader) {
	flags := r.uint(2)
	r.add("power", r.int(2), "W")
	if flags&0x0001 != 0 {
		name := "pedal balance"
		if flags&0x0002 != 0 {
			name = "left pedal"
		}
		r.add(name, float64(r.uint(1))/2, "%")
	}
	if flags&0x0004 != 0 {
		r.add("accumulated torque", thousandths(float64(r.uint(2))/32), "N m")
	}
	if flags&0x0010 != 0 {
		r.revolutions("wheel", 4, 2048)
	}
	if flags&0x0020 != 0 {
		r.revolutions("crank", 2, 1024)
	}
	if flags&0x0040 != 0 {
		r.add("largest force", r.int(2), "N")
		r.add("smallest force", r.int(2), "N")
	}
	if flags&0x0080 != 0 {
		r.add("largest torque", float64(r.int(2))/32, "N m")
		r.add("smallest torque", float64(r.int(2))/32, "N m")
	}
	if flags&0x0100 != 0 {
		const bits = 12
		v := r.uint(3)
		r.add("angle of the largest", int64(v&0xFFF), "°")
		r.add("angle of the smallest", int64(v>>bits), "°")
	}
	if flags&0x0200 != 0 {
		r.number("top dead spot", 2, "°")
	}
	if flags&0x0400 != 0 {
		r.number("bottom dead spot", 2, "°")
	}
	if flags&0x0800 != 0 {
		r.number("accumulated energy", 2, "kJ")
	}
}

// indoorBike takes Indoor Bike Data. The first bit says what is not there, the others what is.
func indoorBike(r *reader) {
	flags := r.uint(2)
	if flags&0x0001 == 0 {
		r.add("speed", decimal(int64(r.uint(2)), -2), "km/h")
	}
	if flags&0x0002 != 0 {
		r.add("average speed", decimal(int64(r.uint(2)), -2), "km/h")
	}
	if flags&0x0004 != 0 {
		r.add("cadence", float64(r.uint(2))/2, "/min")
	}
	if flags&0x0008 != 0 {
		r.add("average cadence", float64(r.uint(2))/2, "/min")
	}
	if flags&0x0010 != 0 {
		r.number("total distance", 3, "m")
	}
	if flags&0x0020 != 0 {
		r.add("resistance", r.int(2), "")
	}
	if flags&0x0040 != 0 {
		r.add("power", r.int(2), "W")
	}
	if flags&0x0080 != 0 {
		r.add("average power", r.int(2), "W")
	}
	if flags&0x0100 != 0 {
		r.scaled("energy", 2, 0, "kcal")
		r.scaled("energy per hour", 2, 0, "kcal")
		r.scaled("energy per minute", 1, 0, "kcal")
	}
	if flags&0x0200 != 0 {
		r.number("heart rate", 1, "/min")
	}
	if flags&0x0400 != 0 {
		r.add("metabolic equivalent", decimal(int64(r.uint(1)), -1), "")
	}
	if flags&0x0800 != 0 {
		r.number("elapsed", 2, "s")
	}
	if flags&0x1000 != 0 {
		r.number("remaining", 2, "s")
	}
}
