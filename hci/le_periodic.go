package hci

// LESetPeriodicAdvertisingParameters adds periodic advertising to a set (Vol 4, Part E, 7.8.61). Intervals are
// in units of 1.25 ms; bit 6 of Properties includes the TX power.
type LESetPeriodicAdvertisingParameters struct {
	AdvertisingHandle        uint8
	IntervalMin, IntervalMax uint16
	Properties               uint16
}

func (LESetPeriodicAdvertisingParameters) Opcode() Opcode {
	return OpLESetPeriodicAdvertisingParameters
}
func (c LESetPeriodicAdvertisingParameters) AppendTo(b []byte) []byte {
	return append16(append(b, c.AdvertisingHandle), c.IntervalMin, c.IntervalMax, c.Properties)
}

var periodicFields = []field{{"Advertising_Handle", 1}, {"Periodic_Advertising_Interval_Min", 3}, {"Periodic_Advertising_Interval_Max", 5},
	{"Periodic_Advertising_Properties", 7}, {"Num_Subevents", 8}, {"Subevent_Interval", 9}, {"Response_Slot_Delay", 10},
	{"Response_Slot_Spacing", 11}, {"Num_Response_Slots", 12}}

// ParseLESetPeriodicAdvertisingParameters reads the parameters of LESetPeriodicAdvertisingParameters.
func ParseLESetPeriodicAdvertisingParameters(b []byte) (c LESetPeriodicAdvertisingParameters, err error) {
	if err := shorter(OpLESetPeriodicAdvertisingParameters.String(), b, periodicFields[:4]); err != nil {
		return c, err
	}
	return LESetPeriodicAdvertisingParameters{b[0], at16(b, 1), at16(b, 3), at16(b, 5)}, nil
}

// Subevents is how periodic advertising with responses divides its interval; all zero for none. Interval and
// SlotDelay are in units of 1.25 ms, SlotSpacing of 0.125 ms.
type Subevents struct{ Count, Interval, SlotDelay, SlotSpacing uint8 }

func (s Subevents) AppendTo(b []byte) []byte {
	return append(b, s.Count, s.Interval, s.SlotDelay, s.SlotSpacing)
}

func subeventsAt(b []byte) Subevents { return Subevents{b[0], b[1], b[2], b[3]} }

// LESetPeriodicAdvertisingParametersV2 can have subevents, and response slots in each (Vol 4, Part E,
// 7.8.61). The controller returns the advertising handle.
type LESetPeriodicAdvertisingParametersV2 struct {
	LESetPeriodicAdvertisingParameters
	Subevents     Subevents
	ResponseSlots uint8
}

func (LESetPeriodicAdvertisingParametersV2) Opcode() Opcode {
	return OpLESetPeriodicAdvertisingParametersV2
}
func (c LESetPeriodicAdvertisingParametersV2) AppendTo(b []byte) []byte {
	return append(c.Subevents.AppendTo(c.LESetPeriodicAdvertisingParameters.AppendTo(b)), c.ResponseSlots)
}

// ParseLESetPeriodicAdvertisingParametersV2 reads the parameters of LESetPeriodicAdvertisingParametersV2.
func ParseLESetPeriodicAdvertisingParametersV2(b []byte) (c LESetPeriodicAdvertisingParametersV2, err error) {
	if err := shorter(OpLESetPeriodicAdvertisingParametersV2.String(), b, periodicFields); err != nil {
		return c, err
	}
	v1, err := ParseLESetPeriodicAdvertisingParameters(b)
	return LESetPeriodicAdvertisingParametersV2{v1, subeventsAt(b[7:]), b[11]}, err
}

// MaxPeriodicFragment is what one command holds of periodic advertising data, in octets.
const MaxPeriodicFragment = 252

// LESetPeriodicAdvertisingData sets what a set advertises periodically, or a fragment of it, at most 252
// octets (Vol 4, Part E, 7.8.62). What is longer is cut.
type LESetPeriodicAdvertisingData struct {
	AdvertisingHandle uint8
	Operation         DataOperation
	Data              []byte
}

func (LESetPeriodicAdvertisingData) Opcode() Opcode { return OpLESetPeriodicAdvertisingData }
func (c LESetPeriodicAdvertisingData) AppendTo(b []byte) []byte {
	return appendCounted(append(b, c.AdvertisingHandle, byte(c.Operation)), c.Data, MaxPeriodicFragment)
}

// ParseLESetPeriodicAdvertisingData reads the parameters of LESetPeriodicAdvertisingData.
func ParseLESetPeriodicAdvertisingData(b []byte) (c LESetPeriodicAdvertisingData, err error) {
	const name = "LE Set Periodic Advertising Data"
	if err := shorter(name, b, []field{{"Advertising_Handle", 1}, {"Operation", 2}}); err != nil {
		return c, err
	}
	data, _, err := countedAt(name, "Advertising_Data", b, 2)
	if err != nil {
		return c, err
	}
	if len(data) > MaxPeriodicFragment {
		return c, InvalidHCICommandParameters
	}
	return LESetPeriodicAdvertisingData{b[0], DataOperation(b[1]), data}, nil
}

// LESetPeriodicAdvertisingEnable starts and stops a set's periodic advertising: bit 0 of Enable, and bit 1
// for a data ID in it (Vol 4, Part E, 7.8.63).
type LESetPeriodicAdvertisingEnable struct{ Enable, AdvertisingHandle uint8 }

func (LESetPeriodicAdvertisingEnable) Opcode() Opcode { return OpLESetPeriodicAdvertisingEnable }
func (c LESetPeriodicAdvertisingEnable) AppendTo(b []byte) []byte {
	return append(b, c.Enable, c.AdvertisingHandle)
}

// ParseLESetPeriodicAdvertisingEnable reads the parameters of LESetPeriodicAdvertisingEnable.
func ParseLESetPeriodicAdvertisingEnable(b []byte) (LESetPeriodicAdvertisingEnable, error) {
	if err := shorter("LE Set Periodic Advertising Enable", b, []field{{"Enable", 1}, {"Advertising_Handle", 2}}); err != nil {
		return LESetPeriodicAdvertisingEnable{}, err
	}
	return LESetPeriodicAdvertisingEnable{b[0], b[1]}, nil
}
