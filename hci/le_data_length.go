package hci

// Bounds of link layer payloads (Vol 6, Part B, 4.5.10).
const (
	MinDataOctets = 27
	MaxDataOctets = 251
	MinDataTime   = 328   // microseconds
	MaxDataTime   = 17040 // microseconds, on LE Coded
)

// DataLength is a length of link layer payloads in octets and the time they take in microseconds.
type DataLength struct{ Octets, Time uint16 }

func (d DataLength) AppendTo(b []byte) []byte { return append16(b, d.Octets, d.Time) }

func dataLengthAt(b []byte) DataLength { return DataLength{at16(b, 0), at16(b, 2)} }

// LESetDataLength suggests how long a connection's packets may be that are sent (Vol 4, Part E, 7.8.33).
type LESetDataLength struct {
	Handle uint16
	TX     DataLength
}

func (LESetDataLength) Opcode() Opcode             { return OpLESetDataLength }
func (c LESetDataLength) AppendTo(b []byte) []byte { return c.TX.AppendTo(append16(b, c.Handle)) }

// ParseLESetDataLength reads the parameters of LESetDataLength.
func ParseLESetDataLength(b []byte) (LESetDataLength, error) {
	if err := shorter("LE Set Data Length", b, []field{{"Connection_Handle", 2}, {"TX_Octets", 4}, {"TX_Time", 6}}); err != nil {
		return LESetDataLength{}, err
	}
	return LESetDataLength{handleAt(b), dataLengthAt(b[2:])}, nil
}

// LEWriteSuggestedDefaultDataLength suggests it for new connections (Vol 4, Part E, 7.8.35).
type LEWriteSuggestedDefaultDataLength struct{ TX DataLength }

func (LEWriteSuggestedDefaultDataLength) Opcode() Opcode {
	return OpLEWriteSuggestedDefaultDataLength
}
func (c LEWriteSuggestedDefaultDataLength) AppendTo(b []byte) []byte { return c.TX.AppendTo(b) }

// ParseLEWriteSuggestedDefaultDataLength reads the parameters of LEWriteSuggestedDefaultDataLength.
func ParseLEWriteSuggestedDefaultDataLength(b []byte) (LEWriteSuggestedDefaultDataLength, error) {
	d, err := parseSuggested("LE Write Suggested Default Data Length", b)
	return LEWriteSuggestedDefaultDataLength{d}, err
}

// ParseSuggestedDefaultDataLength reads what LE Read Suggested Default Data Length returns (Vol 4, Part E,
// 7.8.34).
func ParseSuggestedDefaultDataLength(b []byte) (DataLength, error) {
	return parseSuggested("LE Read Suggested Default Data Length: return", b)
}

func parseSuggested(name string, b []byte) (DataLength, error) {
	if err := shorter(name, b, []field{{"Suggested_Max_TX_Octets", 2}, {"Suggested_Max_TX_Time", 4}}); err != nil {
		return DataLength{}, err
	}
	return dataLengthAt(b), nil
}

// DataLengths are the most that each direction takes.
type DataLengths struct{ TX, RX DataLength }

func (r DataLengths) AppendTo(b []byte) []byte { return r.RX.AppendTo(r.TX.AppendTo(b)) }

// ParseMaximumDataLength reads what LE Read Maximum Data Length returns (Vol 4, Part E, 7.8.46).
func ParseMaximumDataLength(b []byte) (DataLengths, error) {
	if err := shorter("LE Read Maximum Data Length: return", b, []field{{"Supported_Max_TX_Octets", 2}, {"Supported_Max_TX_Time", 4},
		{"Supported_Max_RX_Octets", 6}, {"Supported_Max_RX_Time", 8}}); err != nil {
		return DataLengths{}, err
	}
	return DataLengths{dataLengthAt(b), dataLengthAt(b[4:])}, nil
}

// LEDataLengthChange tells how long a connection's packets may be now (Vol 4, Part E, 7.7.65.7).
type LEDataLengthChange struct {
	Handle uint16
	DataLengths
}

func (LEDataLengthChange) Code() EventCode { return EvLEMeta }
func (e LEDataLengthChange) AppendTo(b []byte) []byte {
	return e.DataLengths.AppendTo(append16(append(b, byte(EvLEDataLengthChange)), e.Handle))
}

// ParseLEDataLengthChange reads what follows the subevent code.
func ParseLEDataLengthChange(b []byte) (LEDataLengthChange, error) {
	if err := shorter("LE Data Length Change", b, []field{{"Connection_Handle", 2}, {"Max_TX_Octets", 4}, {"Max_TX_Time", 6},
		{"Max_RX_Octets", 8}, {"Max_RX_Time", 10}}); err != nil {
		return LEDataLengthChange{}, err
	}
	return LEDataLengthChange{handleAt(b), DataLengths{dataLengthAt(b[2:]), dataLengthAt(b[6:])}}, nil
}
