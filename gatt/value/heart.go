package value

// heartDecoders are those of the Heart Rate and Pulse Oximeter services.
var heartDecoders = map[uint16]func(*reader){
	0x2A37: heartRateMeasurement,
	0x2A38: oneWord(bodySensorLocations),
	0x2A5E: plxSpotCheck,
	0x2A5F: plxContinuous,
	0x2A60: plxFeatures,
}

// oneWord decodes one octet that stands for a word.
func oneWord(words map[uint64]string) func(*reader) {
	return func(r *reader) { r.word("", words) }
}

var bodySensorLocations = map[uint64]string{0: "other", 1: "chest", 2: "wrist", 3: "finger", 4: "hand", 5: "ear lobe", 6: "foot"}

func heartRateMeasurement(r *reader) {
	flags := r.uint(1)
	r.number("heart rate", 1+int(flags&1), "/min")
	if flags&0x04 != 0 {
		r.add("sensor contact", flags&0x02 != 0, "")
	}
	if flags&0x08 != 0 {
		r.number("energy expended", 2, "kJ")
	}
	if flags&0x10 == 0 {
		return
	}
	for len(r.rest) > 1 {
		r.add("RR interval", thousandths(float64(r.uint(2))/1024), "s")
	}
}

// thousandths rounds what is in odd fractions.
func thousandths(v float64) float64 { return decimal(int64(v*1000+0.5), -3) }

var (
	plxStatus = []string{"", "", "", "", "", "measurement ongoing", "early estimate", "validated", "fully qualified", "from storage", "for demonstration",
		"for testing", "calibration ongoing", "measurement unavailable", "questionable", "invalid"}
	plxSensor = []string{"extended display update", "equipment malfunction", "signal processing irregularity", "inadequate signal", "poor signal",
		"low perfusion", "erratic signal", "non-pulsatile signal", "questionable pulse", "signal analysis ongoing", "sensor interference",
		"sensor not on the user", "unknown sensor", "sensor displaced", "sensor malfunction", "sensor disconnected"}
)

// spo2AndPulse takes a pair; which says which, as "fast ".
func spo2AndPulse(r *reader, which string) {
	r.sfloat(which+"SpO2", 0, "%")
	r.sfloat(which+"pulse", 0, "/min")
}

func plxSpotCheck(r *reader) {
	flags := r.uint(1)
	spo2AndPulse(r, "")
	if flags&0x01 != 0 {
		r.dateTime("time")
	}
	plxTail(r, flags>>1)
	if flags&0x10 != 0 {
		r.add("clock not set", true, "")
	}
}

func plxContinuous(r *reader) {
	flags := r.uint(1)
	spo2AndPulse(r, "")
	if flags&0x01 != 0 {
		spo2AndPulse(r, "fast ")
	}
	if flags&0x02 != 0 {
		spo2AndPulse(r, "slow ")
	}
	plxTail(r, flags>>2)
}

// plxTail takes what both measurements end with.
func plxTail(r *reader, flags uint64) {
	if flags&0x01 != 0 {
		r.bits("status", 2, plxStatus...)
	}
	if flags&0x02 != 0 {
		r.bits("sensor", 3, plxSensor...)
	}
	if flags&0x04 != 0 {
		r.sfloat("pulse amplitude index", 0, "%")
	}
}

func plxFeatures(r *reader) {
	flags := r.uint(2)
	r.add("features", namesOf(flags, "measurement status", "device and sensor status", "storage for spot-checks", "time stamp for spot-checks",
		"fast", "slow", "pulse amplitude index", "several bonds"), "")
	if flags&0x01 != 0 {
		r.bits("status", 2, plxStatus...)
	}
	if flags&0x02 != 0 {
		r.bits("sensor", 3, plxSensor...)
	}
}
