package hci

// SyncOptions are how to follow a periodic advertiser. Skip is in events, Timeout in units of 10 ms.
type SyncOptions struct {
	Skip, Timeout uint16
	CTEType       uint8
}

func (o SyncOptions) AppendTo(b []byte) []byte {
	return append(append16(b, o.Skip, o.Timeout), o.CTEType)
}

func syncOptionsAt(b []byte) SyncOptions { return SyncOptions{at16(b, 0), at16(b, 2), b[4]} }

// LEPeriodicAdvertisingCreateSync begins to follow a periodic advertiser, while scanning (Vol 4, Part E,
// 7.8.67). Options: bit 0 takes one of the periodic advertiser list, bit 1 begins without reports, bit 2
// filters duplicates.
type LEPeriodicAdvertisingCreateSync struct {
	Options    uint8
	SID        uint8
	Advertiser Address
	Sync       SyncOptions
}

func (LEPeriodicAdvertisingCreateSync) Opcode() Opcode { return OpLEPeriodicAdvertisingCreateSync }
func (c LEPeriodicAdvertisingCreateSync) AppendTo(b []byte) []byte {
	return c.Sync.AppendTo(c.Advertiser.AppendTo(append(b, c.Options, c.SID)))
}

// ParseLEPeriodicAdvertisingCreateSync reads the parameters of LEPeriodicAdvertisingCreateSync.
func ParseLEPeriodicAdvertisingCreateSync(b []byte) (c LEPeriodicAdvertisingCreateSync, err error) {
	if err := shorter("LE Periodic Advertising Create Sync", b, []field{{"Options", 1}, {"Advertising_SID", 2}, {"Advertiser_Address_Type", 3},
		{"Advertiser_Address", 9}, {"Skip", 11}, {"Sync_Timeout", 13}, {"Sync_CTE_Type", 14}}); err != nil {
		return c, err
	}
	c.Options, c.SID, c.Sync = b[0], b[1], syncOptionsAt(b[9:])
	c.Advertiser, _ = addressAt(b[2:])
	return c, nil
}

// LEPeriodicAdvertisingTerminateSync ends it (Vol 4, Part E, 7.8.69).
type LEPeriodicAdvertisingTerminateSync struct{ SyncHandle uint16 }

func (LEPeriodicAdvertisingTerminateSync) Opcode() Opcode {
	return OpLEPeriodicAdvertisingTerminateSync
}
func (c LEPeriodicAdvertisingTerminateSync) AppendTo(b []byte) []byte {
	return append16(b, c.SyncHandle)
}

// ParseLEPeriodicAdvertisingTerminateSync reads the parameters of LEPeriodicAdvertisingTerminateSync.
func ParseLEPeriodicAdvertisingTerminateSync(b []byte) (LEPeriodicAdvertisingTerminateSync, error) {
	if err := shorter("LE Periodic Advertising Terminate Sync", b, []field{{"Sync_Handle", 2}}); err != nil {
		return LEPeriodicAdvertisingTerminateSync{}, err
	}
	return LEPeriodicAdvertisingTerminateSync{handleAt(b)}, nil
}

// PeriodicAdvertiser is the parameter of the commands that add to and remove from the periodic advertiser
// list (Vol 4, Part E, 7.8.70 and 7.8.71).
type PeriodicAdvertiser struct {
	Op         Opcode
	Advertiser Address
	SID        uint8
}

// LEAddDeviceToPeriodicAdvertiserList adds an advertiser's set.
func LEAddDeviceToPeriodicAdvertiserList(a Address, sid uint8) PeriodicAdvertiser {
	return PeriodicAdvertiser{OpLEAddDeviceToPeriodicAdvertiserList, a, sid}
}

// LERemoveDeviceFromPeriodicAdvertiserList removes an advertiser's set.
func LERemoveDeviceFromPeriodicAdvertiserList(a Address, sid uint8) PeriodicAdvertiser {
	return PeriodicAdvertiser{OpLERemoveDeviceFromPeriodicAdvertiserList, a, sid}
}

func (c PeriodicAdvertiser) Opcode() Opcode           { return c.Op }
func (c PeriodicAdvertiser) AppendTo(b []byte) []byte { return append(c.Advertiser.AppendTo(b), c.SID) }

// ParsePeriodicAdvertiser reads the parameters of the command named by op.
func ParsePeriodicAdvertiser(op Opcode, b []byte) (PeriodicAdvertiser, error) {
	if err := shorter(op.String(), b, []field{{"Advertiser_Address_Type", 1}, {"Advertiser_Address", 7}, {"Advertising_SID", 8}}); err != nil {
		return PeriodicAdvertiser{}, err
	}
	a, _ := addressAt(b)
	return PeriodicAdvertiser{op, a, b[7]}, nil
}

// LESetPeriodicAdvertisingReceiveEnable turns reports on and off: bit 0 of Enable, and bit 1 filters
// duplicates (Vol 4, Part E, 7.8.88).
type LESetPeriodicAdvertisingReceiveEnable struct {
	SyncHandle uint16
	Enable     uint8
}

func (LESetPeriodicAdvertisingReceiveEnable) Opcode() Opcode {
	return OpLESetPeriodicAdvertisingReceiveEnable
}
func (c LESetPeriodicAdvertisingReceiveEnable) AppendTo(b []byte) []byte {
	return append(append16(b, c.SyncHandle), c.Enable)
}

// ParseLESetPeriodicAdvertisingReceiveEnable reads the parameters of LESetPeriodicAdvertisingReceiveEnable.
func ParseLESetPeriodicAdvertisingReceiveEnable(b []byte) (c LESetPeriodicAdvertisingReceiveEnable, err error) {
	if err := shorter("LE Set Periodic Advertising Receive Enable", b, []field{{"Sync_Handle", 2}, {"Enable", 3}}); err != nil {
		return c, err
	}
	return LESetPeriodicAdvertisingReceiveEnable{handleAt(b), b[2]}, nil
}

// PeriodicTrain is what is known of periodic advertising that is followed. Interval is in units of 1.25 ms.
type PeriodicTrain struct {
	SyncHandle    uint16
	SID           uint8
	Advertiser    Address
	Resolved      bool
	PHY           PHY
	Interval      uint16
	ClockAccuracy uint8
}

func (p PeriodicTrain) AppendTo(b []byte) []byte {
	b = append(append16(b, p.SyncHandle), p.SID, identityType(p.Advertiser, p.Resolved))
	b = append(append(b, p.Advertiser.Octets[:]...), byte(p.PHY))
	return append(append16(b, p.Interval), p.ClockAccuracy)
}

// periodicTrainFields are its fields from i on, and those of Subevents behind them.
func periodicTrainFields(i int) []field {
	return []field{{"Sync_Handle", i + 2}, {"Advertising_SID", i + 3}, {"Advertiser_Address_Type", i + 4}, {"Advertiser_Address", i + 10},
		{"Advertiser_PHY", i + 11}, {"Periodic_Advertising_Interval", i + 13}, {"Advertiser_Clock_Accuracy", i + 14}, {"Num_Subevents", i + 15},
		{"Subevent_Interval", i + 16}, {"Response_Slot_Delay", i + 17}, {"Response_Slot_Spacing", i + 18}}
}

const periodicTrainFieldCount = 7 // of those above, without Subevents

func periodicTrainAt(b []byte) PeriodicTrain {
	p := PeriodicTrain{SyncHandle: handleAt(b), SID: b[2], PHY: PHY(b[10]), Interval: at16(b, 11), ClockAccuracy: b[13]}
	p.Advertiser, p.Resolved = addressAt(b[3:])
	return p
}

// LEPeriodicAdvertisingSyncEstablished answers LEPeriodicAdvertisingCreateSync (Vol 4, Part E, 7.7.65.14).
type LEPeriodicAdvertisingSyncEstablished struct {
	Status Status
	Train  PeriodicTrain
}

func (LEPeriodicAdvertisingSyncEstablished) Code() EventCode { return EvLEMeta }
func (e LEPeriodicAdvertisingSyncEstablished) AppendTo(b []byte) []byte {
	return e.Train.AppendTo(append(b, byte(EvLEPeriodicAdvertisingSyncEstablished), byte(e.Status)))
}

// ParseLEPeriodicAdvertisingSyncEstablished reads what follows the subevent code.
func ParseLEPeriodicAdvertisingSyncEstablished(b []byte) (e LEPeriodicAdvertisingSyncEstablished, err error) {
	fields := append([]field{{"Status", 1}}, periodicTrainFields(1)[:periodicTrainFieldCount]...)
	if err := shorter(EvLEPeriodicAdvertisingSyncEstablished.String(), b, fields); err != nil {
		return e, err
	}
	return LEPeriodicAdvertisingSyncEstablished{Status(b[0]), periodicTrainAt(b[1:])}, nil
}

// LEPeriodicAdvertisingSyncEstablishedV2 also tells the subevents.
type LEPeriodicAdvertisingSyncEstablishedV2 struct {
	LEPeriodicAdvertisingSyncEstablished
	Subevents Subevents
}

func (e LEPeriodicAdvertisingSyncEstablishedV2) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEPeriodicAdvertisingSyncEstablishedV2), byte(e.Status))
	return e.Subevents.AppendTo(e.Train.AppendTo(b))
}

// ParseLEPeriodicAdvertisingSyncEstablishedV2 reads what follows the subevent code.
func ParseLEPeriodicAdvertisingSyncEstablishedV2(b []byte) (e LEPeriodicAdvertisingSyncEstablishedV2, err error) {
	if err := shorter(EvLEPeriodicAdvertisingSyncEstablishedV2.String(), b, append([]field{{"Status", 1}}, periodicTrainFields(1)...)); err != nil {
		return e, err
	}
	e.Status, e.Train, e.Subevents = Status(b[0]), periodicTrainAt(b[1:]), subeventsAt(b[15:])
	return e, nil
}

// LEPeriodicAdvertisingSyncLost tells that nothing was heard for the time-out (Vol 4, Part E, 7.7.65.16).
type LEPeriodicAdvertisingSyncLost struct{ SyncHandle uint16 }

func (LEPeriodicAdvertisingSyncLost) Code() EventCode { return EvLEMeta }
func (e LEPeriodicAdvertisingSyncLost) AppendTo(b []byte) []byte {
	return append16(append(b, byte(EvLEPeriodicAdvertisingSyncLost)), e.SyncHandle)
}

// ParseLEPeriodicAdvertisingSyncLost reads what follows the subevent code.
func ParseLEPeriodicAdvertisingSyncLost(b []byte) (LEPeriodicAdvertisingSyncLost, error) {
	if err := shorter("LE Periodic Advertising Sync Lost", b, []field{{"Sync_Handle", 2}}); err != nil {
		return LEPeriodicAdvertisingSyncLost{}, err
	}
	return LEPeriodicAdvertisingSyncLost{handleAt(b)}, nil
}

// LEPeriodicAdvertisingReport is what was heard of it (Vol 4, Part E, 7.7.65.15). Data aliases what was
// parsed; what is more than 247 octets is cut.
type LEPeriodicAdvertisingReport struct {
	SyncHandle    uint16
	TXPower, RSSI int8 // dBm
	CTEType       uint8
	DataStatus    DataStatus
	Data          []byte
}

// maxPeriodicReport is what a report holds of data; v2, with three octets more, 244.
const maxPeriodicReport = 247

func (LEPeriodicAdvertisingReport) Code() EventCode { return EvLEMeta }
func (e LEPeriodicAdvertisingReport) AppendTo(b []byte) []byte {
	b = append(append16(append(b, byte(EvLEPeriodicAdvertisingReport)), e.SyncHandle), byte(e.TXPower), byte(e.RSSI), e.CTEType, byte(e.DataStatus))
	return appendCounted(b, e.Data, maxPeriodicReport)
}

// ParseLEPeriodicAdvertisingReport reads what follows the subevent code.
func ParseLEPeriodicAdvertisingReport(b []byte) (e LEPeriodicAdvertisingReport, err error) {
	name := EvLEPeriodicAdvertisingReport.String()
	if err := shorter(name, b, []field{{"Sync_Handle", 2}, {"TX_Power", 3}, {"RSSI", 4}, {"CTE_Type", 5}, {"Data_Status", 6}}); err != nil {
		return e, err
	}
	data, _, err := countedAt(name, "Data", b, 6)
	if err != nil {
		return e, err
	}
	return LEPeriodicAdvertisingReport{handleAt(b), int8(b[2]), int8(b[3]), b[4], DataStatus(b[5]), data}, nil
}

// LEPeriodicAdvertisingReportV2 also tells when: the event and the subevent, 0xFF without subevents.
type LEPeriodicAdvertisingReportV2 struct {
	LEPeriodicAdvertisingReport
	EventCounter uint16
	Subevent     uint8
}

func (e LEPeriodicAdvertisingReportV2) AppendTo(b []byte) []byte {
	b = append(append16(append(b, byte(EvLEPeriodicAdvertisingReportV2)), e.SyncHandle), byte(e.TXPower), byte(e.RSSI), e.CTEType)
	b = append(append16(b, e.EventCounter), e.Subevent, byte(e.DataStatus))
	return appendCounted(b, e.Data, maxPeriodicReport-3)
}

// ParseLEPeriodicAdvertisingReportV2 reads what follows the subevent code.
func ParseLEPeriodicAdvertisingReportV2(b []byte) (e LEPeriodicAdvertisingReportV2, err error) {
	name := EvLEPeriodicAdvertisingReportV2.String()
	if err := shorter(name, b, []field{{"Sync_Handle", 2}, {"TX_Power", 3}, {"RSSI", 4}, {"CTE_Type", 5}, {"Periodic_Event_Counter", 7},
		{"Subevent", 8}, {"Data_Status", 9}}); err != nil {
		return e, err
	}
	data, _, err := countedAt(name, "Data", b, 9)
	if err != nil {
		return e, err
	}
	v1 := LEPeriodicAdvertisingReport{handleAt(b), int8(b[2]), int8(b[3]), b[4], DataStatus(b[8]), data}
	return LEPeriodicAdvertisingReportV2{v1, at16(b, 5), b[7]}, nil
}
