package value

import "math"

// scaleDecoders are those of the Weight Scale and Body Composition services.
var scaleDecoders = map[uint16]func(*reader){
	0x2A9B: bodyCompositionFeature,
	0x2A9C: bodyComposition,
	0x2A9D: weightMeasurement,
	0x2A9E: weightScaleFeature,
	0x2A98: func(r *reader) { r.mass("", false) },
}

// mass takes a mass: 0.005 kg, or 0.01 lb if imperial.
func (r *reader) mass(name string, imperial bool) {
	switch v := r.uint(2); {
	case v == math.MaxUint16:
		r.add(name, "not measured", "")
	case imperial:
		r.add(name, decimal(int64(v), -2), "lb")
	default:
		r.add(name, decimal(5*int64(v), -3), "kg")
	}
}

// height takes a height: 0.001 m, or 0.1 in if imperial.
func (r *reader) height(imperial bool) {
	if imperial {
		r.scaled("height", 2, -1, "in")
	} else {
		r.scaled("height", 2, -3, "m")
	}
}

func weightMeasurement(r *reader) {
	flags := r.uint(1)
	imperial := flags&0x01 != 0
	r.mass("weight", imperial)
	if flags&0x02 != 0 {
		r.dateTime("time")
	}
	if flags&0x04 != 0 {
		r.user()
	}
	if flags&0x08 != 0 {
		r.scaled("BMI", 2, -1, "kg/m²")
		r.height(imperial)
	}
}

var (
	weightResolutions = []string{"", "0.5 kg or 1 lb", "0.2 kg or 0.5 lb", "0.1 kg or 0.2 lb", "0.05 kg or 0.1 lb", "0.02 kg or 0.05 lb", "0.01 kg or 0.02 lb", "0.005 kg or 0.01 lb"}
	heightResolutions = []string{"", "0.01 m or 1 in", "0.005 m or 0.5 in", "0.001 m or 0.1 in"}
)

// resolution adds how fine something is measured, if it is told.
func (r *reader) resolution(name string, v uint64, words []string) {
	if v > 0 && v < uint64(len(words)) {
		r.add(name, words[v], "")
	}
}

func weightScaleFeature(r *reader) {
	v := r.uint(4)
	r.add("features", namesOf(v&0x7|v>>10<<10, "time stamp", "several users", "BMI"), "")
	r.resolution("weight resolution", v>>3&0xF, weightResolutions)
	r.resolution("height resolution", v>>7&0x7, heightResolutions)
}

func bodyComposition(r *reader) {
	flags := r.uint(2)
	imperial := flags&0x01 != 0
	r.scaled("body fat", 2, -1, "%")
	if flags&0x0002 != 0 {
		r.dateTime("time")
	}
	if flags&0x0004 != 0 {
		r.user()
	}
	if flags&0x0008 != 0 {
		r.number("basal metabolism", 2, "kJ")
	}
	if flags&0x0010 != 0 {
		r.scaled("muscle", 2, -1, "%")
	}
	for i, name := range []string{"muscle mass", "fat free mass", "soft lean mass", "body water mass"} {
		if flags>>(5+i)&1 != 0 {
			r.mass(name, imperial)
		}
	}
	if flags&0x0200 != 0 {
		r.scaled("impedance", 2, -1, "Ω")
	}
	if flags&0x0400 != 0 {
		r.mass("weight", imperial)
	}
	if flags&0x0800 != 0 {
		r.height(imperial)
	}
	if flags&0x1000 != 0 {
		r.add("more follows", true, "")
	}
}

func bodyCompositionFeature(r *reader) {
	v := r.uint(4)
	r.add("features", namesOf(v&0x7FF|v>>18<<18, "time stamp", "several users", "basal metabolism", "muscle percentage", "muscle mass", "fat free mass", "soft lean mass",
		"body water mass", "impedance", "weight", "height"), "")
	r.resolution("mass resolution", v>>11&0xF, weightResolutions)
	r.resolution("height resolution", v>>15&0x7, heightResolutions)
}
