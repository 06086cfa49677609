// Package value reads the values of standard characteristics and descriptors, as the GATT Specification Supplement lays them out, for people
// and for programs:
//
//	fields, err := value.Decode(gatt.HeartRateMeasurement, []byte{0x06, 72})
//	fmt.Println(fields) // heart rate 72/min, sensor contact yes
//
// Nothing is lost: octets behind the fields that are known stand in a field of their own, and bits without a name keep their number.
//
//	supported                                                not supported
//	GAP, GATT, device information, battery, time             writing values
//	heart rate, pulse oximeter, thermometer, blood pressure, control points, alerts, insulin delivery, audio
//	glucose, also continuous, weight, body composition       medical floats of 11073 beyond FLOAT and SFLOAT
//	cycling, running, cycling power, indoor bikes            values in parts: each is read by itself
//	environmental sensing, user data, descriptors
package value
