package hci

// maxPHYs is how many PHYs a PHYs set can name.
const maxPHYs = 8

// PHYScan is how to scan on one PHY. Interval and window are in units of 0.625 ms.
type PHYScan struct {
	PHY              PHY // LE1M or LECoded
	Active           bool
	Interval, Window uint16
}

// LESetExtendedScanParameters sets how to scan (Vol 4, Part E, 7.8.64). Scan names each PHY once; it goes out
// in the order of PHYs, as it came.
type LESetExtendedScanParameters struct {
	OwnAddressType uint8
	FilterPolicy   uint8
	Scan           []PHYScan
}

func (LESetExtendedScanParameters) Opcode() Opcode { return OpLESetExtendedScanParameters }
func (c LESetExtendedScanParameters) AppendTo(b []byte) []byte {
	b = append(b, c.OwnAddressType, c.FilterPolicy, 0)
	at := len(b) - 1
	for p := PHY(1); p <= maxPHYs; p++ {
		for _, s := range c.Scan {
			if s.PHY == p && !PHYs(b[at]).Has(p) {
				b[at] |= byte(PHYsOf(p))
				b = append16(append(b, octet(s.Active)), s.Interval, s.Window)
			}
		}
	}
	return b
}

// ParseLESetExtendedScanParameters reads the parameters of LESetExtendedScanParameters.
func ParseLESetExtendedScanParameters(b []byte) (c LESetExtendedScanParameters, err error) {
	const name = "LE Set Extended Scan Parameters"
	if err := shorter(name, b, []field{{"Own_Address_Type", 1}, {"Scanning_Filter_Policy", 2}, {"Scanning_PHYs", 3}}); err != nil {
		return c, err
	}
	var scan []PHYScan
	at := 3
	for p := PHY(1); p <= maxPHYs; p++ {
		if !PHYs(b[2]).Has(p) {
			continue
		}
		if err := shorter(name, b, []field{{"Scan_Type", at + 1}, {"Scan_Interval", at + 3}, {"Scan_Window", at + 5}}); err != nil {
			return c, err
		}
		scan = append(scan, PHYScan{p, b[at] != 0, at16(b, at+1), at16(b, at+3)})
		at += 5
	}
	return LESetExtendedScanParameters{b[0], b[1], scan}, nil
}

// DuplicateFilter is whether a controller reports what it has reported (Vol 4, Part E, 7.8.65).
type DuplicateFilter uint8

const (
	ReportDuplicates    DuplicateFilter = 0x00
	FilterDuplicates    DuplicateFilter = 0x01
	FilterWithinAPeriod DuplicateFilter = 0x02 // begun anew with each period
)

// LESetExtendedScanEnable starts and stops scanning (Vol 4, Part E, 7.8.65). Duration is in units of 10 ms,
// zero without end; Period in units of 1.28 s, zero scans once. LE Scan Timeout ends a scan with a duration
// and no period.
type LESetExtendedScanEnable struct {
	Enable           bool
	Duplicates       DuplicateFilter
	Duration, Period uint16
}

func (LESetExtendedScanEnable) Opcode() Opcode { return OpLESetExtendedScanEnable }
func (c LESetExtendedScanEnable) AppendTo(b []byte) []byte {
	return append16(append(b, octet(c.Enable), byte(c.Duplicates)), c.Duration, c.Period)
}

// ParseLESetExtendedScanEnable reads the parameters of LESetExtendedScanEnable.
func ParseLESetExtendedScanEnable(b []byte) (LESetExtendedScanEnable, error) {
	if err := shorter("LE Set Extended Scan Enable", b, []field{{"Enable", 1}, {"Filter_Duplicates", 2}, {"Duration", 4}, {"Period", 6}}); err != nil {
		return LESetExtendedScanEnable{}, err
	}
	return LESetExtendedScanEnable{b[0] != 0, DuplicateFilter(b[1]), at16(b, 2), at16(b, 4)}, nil
}

// ExtendedReportType is what an extended advertising report is of (Vol 4, Part E, 7.7.65.13).
type ExtendedReportType uint16

const (
	ReportConnectable  ExtendedReportType = 1 << 0
	ReportScannable    ExtendedReportType = 1 << 1
	ReportDirected     ExtendedReportType = 1 << 2
	ReportScanResponse ExtendedReportType = 1 << 3
	ReportLegacy       ExtendedReportType = 1 << 4
)

// DataStatus is the state of a report's data, of advertising in bits 5 and 6 of the type.
type DataStatus uint8

const (
	DataStatusComplete  DataStatus = 0b00
	DataStatusMore      DataStatus = 0b01 // the next report of the same set continues it
	DataStatusTruncated DataStatus = 0b10 // nothing follows, though there was more
	DataStatusFailed    DataStatus = 0xFF // in periodic advertising with subevents: nothing was heard
)

// DataStatus is that of the report's data. A value that the specification does not have means that no more
// is to come.
func (t ExtendedReportType) DataStatus() DataStatus { return DataStatus(t >> 5 & 3) }

// WithDataStatus is t with another status of its data.
func (t ExtendedReportType) WithDataStatus(s DataStatus) ExtendedReportType {
	return t&^(3<<5) | ExtendedReportType(s&3)<<5
}

// Address types that only reports have.
const (
	AnonymousAddress  AddressType = 0xFF // of an advertiser: it sends none
	UnresolvedAddress AddressType = 0xFE // of a target: private, and the controller could not resolve it
)

// UnknownSID is the advertising SID of reports that have none.
const UnknownSID uint8 = 0xFF

// UnknownPower is the RSSI and the TX power of reports that have none.
const UnknownPower int8 = 127

// ExtendedAdvertisingReport is one report of an LE Extended Advertising Report event. Data aliases what was
// parsed. PeriodicInterval is in units of 1.25 ms, zero without periodic advertising. Direct is the target of
// directed advertising and means nothing for other.
type ExtendedAdvertisingReport struct {
	Type             ExtendedReportType
	Address          Address
	Resolved         bool
	PrimaryPHY       PHY
	SecondaryPHY     PHY // zero: all was on the primary channels
	SID              uint8
	TXPower, RSSI    int8 // dBm
	PeriodicInterval uint16
	Direct           Address
	DirectResolved   bool
	Data             []byte
}

// MaxExtendedReportData is the most that a report alone in its event holds, in octets.
const MaxExtendedReportData = 229

// LEExtendedAdvertisingReport is what a scanner heard (Vol 4, Part E, 7.7.65.13).
type LEExtendedAdvertisingReport struct{ Reports []ExtendedAdvertisingReport }

func (LEExtendedAdvertisingReport) Code() EventCode { return EvLEMeta }
func (e LEExtendedAdvertisingReport) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEExtendedAdvertisingReport), byte(len(e.Reports)))
	for _, r := range e.Reports {
		b = append(append16(b, uint16(r.Type)), identityType(r.Address, r.Resolved))
		b = append(append(b, r.Address.Octets[:]...), byte(r.PrimaryPHY), byte(r.SecondaryPHY), r.SID, byte(r.TXPower), byte(r.RSSI))
		b = append(append16(b, r.PeriodicInterval), identityType(r.Direct, r.DirectResolved))
		b = appendCounted(append(b, r.Direct.Octets[:]...), r.Data, MaxExtendedReportData)
	}
	return b
}

// ParseLEExtendedAdvertisingReport reads what follows the subevent code. Reports are one behind the other. It
// refuses the whole event when any report is cut.
func ParseLEExtendedAdvertisingReport(b []byte) (LEExtendedAdvertisingReport, error) {
	const name, head = "LE Extended Advertising Report", 24
	n, err := parseOctet(name, "Num_Reports", b)
	if err != nil {
		return LEExtendedAdvertisingReport{}, err
	}
	reports, at := make([]ExtendedAdvertisingReport, 0, min(int(n), len(b)/head)), 1
	for range n {
		if err := shorter(name, b, []field{{"Event_Type", at + 2}, {"Address_Type", at + 3}, {"Address", at + 9}, {"Primary_PHY", at + 10},
			{"Secondary_PHY", at + 11}, {"Advertising_SID", at + 12}, {"TX_Power", at + 13}, {"RSSI", at + 14}, {"Periodic_Advertising_Interval", at + 16},
			{"Direct_Address_Type", at + 17}, {"Direct_Address", at + 23}}); err != nil {
			return LEExtendedAdvertisingReport{}, err
		}
		data, end, err := countedAt(name, "Data", b, at+head-1)
		if err != nil {
			return LEExtendedAdvertisingReport{}, err
		}
		reports, at = append(reports, extendedReportAt(b[at:], data)), end
	}
	return LEExtendedAdvertisingReport{reports}, nil
}

func extendedReportAt(b, data []byte) ExtendedAdvertisingReport {
	r := ExtendedAdvertisingReport{Type: ExtendedReportType(at16(b, 0)), PrimaryPHY: PHY(b[9]), SecondaryPHY: PHY(b[10]), SID: b[11],
		TXPower: int8(b[12]), RSSI: int8(b[13]), PeriodicInterval: at16(b, 14), Data: data}
	r.Address, r.Resolved = addressAt(b[2:])
	r.Direct, r.DirectResolved = addressAt(b[16:])
	return r
}

// DirectedReport is one report of an LE Directed Advertising Report event.
type DirectedReport struct {
	Type           ReportType // ReportAdvDirectInd
	Address        Address
	Resolved       bool
	Direct         Address // the private address that was meant
	DirectResolved bool
	RSSI           int8 // dBm, or UnknownPower
}

// LEDirectedAdvertisingReport is what a scanner heard that was directed to a private address which the
// controller could not resolve (Vol 4, Part E, 7.7.65.11).
type LEDirectedAdvertisingReport struct{ Reports []DirectedReport }

func (LEDirectedAdvertisingReport) Code() EventCode { return EvLEMeta }
func (e LEDirectedAdvertisingReport) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEDirectedAdvertisingReport), byte(len(e.Reports)))
	for _, r := range e.Reports {
		b = append(append(b, byte(r.Type), identityType(r.Address, r.Resolved)), r.Address.Octets[:]...)
		b = append(append(b, identityType(r.Direct, r.DirectResolved)), r.Direct.Octets[:]...)
		b = append(b, byte(r.RSSI))
	}
	return b
}

// ParseLEDirectedAdvertisingReport reads what follows the subevent code.
func ParseLEDirectedAdvertisingReport(b []byte) (LEDirectedAdvertisingReport, error) {
	const name, length = "LE Directed Advertising Report", 16
	n, err := parseOctet(name, "Num_Reports", b)
	if err != nil {
		return LEDirectedAdvertisingReport{}, err
	}
	reports := make([]DirectedReport, 0, min(int(n), len(b)/length))
	for at := 1; len(reports) < int(n); at += length {
		if err := shorter(name, b, []field{{"Event_Type", at + 1}, {"Address_Type", at + 2}, {"Address", at + 8},
			{"Direct_Address_Type", at + 9}, {"Direct_Address", at + 15}, {"RSSI", at + 16}}); err != nil {
			return LEDirectedAdvertisingReport{}, err
		}
		r := DirectedReport{Type: ReportType(b[at]), RSSI: int8(b[at+15])}
		r.Address, r.Resolved = addressAt(b[at+1:])
		r.Direct, r.DirectResolved = addressAt(b[at+8:])
		reports = append(reports, r)
	}
	return LEDirectedAdvertisingReport{reports}, nil
}

// LEScanTimeout tells that an extended scan is over (Vol 4, Part E, 7.7.65.17).
type LEScanTimeout struct{}

func (LEScanTimeout) Code() EventCode          { return EvLEMeta }
func (LEScanTimeout) AppendTo(b []byte) []byte { return append(b, byte(EvLEScanTimeout)) }
