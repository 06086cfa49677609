package hci

import (
	"encoding/binary"
	"fmt"
)

// Subevent names an LE Meta event (Vol 4, Part E, 7.7.65).
type Subevent uint8

const (
	EvLEConnectionComplete                        Subevent = 0x01
	EvLEAdvertisingReport                         Subevent = 0x02
	EvLEConnectionUpdateComplete                  Subevent = 0x03
	EvLEReadRemoteFeaturesComplete                Subevent = 0x04
	EvLELongTermKeyRequest                        Subevent = 0x05
	EvLERemoteConnectionParameterRequest          Subevent = 0x06
	EvLEDataLengthChange                          Subevent = 0x07
	EvLEReadLocalP256PublicKeyComplete            Subevent = 0x08
	EvLEGenerateDHKeyComplete                     Subevent = 0x09
	EvLEEnhancedConnectionComplete                Subevent = 0x0A
	EvLEDirectedAdvertisingReport                 Subevent = 0x0B
	EvLEPHYUpdateComplete                         Subevent = 0x0C
	EvLEExtendedAdvertisingReport                 Subevent = 0x0D
	EvLEPeriodicAdvertisingSyncEstablished        Subevent = 0x0E
	EvLEPeriodicAdvertisingReport                 Subevent = 0x0F
	EvLEPeriodicAdvertisingSyncLost               Subevent = 0x10
	EvLEScanTimeout                               Subevent = 0x11
	EvLEAdvertisingSetTerminated                  Subevent = 0x12
	EvLEScanRequestReceived                       Subevent = 0x13
	EvLEChannelSelectionAlgorithm                 Subevent = 0x14
	EvLEConnectionlessIQReport                    Subevent = 0x15
	EvLEConnectionIQReport                        Subevent = 0x16
	EvLECTERequestFailed                          Subevent = 0x17
	EvLEPeriodicAdvertisingSyncTransferReceived   Subevent = 0x18
	EvLERequestPeerSCAComplete                    Subevent = 0x1F
	EvLEPathLossThreshold                         Subevent = 0x20
	EvLETransmitPowerReporting                    Subevent = 0x21
	EvLESubrateChange                             Subevent = 0x23
	EvLEPeriodicAdvertisingSyncEstablishedV2      Subevent = 0x24
	EvLEPeriodicAdvertisingReportV2               Subevent = 0x25
	EvLEPeriodicAdvertisingSyncTransferReceivedV2 Subevent = 0x26
	EvLEPeriodicAdvertisingSubeventDataRequest    Subevent = 0x27
	EvLEPeriodicAdvertisingResponseReport         Subevent = 0x28
	EvLEEnhancedConnectionCompleteV2              Subevent = 0x29
)

var subeventNames = map[Subevent]string{
	EvLEConnectionComplete:                        "LE Connection Complete",
	EvLEAdvertisingReport:                         "LE Advertising Report",
	EvLEConnectionUpdateComplete:                  "LE Connection Update Complete",
	EvLEReadRemoteFeaturesComplete:                "LE Read Remote Features Complete",
	EvLELongTermKeyRequest:                        "LE Long Term Key Request",
	EvLERemoteConnectionParameterRequest:          "LE Remote Connection Parameter Request",
	EvLEDataLengthChange:                          "LE Data Length Change",
	EvLEReadLocalP256PublicKeyComplete:            "LE Read Local P-256 Public Key Complete",
	EvLEGenerateDHKeyComplete:                     "LE Generate DHKey Complete",
	EvLEEnhancedConnectionComplete:                "LE Enhanced Connection Complete",
	EvLEDirectedAdvertisingReport:                 "LE Directed Advertising Report",
	EvLEPHYUpdateComplete:                         "LE PHY Update Complete",
	EvLEExtendedAdvertisingReport:                 "LE Extended Advertising Report",
	EvLEPeriodicAdvertisingSyncEstablished:        "LE Periodic Advertising Sync Established",
	EvLEPeriodicAdvertisingReport:                 "LE Periodic Advertising Report",
	EvLEPeriodicAdvertisingSyncLost:               "LE Periodic Advertising Sync Lost",
	EvLEScanTimeout:                               "LE Scan Timeout",
	EvLEAdvertisingSetTerminated:                  "LE Advertising Set Terminated",
	EvLEScanRequestReceived:                       "LE Scan Request Received",
	EvLEChannelSelectionAlgorithm:                 "LE Channel Selection Algorithm",
	EvLEConnectionlessIQReport:                    "LE Connectionless IQ Report",
	EvLEConnectionIQReport:                        "LE Connection IQ Report",
	EvLECTERequestFailed:                          "LE CTE Request Failed",
	EvLEPeriodicAdvertisingSyncTransferReceived:   "LE Periodic Advertising Sync Transfer Received",
	EvLERequestPeerSCAComplete:                    "LE Request Peer SCA Complete",
	EvLEPathLossThreshold:                         "LE Path Loss Threshold",
	EvLETransmitPowerReporting:                    "LE Transmit Power Reporting",
	EvLESubrateChange:                             "LE Subrate Change",
	EvLEPeriodicAdvertisingSyncEstablishedV2:      "LE Periodic Advertising Sync Established [v2]",
	EvLEPeriodicAdvertisingReportV2:               "LE Periodic Advertising Report [v2]",
	EvLEPeriodicAdvertisingSyncTransferReceivedV2: "LE Periodic Advertising Sync Transfer Received [v2]",
	EvLEPeriodicAdvertisingSubeventDataRequest:    "LE Periodic Advertising Subevent Data Request",
	EvLEPeriodicAdvertisingResponseReport:         "LE Periodic Advertising Response Report",
	EvLEEnhancedConnectionCompleteV2:              "LE Enhanced Connection Complete [v2]",
}

func (s Subevent) String() string {
	if name, ok := subeventNames[s]; ok {
		return name
	}
	return fmt.Sprintf("LE subevent 0x%02X", uint8(s))
}

// ParseLEMeta splits the parameters of an LE Meta event into its subevent code and what follows, which the
// Parse functions of the subevents take.
func ParseLEMeta(b []byte) (Subevent, []byte, error) {
	if len(b) < 1 {
		return 0, nil, &ShortError{What: "LE Meta: Subevent_Code", Length: 0, Want: 1}
	}
	return Subevent(b[0]), b[1:], nil
}

// LEConnectionComplete begins a connection, or says that there is none (Vol 4, Part E, 7.7.65.1).
// Interval is in units of 1.25 ms, SupervisionTimeout of 10 ms.
type LEConnectionComplete struct {
	Status             Status
	Handle             uint16
	Role               Role
	Peer               Address
	PeerResolved       bool // Peer is an identity that the controller resolved
	Interval           uint16
	Latency            uint16
	SupervisionTimeout uint16
	ClockAccuracy      uint8
}

func (LEConnectionComplete) Code() EventCode { return EvLEMeta }
func (e LEConnectionComplete) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEConnectionComplete))
	return e.appendTail(e.appendHead(b))
}

func (e LEConnectionComplete) appendHead(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, byte(e.Status)), e.Handle)
	b = append(b, byte(e.Role), byte(e.Peer.Type)|octet(e.PeerResolved)<<1)
	return append(b, e.Peer.Octets[:]...)
}

func (e LEConnectionComplete) appendTail(b []byte) []byte {
	for _, v := range [...]uint16{e.Interval, e.Latency, e.SupervisionTimeout} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return append(b, e.ClockAccuracy)
}

// ParseLEConnectionComplete reads what follows the subevent code.
func ParseLEConnectionComplete(b []byte) (e LEConnectionComplete, err error) {
	if err := shorter("LE Connection Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Role", 4}, {"Peer_Address_Type", 5},
		{"Peer_Address", 11}, {"Connection_Interval", 13}, {"Peripheral_Latency", 15}, {"Supervision_Timeout", 17}, {"Central_Clock_Accuracy", 18}}); err != nil {
		return e, err
	}
	e.setHead(b)
	e.setTail(b[11:])
	return e, nil
}

func (e *LEConnectionComplete) setHead(b []byte) {
	e.Status, e.Handle, e.Role = Status(b[0]), handleAt(b[1:]), Role(b[3])
	e.Peer, e.PeerResolved = addressAt(b[4:])
}

func (e *LEConnectionComplete) setTail(b []byte) {
	e.Interval, e.Latency, e.SupervisionTimeout = binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b[4:])
	e.ClockAccuracy = b[6]
}

// LEEnhancedConnectionComplete is LEConnectionComplete with the resolvable addresses that were used on air,
// all zero where there were none (Vol 4, Part E, 7.7.65.10).
type LEEnhancedConnectionComplete struct {
	LEConnectionComplete
	LocalResolvable [6]byte
	PeerResolvable  [6]byte
}

func (e LEEnhancedConnectionComplete) AppendTo(b []byte) []byte {
	b = e.appendHead(append(b, byte(EvLEEnhancedConnectionComplete)))
	b = append(append(b, e.LocalResolvable[:]...), e.PeerResolvable[:]...)
	return e.appendTail(b)
}

// ParseLEEnhancedConnectionComplete reads what follows the subevent code.
func ParseLEEnhancedConnectionComplete(b []byte) (e LEEnhancedConnectionComplete, err error) {
	if err := shorter("LE Enhanced Connection Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Role", 4}, {"Peer_Address_Type", 5},
		{"Peer_Address", 11}, {"Local_Resolvable_Private_Address", 17}, {"Peer_Resolvable_Private_Address", 23}, {"Connection_Interval", 25},
		{"Peripheral_Latency", 27}, {"Supervision_Timeout", 29}, {"Central_Clock_Accuracy", 30}}); err != nil {
		return e, err
	}
	e.setHead(b)
	copy(e.LocalResolvable[:], b[11:])
	copy(e.PeerResolvable[:], b[17:])
	e.setTail(b[23:])
	return e, nil
}

// ReportType is what a legacy advertising report is of (Vol 4, Part E, 7.7.65.2).
type ReportType uint8

const (
	ReportAdvInd        ReportType = 0x00
	ReportAdvDirectInd  ReportType = 0x01
	ReportAdvScanInd    ReportType = 0x02
	ReportAdvNonconnInd ReportType = 0x03
	ReportScanRsp       ReportType = 0x04
)

// AdvertisingReport is one report of an LE Advertising Report event. Data aliases what was parsed.
type AdvertisingReport struct {
	Type     ReportType
	Address  Address
	Resolved bool
	Data     []byte
	RSSI     int8 // dBm; 127: not known
}

// LEAdvertisingReport is what a scanner heard (Vol 4, Part E, 7.7.65.2).
type LEAdvertisingReport struct{ Reports []AdvertisingReport }

func (LEAdvertisingReport) Code() EventCode { return EvLEMeta }
func (e LEAdvertisingReport) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEAdvertisingReport), byte(len(e.Reports)))
	for _, r := range e.Reports {
		b = append(b, byte(r.Type), byte(r.Address.Type)|octet(r.Resolved)<<1)
		b = append(append(b, r.Address.Octets[:]...), byte(len(r.Data)))
		b = append(append(b, r.Data...), byte(r.RSSI))
	}
	return b
}

// ParseLEAdvertisingReport reads what follows the subevent code. Controllers lay several reports one
// behind the other, as the specification's text shows and every host expects. It refuses the whole event
// when any report is cut.
func ParseLEAdvertisingReport(b []byte) (LEAdvertisingReport, error) {
	if len(b) < 1 {
		return LEAdvertisingReport{}, &ShortError{What: "LE Advertising Report: Num_Reports", Length: 0, Want: 1}
	}
	n, at := int(b[0]), 1
	const head = 9 // type, address type, address, data length
	reports := make([]AdvertisingReport, 0, min(n, len(b)/(head+1)))
	for range n {
		if err := shorter("LE Advertising Report", b, []field{{"Event_Type", at + 1}, {"Address_Type", at + 2}, {"Address", at + 8}, {"Data_Length", at + head}}); err != nil {
			return LEAdvertisingReport{}, err
		}
		end := at + head + int(b[at+8])
		if err := shorter("LE Advertising Report", b, []field{{"Data", end}, {"RSSI", end + 1}}); err != nil {
			return LEAdvertisingReport{}, err
		}
		r := AdvertisingReport{Type: ReportType(b[at]), Data: b[at+head : end : end], RSSI: int8(b[end])}
		r.Address, r.Resolved = addressAt(b[at+1:])
		reports, at = append(reports, r), end+1
	}
	return LEAdvertisingReport{reports}, nil
}

// LEConnectionUpdateComplete tells new connection parameters (Vol 4, Part E, 7.7.65.3). Interval is in
// units of 1.25 ms, SupervisionTimeout of 10 ms.
type LEConnectionUpdateComplete struct {
	Status                                Status
	Handle                                uint16
	Interval, Latency, SupervisionTimeout uint16
}

func (LEConnectionUpdateComplete) Code() EventCode { return EvLEMeta }
func (e LEConnectionUpdateComplete) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEConnectionUpdateComplete), byte(e.Status))
	for _, v := range [...]uint16{e.Handle, e.Interval, e.Latency, e.SupervisionTimeout} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

// ParseLEConnectionUpdateComplete reads what follows the subevent code.
func ParseLEConnectionUpdateComplete(b []byte) (e LEConnectionUpdateComplete, err error) {
	if err := shorter("LE Connection Update Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Connection_Interval", 5},
		{"Peripheral_Latency", 7}, {"Supervision_Timeout", 9}}); err != nil {
		return e, err
	}
	at := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	return LEConnectionUpdateComplete{Status(b[0]), handleAt(b[1:]), at(3), at(5), at(7)}, nil
}

// LEReadRemoteFeaturesComplete tells the other side's LE features (Vol 4, Part E, 7.7.65.4).
type LEReadRemoteFeaturesComplete struct {
	Status   Status
	Handle   uint16
	Features uint64
}

func (LEReadRemoteFeaturesComplete) Code() EventCode { return EvLEMeta }
func (e LEReadRemoteFeaturesComplete) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEReadRemoteFeaturesComplete), byte(e.Status))
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint16(b, e.Handle), e.Features)
}

// ParseLEReadRemoteFeaturesComplete reads what follows the subevent code.
func ParseLEReadRemoteFeaturesComplete(b []byte) (e LEReadRemoteFeaturesComplete, err error) {
	if err := shorter("LE Read Remote Features Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"LE_Features", 11}}); err != nil {
		return e, err
	}
	return LEReadRemoteFeaturesComplete{Status(b[0]), handleAt(b[1:]), binary.LittleEndian.Uint64(b[3:])}, nil
}

// LELongTermKeyRequest asks the host for a key (Vol 4, Part E, 7.7.65.5).
type LELongTermKeyRequest struct {
	Handle uint16
	Random [8]byte
	EDIV   uint16
}

func (LELongTermKeyRequest) Code() EventCode { return EvLEMeta }
func (e LELongTermKeyRequest) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, byte(EvLELongTermKeyRequest)), e.Handle)
	return binary.LittleEndian.AppendUint16(append(b, e.Random[:]...), e.EDIV)
}

// ParseLELongTermKeyRequest reads what follows the subevent code.
func ParseLELongTermKeyRequest(b []byte) (e LELongTermKeyRequest, err error) {
	if err := shorter("LE Long Term Key Request", b, []field{{"Connection_Handle", 2}, {"Random_Number", 10}, {"Encrypted_Diversifier", 12}}); err != nil {
		return e, err
	}
	e.Handle, e.EDIV = handleAt(b), binary.LittleEndian.Uint16(b[10:])
	copy(e.Random[:], b[2:])
	return e, nil
}

// LERemoteConnectionParameterRequest is the peer's wish for other parameters (Vol 4, Part E, 7.7.65.6), in
// the units of ConnectionParameters.
type LERemoteConnectionParameterRequest struct {
	Handle                   uint16
	IntervalMin, IntervalMax uint16
	Latency                  uint16
	SupervisionTimeout       uint16
}

func (LERemoteConnectionParameterRequest) Code() EventCode { return EvLEMeta }
func (e LERemoteConnectionParameterRequest) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLERemoteConnectionParameterRequest))
	for _, v := range [...]uint16{e.Handle, e.IntervalMin, e.IntervalMax, e.Latency, e.SupervisionTimeout} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

// ParseLERemoteConnectionParameterRequest reads what follows the subevent code.
func ParseLERemoteConnectionParameterRequest(b []byte) (e LERemoteConnectionParameterRequest, err error) {
	if err := shorter("LE Remote Connection Parameter Request", b, []field{{"Connection_Handle", 2}, {"Interval_Min", 4}, {"Interval_Max", 6},
		{"Max_Latency", 8}, {"Timeout", 10}}); err != nil {
		return e, err
	}
	at := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	return LERemoteConnectionParameterRequest{handleAt(b), at(2), at(4), at(6), at(8)}, nil
}
