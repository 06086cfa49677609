package value_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt/value"
)

func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const clock = "ea07 0b 16 0d 25 00" // 2026-11-22 13:37:00

// Values by the field tables of the GATT Specification Supplement.
var values = []struct {
	name, uuid, value, want string
	open                    bool // any number of octets is a value
}{
	{"Device Name", "2a00", "4a656c6c696e67", `"Jelling"`, true},
	{"Device Name, padded", "2a00", "4a65000000", `"Je"`, true},
	{"Device Name, no text", "2a00", "ff0a", `"\xff\n"`, true},
	{"Appearance", "2a01", "4103", "heart rate belt (833)", false},
	{"Appearance, a category", "2a01", "400c", "pulse oximeter (3136)", false},
	{"Appearance, a kind", "2a01", "8200", "computer, kind 2 (130)", false},
	{"Appearance, unknown", "2a01", "c0ff", "1023 (65472)", false},
	{"Peripheral Preferred Connection Parameters", "2a04", "0600 2800 0400 c800", "interval from 7.5 ms, to 50 ms, latency 4, timeout 2000 ms", false},
	{"Peripheral Preferred Connection Parameters, none", "2a04", "ffff ffff 0000 ffff", "interval from any, to any, latency 0, timeout any", false},
	{"Service Changed", "2a05", "0100 ffff", "0x0001 to 0xffff", false},
	{"Alert Level", "2a06", "02", "high alert", false},
	{"Tx Power Level", "2a07", "ec", "-20 dBm", false},
	{"Battery Level", "2a19", "61", "97 %", false},
	{"System ID", "2a23", "efcdab8967 452301", "number 6789abcdef, OUI 012345", false},
	{"Model Number", "2a24", "4a31", `"J1"`, true},
	{"PnP ID", "2a50", "01 ffff 3412 1302", "Bluetooth vendor 0xffff, product 0x1234, version 2.1.3", false},
	{"PnP ID, USB", "2a50", "02 6b1d 4602 2505", "USB vendor 0x1d6b, product 0x0246, version 5.2.5", false},
	{"Central Address Resolution", "2aa6", "01", "yes", false},
	{"Client Supported Features", "2b29", "05", "robust caching + multiple notifications", false},
	{"Database Hash", "2b2a", "000102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f", false},
	{"Server Supported Features", "2b3a", "00", "none", false},

	{"Characteristic Extended Properties", "2900", "0300", "reliable write + writable auxiliaries", false},
	{"Characteristic User Description", "2901", "41", `"A"`, true},
	{"Client Characteristic Configuration, off", "2902", "0000", "none", false},
	{"Client Characteristic Configuration", "2902", "0380", "notify + indicate + bit 15", false},
	{"Characteristic Presentation Format", "2904", "04 fe 2f27 01 0001", "format uint8, exponent -2, unit 0x272f, namespace 1, description 0x0100", false},
	{"Characteristic Aggregate Format", "2905", "8300 8600", "0x0083 + 0x0086", true},

	{"Date Time", "2a08", clock, "2026-11-22 13:37:00", false},
	{"Date Time, only the time", "2a08", "0000 00 00 0d 25 00", "---------- 13:37:00", false},
	{"Day Date Time", "2a0a", clock + "07", "time 2026-11-22 13:37:00, day Sunday", false},
	{"Local Time Information", "2a0f", "04 04", "time zone UTC+1:00, daylight saving +1:00 h", false},
	{"Local Time Information, west", "2a0f", "f2 00", "time zone UTC-3:30, daylight saving standard time", false},
	{"Local Time Information, unknown", "2a0f", "80 ff", "time zone unknown, daylight saving unknown", false},
	{"Reference Time Information", "2a14", "01 04 02 03", "source network time, accuracy 0.5 s, updated 2 days and 3 hours ago", false},
	{"Reference Time Information, unknown", "2a14", "00 ff ff ff", "source unknown, accuracy unknown, updated 255 days ago or more", false},
	{"Time Accuracy, out of range", "2a12", "fe", "worse than 31.625", false},
	{"Current Time", "2a2b", clock + "07 80 09", "time 2026-11-22 13:37:00.500, day Sunday, adjusted because of a person + daylight saving", false},

	{"Heart Rate Measurement", "2a37", "00 48", "heart rate 72/min", false},
	{"Heart Rate Measurement, 16 bits", "2a37", "01 2c01", "heart rate 300/min", false},
	{"Heart Rate Measurement, contact", "2a37", "06 48", "heart rate 72/min, sensor contact yes", false},
	{"Heart Rate Measurement, no contact", "2a37", "04 48", "heart rate 72/min, sensor contact no", false},
	{"Heart Rate Measurement, everything", "2a37", "1f 4800 0a00 0004 0002", "heart rate 72/min, sensor contact yes, energy expended 10 kJ, RR interval 1 s, RR interval 0.5 s", true},
	{"Body Sensor Location", "2a38", "01", "chest", false},
	{"Body Sensor Location, reserved", "2a38", "09", "9", false},

	{"PLX Continuous Measurement", "2a5f", "00 6100 3c00", "SpO2 97 %, pulse 60/min", false},
	{"PLX Continuous Measurement, everything", "2a5f", "1f 6100 3c00 6200 3d00 6000 3b00 2000 200000 cdf0",
		"SpO2 97 %, pulse 60/min, fast SpO2 98 %, fast pulse 61/min, slow SpO2 96 %, slow pulse 59/min, status measurement ongoing, sensor low perfusion, pulse amplitude index 20.5 %", false},
	{"PLX Continuous Measurement, nothing measured", "2a5f", "00 ff07 ff07", "SpO2 no number, pulse no number", false},
	{"PLX Spot-Check Measurement", "2a5e", "00 d5f3 58f2", "SpO2 98.1 %, pulse 60/min", false},
	{"PLX Spot-Check Measurement, everything", "2a5e", "1f 6100 3c00" + clock + "0001 000800 0a00",
		"SpO2 97 %, pulse 60/min, time 2026-11-22 13:37:00, status fully qualified, sensor sensor not on the user, pulse amplitude index 10 %, clock not set yes", false},
	{"PLX Features", "2a60", "0300 0080 000080", "features measurement status + device and sensor status, status invalid, sensor bit 23", false},
	{"PLX Features, none", "2a60", "0000", "features none", false},

	{"Temperature Measurement", "2a1c", "00 6e0100ff", "temperature 36.6 °C", false},
	{"Temperature Measurement, everything", "2a1c", "07 dc0300ff" + clock + "02", "temperature 98.8 °F, time 2026-11-22 13:37:00, type body", false},
	{"Intermediate Temperature, no number", "2a1e", "00 ffff7f00", "temperature no number", false},
	{"Temperature Type", "2a1d", "09", "ear drum", false},
	{"Measurement Interval", "2a21", "ffff", "65535 s", false},

	{"Blood Pressure Measurement", "2a35", "00 7800 5000 5d00", "systolic 120 mmHg, diastolic 80 mmHg, mean arterial 93 mmHg", false},
	{"Blood Pressure Measurement, everything", "2a35", "1f a0f0 6bf0 7cf0" + clock + "4800 02 0d00",
		"systolic 16 kPa, diastolic 10.7 kPa, mean arterial 12.4 kPa, time 2026-11-22 13:37:00, pulse 72/min, user 2, status body moved + irregular pulse + pulse too fast", false},
	{"Blood Pressure Measurement, no user", "2a35", "08 7800 5000 5d00 ff", "systolic 120 mmHg, diastolic 80 mmHg, mean arterial 93 mmHg, user unknown", false},
	{"Blood Pressure Measurement, a range that is none", "2a35", "10 7800 5000 5d00 1800", "systolic 120 mmHg, diastolic 80 mmHg, mean arterial 93 mmHg, status bit 3 + bit 4", false},
	{"Intermediate Cuff Pressure", "2a36", "00 6400 ff07 ff07", "cuff 100 mmHg", false},
	{"Blood Pressure Feature", "2a49", "0500", "features body movement + irregular pulse", false},

	{"Glucose Measurement", "2a18", "00 0100" + clock, "number 1, time 2026-11-22 13:37:00", false},
	{"Glucose Measurement, in mass", "2a18", "02 0100" + clock + "5ab0 11", "number 1, time 2026-11-22 13:37:00, glucose 90 mg/dL, sample capillary whole blood, from finger", false},
	{"Glucose Measurement, everything", "2a18", "1f 0200" + clock + "c4ff 32c0 fa 0108",
		"number 2, time 2026-11-22 13:37:00, time offset -60 min, glucose 5 mmol/L, sample control solution, from unknown, status battery low + time fault, context follows yes", false},
	{"Glucose Measurement Context", "2a34", "00 0100", "number 1", false},
	{"Glucose Measurement Context, everything", "2a34", "df 0200 00 01 28d0 02 21 0807 1e 01 0aa0 3bf0",
		"number 2, meal of breakfast, carbohydrate 40 g, measured after a meal, by the user, health major issues, exercise 1800 s, intensity 30 %, medication rapid acting insulin, dose 10 mg, HbA1c 5.9 %", false},
	{"Glucose Measurement Context, a volume", "2a34", "30 0200 02 05d0", "number 2, medication short acting insulin, dose 5 mL", false},
	{"Glucose Feature", "2a51", "0104", "features low battery + several bonds", false},

	{"Weight Measurement", "2a9d", "00 c03b", "weight 76.48 kg", false},
	{"Weight Measurement, everything", "2a9d", "0f 103f" + clock + "01 f100 bc02", "weight 161.44 lb, time 2026-11-22 13:37:00, user 1, BMI 24.1 kg/m², height 70 in", false},
	{"Weight Measurement, none", "2a9d", "00 ffff", "weight not measured", false},
	{"Weight Scale Feature", "2a9e", "bd010000", "features time stamp + BMI, weight resolution 0.005 kg or 0.01 lb, height resolution 0.001 m or 0.1 in", false},
	{"Weight", "2a98", "c03b", "76.48 kg", false},
	{"Body Composition Measurement", "2a9c", "0000 e600", "body fat 23 %", false},
	{"Body Composition Measurement, everything", "2a9c", "fe1f e600" + clock + "02 401f a401 8813 1027 a00f 701c e615 c03b dc06",
		"body fat 23 %, time 2026-11-22 13:37:00, user 2, basal metabolism 8000 kJ, muscle 42 %, muscle mass 25 kg, fat free mass 50 kg, soft lean mass 20 kg, body water mass 36.4 kg, impedance 560.6 Ω, weight 76.48 kg, height 1.756 m, more follows yes", false},
	{"Body Composition Feature", "2a9b", "ff3f0100", "features time stamp + several users + basal metabolism + muscle percentage + muscle mass + fat free mass + soft lean mass + body water mass + impedance + weight + height, mass resolution 0.005 kg or 0.01 lb, height resolution 0.005 m or 0.5 in", false},

	{"CSC Measurement", "2a5b", "03 e8030000 0004 6400 0006", "wheel revolutions 1000, last wheel event 1 s, crank revolutions 100, last crank event 1.5 s", false},
	{"CSC Feature", "2a5c", "0300", "features wheel revolutions + crank revolutions", false},
	{"Sensor Location", "2a5d", "0d", "rear hub", false},
	{"RSC Measurement", "2a53", "00 8003 aa", "speed 3.5 m/s, cadence 170/min, running no", false},
	{"RSC Measurement, everything", "2a53", "07 8003 aa 7d00 10270000", "speed 3.5 m/s, cadence 170/min, stride length 1.25 m, total distance 1000 m, running yes", false},
	{"RSC Feature", "2a54", "0700", "features stride length + total distance + walking or running", false},
	{"Cycling Power Measurement", "2a63", "0000 f6ff", "power -10 W", false},
	{"Cycling Power Measurement, everything", "2a63", "f70f fa00 65 4000 10000000 0010 2000 0004 6400 9cff 4000 c0ff 5a e010 0a00 0b00 0c00",
		"power 250 W, left pedal 50.5 %, accumulated torque 2 N m, wheel revolutions 16, last wheel event 2 s, crank revolutions 32, last crank event 1 s, largest force 100 N, smallest force -100 N, " +
			"largest torque 2 N m, smallest torque -2 N m, angle of the largest 90 °, angle of the smallest 270 °, top dead spot 10 °, bottom dead spot 11 °, accumulated energy 12 kJ", false},

	{"CGM Measurement", "2aa7", "06 00 6400 0500", "glucose 100 mg/dL, time offset 5 min", true},
	{"CGM Measurement, everything", "2aa7", "0f e3 6400 0500 02 04 08 0af0 5a00 1234",
		"glucose 100 mg/dL, time offset 5 min, status battery low, calibration recommended, warning hyperglycaemia, trend 1 mg/dL/min, quality 90 %, CRC 1234", true},
	{"CGM Measurement, two", "2aa7", "06 00 6400 0500 06 00 6500 0a00", "glucose 100 mg/dL, time offset 5 min, glucose 101 mg/dL, time offset 10 min", true},
	{"Indoor Bike Data", "2ad2", "0000 c409", "speed 25 km/h", false},
	{"Indoor Bike Data, everything", "2ad2", "fe1f c409 6009 b400 b200 e80300 0500 fa00 f000 6400 ffff ff 8c 50 2c01 0807",
		"speed 25 km/h, average speed 24 km/h, cadence 90/min, average cadence 89/min, total distance 1000 m, resistance 5, power 250 W, average power 240 W, energy 100 kcal, " +
			"energy per hour unknown, energy per minute unknown, heart rate 140/min, metabolic equivalent 8, elapsed 300 s, remaining 1800 s", false},
	{"Indoor Bike Data, more to come", "2ad2", "4100 fa00", "power 250 W", false},

	{"Elevation", "2a6c", "f0d8ff", "-100 m", false},
	{"Pressure", "2a6d", "e2750f00", "101321.8 Pa", false},
	{"Temperature", "2a6e", "85ff", "-1.23 °C", false},
	{"Temperature, unknown", "2a6e", "0080", "unknown", false},
	{"Humidity", "2a6f", "d012", "48.16 %", false},
	{"Humidity, unknown", "2a6f", "ffff", "unknown", false},
	{"True Wind Speed", "2a70", "fa00", "2.5 m/s", false},
	{"True Wind Direction", "2a71", "2823", "90 °", false},
	{"Gust Factor", "2a74", "0f", "1.5", false},
	{"Pollen Concentration", "2a75", "010001", "65537/m³", false},
	{"UV Index", "2a76", "07", "7", false},
	{"Irradiance", "2a77", "d204", "123.4 W/m²", false},
	{"Rainfall", "2a78", "0500", "5 mm", false},
	{"Dew Point", "2a7b", "fb", "-5 °C", false},
	{"Magnetic Declination", "2a2c", "e803", "10 °", false},
	{"Magnetic Flux Density - 3D", "2aa1", "c800 38ff 0000", "x 20 µT, y -20 µT, z 0 µT", false},
	{"Barometric Pressure Trend", "2aa3", "04", "rising, then steady", false},
	{"Illuminance", "2afb", "a08601", "1000 lx", false},
	{"CO2 Concentration", "2b8c", "9a01", "410 ppm", false},
	{"PM2.5 Concentration", "2bd6", "0c80", "120 µg/m³", false},
	{"Age", "2a80", "2a", "42 years", false},
	{"Height", "2a8e", "b400", "1.8 m", false},
}

func TestDecode(t *testing.T) {
	for _, c := range values {
		t.Run(c.name, func(t *testing.T) {
			uuid, b := att.MustUUID(c.uuid), octets(t, c.value)
			got, err := value.Decode(uuid, b)
			if err != nil || got.String() != c.want {
				t.Errorf("%s: %v, %v, want %s", c.value, got, err, c.want)
			}
			if text := value.Text(uuid, b); text != c.want || !value.Known(uuid) {
				t.Errorf("text %s, known %v", text, value.Known(uuid))
			}
			if c.open {
				return
			}
			for n := range b {
				if got, err := value.Decode(uuid, b[:n]); !errors.Is(err, value.ErrShort) {
					t.Errorf("%d octets: %v, %v", n, got, err)
				}
			}
			if got, err := value.Decode(uuid, append(b[:len(b):len(b)], 0xAB, 0xCD)); err != nil || got.Get("rest") != "abcd" {
				t.Errorf("two octets more: %v, %v", got, err)
			}
		})
	}
}

// For most decoders there is a value above; the others are as simple as one of those.
func TestDecodersAreTested(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range values {
		tested[c.uuid] = true
	}
	known, untested := 0, 0
	for number := range 1 << 16 {
		uuid := att.UUID16(uint16(number))
		if !value.Known(uuid) {
			continue
		}
		if known++; !tested[uuid.String()] {
			untested++
		}
	}
	if known < 90 || untested > known/3 {
		t.Errorf("%d decoders, %d of them without a value", known, untested)
	}
}

func TestRecordsThatAreCut(t *testing.T) {
	for _, text := range []string{"", "00", "01", "0600", "0600 6400 05", "0500 6400 05", "0600 6400 0500 06", "07 80 6400 0500"} {
		if got, err := value.Decode(att.UUID16(0x2AA7), octets(t, text)); !errors.Is(err, value.ErrShort) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, uuid := range []string{"ffff", "0000180d-0000-1000-8000-00805f9b34fc", "2800"} {
		if got, err := value.Decode(att.MustUUID(uuid), []byte{1}); got != nil || !errors.Is(err, value.ErrUnknown) {
			t.Errorf("%s: %v, %v", uuid, got, err)
		}
	}
	vendor := att.MustUUID("6e400003-b5a3-f393-e0a9-e50e24dcca9e")
	for b, want := range map[string]string{"hello": `"hello"`, "hi": "6869", "a\x00b": "610062", "\xff\xff\xff": "ffffff", "": ""} {
		if got := value.Text(vendor, []byte(b)); got != want {
			t.Errorf("%q: %s, want %s", b, got, want)
		}
	}
	if got := value.Text(att.UUID16(0x2A6E), []byte{1}); got != "01" {
		t.Errorf("too short: %s", got)
	}
}

// The special values of IEEE 11073-20601, and the ends of the ranges.
func TestFloats(t *testing.T) {
	for _, c := range []struct {
		uuid, octets string
		want         any
	}{
		{"2a5f", "fe07", "+infinity"}, {"2a5f", "ff07", "no number"}, {"2a5f", "0008", "not at this resolution"}, {"2a5f", "0108", "reserved"}, {"2a5f", "0208", "-infinity"},
		{"2a5f", "fd07", 2045.0}, {"2a5f", "0308", -2045.0}, {"2a5f", "ff17", 20470.0}, {"2a5f", "ff77", 2047e7}, {"2a5f", "0180", 1e-8}, {"2a5f", "ff0f", -1.0}, {"2a5f", "fff0", 25.5},
		{"2a1c", "feff7f00", "+infinity"}, {"2a1c", "ffff7f00", "no number"}, {"2a1c", "00008000", "not at this resolution"}, {"2a1c", "01008000", "reserved"}, {"2a1c", "02008000", "-infinity"},
		{"2a1c", "0100007f", 1e127}, {"2a1c", "01000080", 1e-128}, {"2a1c", "ffffffff", -0.1},
	} {
		got, err := value.Decode(att.MustUUID(c.uuid), octets(t, "00"+c.octets+"0000"))
		if err != nil || got[0].Value != c.want {
			t.Errorf("%s: %v, %v, want %v", c.octets, got, err, c.want)
		}
	}
}

func TestFieldsForPrograms(t *testing.T) {
	fields, err := value.Decode(att.UUID16(0x2A37), []byte{0x06, 72})
	if err != nil {
		t.Fatal(err)
	}
	if fields.Get("heart rate") != int64(72) || fields.Get("sensor contact") != true || fields.Get("else") != nil {
		t.Errorf("%+v", fields)
	}
	text, err := json.Marshal(fields)
	const want = `[{"name":"heart rate","value":72,"unit":"/min"},{"name":"sensor contact","value":true}]`
	if string(text) != want || err != nil {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
	short, err := value.Decode(att.UUID16(0x2A35), octets(t, "00 7800 50"))
	if want := (value.Fields{{Name: "systolic", Value: 120.0, Unit: "mmHg"}}); !reflect.DeepEqual(short, want) || !errors.Is(err, value.ErrShort) {
		t.Errorf("what is there of a short value: %v, %v", short, err)
	}
}

// FuzzDecode reads anything as anything. What comes of it can be shown and written.
func FuzzDecode(f *testing.F) {
	for _, c := range values {
		number, _ := att.MustUUID(c.uuid).Uint16()
		f.Add(number, octets(f, c.value))
	}
	f.Fuzz(func(t *testing.T, number uint16, b []byte) {
		uuid := att.UUID16(number)
		fields, err := value.Decode(uuid, b)
		if err != nil && !errors.Is(err, value.ErrShort) && !errors.Is(err, value.ErrUnknown) {
			t.Errorf("%v", err)
		}
		if _, err := json.Marshal(fields); err != nil {
			t.Errorf("%v: %v", fields, err)
		}
		_, _ = fields.String(), value.Text(uuid, b)
	})
}
