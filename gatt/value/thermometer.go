package value

// thermometerDecoders are those of the Health Thermometer service.
var thermometerDecoders = map[uint16]func(*reader){
	0x2A1C: temperatureMeasurement,
	0x2A1D: oneWord(temperatureTypes),
	0x2A1E: temperatureMeasurement,
}

var temperatureTypes = map[uint64]string{1: "armpit", 2: "body", 3: "ear", 4: "finger", 5: "gastro-intestinal tract", 6: "mouth", 7: "rectum", 8: "toe", 9: "ear drum"}

func temperatureMeasurement(r *reader) {
	flags := r.uint(1)
	unit := "°C"
	if flags&0x01 != 0 {
		unit = "°F"
	}
	r.float32("temperature", unit)
	if flags&0x02 != 0 {
		r.dateTime("time")
	}
	if flags&0x04 != 0 {
		r.word("type", temperatureTypes)
	}
}
