package hci

// Periodic advertising with responses.

// SubeventData is what is advertised in one subevent, and the slots in which it may be answered. Data aliases what was
// parsed.
type SubeventData struct {
	Subevent             uint8
	SlotStart, SlotCount uint8 // of the response slots
	Data                 []byte
}

// LESetPeriodicAdvertisingSubeventData answers LEPeriodicAdvertisingSubeventDataRequest (Vol 4, Part E, 7.8.125). The
// controller returns the advertising handle. What is more than one command holds is left out: 255 octets, of which each
// subevent takes four and its data.
type LESetPeriodicAdvertisingSubeventData struct {
	AdvertisingHandle uint8
	Subevents         []SubeventData
}

func (LESetPeriodicAdvertisingSubeventData) Opcode() Opcode {
	return OpLESetPeriodicAdvertisingSubeventData
}
func (c LESetPeriodicAdvertisingSubeventData) AppendTo(b []byte) []byte {
	const most = 255
	begin := len(b)
	b = append(b, c.AdvertisingHandle, 0)
	for _, s := range c.Subevents {
		if len(b)-begin+4+len(s.Data) > most {
			break
		}
		b = append(append(b, s.Subevent, s.SlotStart, s.SlotCount, byte(len(s.Data))), s.Data...)
		b[begin+1]++
	}
	return b
}

// ParseLESetPeriodicAdvertisingSubeventData reads the parameters of LESetPeriodicAdvertisingSubeventData.
func ParseLESetPeriodicAdvertisingSubeventData(b []byte) (c LESetPeriodicAdvertisingSubeventData, err error) {
	name := OpLESetPeriodicAdvertisingSubeventData.String()
	if err := shorter(name, b, []field{{"Advertising_Handle", 1}, {"Num_Subevents", 2}}); err != nil {
		return c, err
	}
	at := 2
	for range b[1] {
		if err := shorter(name, b, []field{{"Subevent", at + 1}, {"Response_Slot_Start", at + 2}, {"Response_Slot_Count", at + 3}}); err != nil {
			return LESetPeriodicAdvertisingSubeventData{}, err
		}
		data, end, err := countedAt(name, "Subevent_Data", b, at+3)
		if err != nil {
			return LESetPeriodicAdvertisingSubeventData{}, err
		}
		c.Subevents = append(c.Subevents, SubeventData{b[at], b[at+1], b[at+2], data})
		at = end
	}
	c.AdvertisingHandle = b[0]
	return c, nil
}

// MaxPeriodicResponse is what one response holds, in octets.
const MaxPeriodicResponse = 247

// LESetPeriodicAdvertisingResponseData answers what was heard in a subevent, in a slot (Vol 4, Part E, 7.8.126). The
// controller returns the sync handle. Data aliases what was parsed; what is more than MaxPeriodicResponse is cut.
type LESetPeriodicAdvertisingResponseData struct {
	SyncHandle                        uint16
	RequestEvent                      uint16
	RequestSubevent, ResponseSubevent uint8
	Slot                              uint8
	Data                              []byte
}

func (LESetPeriodicAdvertisingResponseData) Opcode() Opcode {
	return OpLESetPeriodicAdvertisingResponseData
}
func (c LESetPeriodicAdvertisingResponseData) AppendTo(b []byte) []byte {
	b = append(append16(b, c.SyncHandle, c.RequestEvent), c.RequestSubevent, c.ResponseSubevent, c.Slot)
	return appendCounted(b, c.Data, MaxPeriodicResponse)
}

// ParseLESetPeriodicAdvertisingResponseData reads the parameters of LESetPeriodicAdvertisingResponseData.
func ParseLESetPeriodicAdvertisingResponseData(b []byte) (c LESetPeriodicAdvertisingResponseData, err error) {
	name := OpLESetPeriodicAdvertisingResponseData.String()
	if err := shorter(name, b, []field{{"Sync_Handle", 2}, {"Request_Event", 4}, {"Request_Subevent", 5}, {"Response_Subevent", 6},
		{"Response_Slot", 7}}); err != nil {
		return c, err
	}
	data, _, err := countedAt(name, "Response_Data", b, 7)
	if err != nil {
		return c, err
	}
	if len(data) > MaxPeriodicResponse {
		return c, InvalidHCICommandParameters
	}
	return LESetPeriodicAdvertisingResponseData{handleAt(b), at16(b, 2), b[4], b[5], b[6], data}, nil
}

// LESetPeriodicSyncSubevent chooses which subevents are listened to (Vol 4, Part E, 7.8.127). Properties are those of
// responses: bit 6 includes the TX power. The controller returns the sync handle. Subevents aliases what was parsed.
type LESetPeriodicSyncSubevent struct {
	SyncHandle uint16
	Properties uint16
	Subevents  []byte
}

// maxSubevents is how many subevents periodic advertising has.
const maxSubevents = 128

func (LESetPeriodicSyncSubevent) Opcode() Opcode { return OpLESetPeriodicSyncSubevent }
func (c LESetPeriodicSyncSubevent) AppendTo(b []byte) []byte {
	return appendCounted(append16(b, c.SyncHandle, c.Properties), c.Subevents, maxSubevents)
}

// ParseLESetPeriodicSyncSubevent reads the parameters of LESetPeriodicSyncSubevent.
func ParseLESetPeriodicSyncSubevent(b []byte) (c LESetPeriodicSyncSubevent, err error) {
	name := OpLESetPeriodicSyncSubevent.String()
	if err := shorter(name, b, []field{{"Sync_Handle", 2}, {"Periodic_Advertising_Properties", 4}, {"Num_Subevents", 5}}); err != nil {
		return c, err
	}
	end := 5 + int(b[4])
	if err := shorter(name, b, []field{{"Subevent", end}}); err != nil {
		return c, err
	}
	if end > 5+maxSubevents {
		return c, InvalidHCICommandParameters
	}
	return LESetPeriodicSyncSubevent{handleAt(b), at16(b, 2), b[5:end:end]}, nil
}

// LEPeriodicAdvertisingSubeventDataRequest asks for the data of the subevents to come (Vol 4, Part E, 7.7.65.36).
type LEPeriodicAdvertisingSubeventDataRequest struct{ AdvertisingHandle, Start, Count uint8 }

func (LEPeriodicAdvertisingSubeventDataRequest) Code() EventCode { return EvLEMeta }
func (e LEPeriodicAdvertisingSubeventDataRequest) AppendTo(b []byte) []byte {
	return append(b, byte(EvLEPeriodicAdvertisingSubeventDataRequest), e.AdvertisingHandle, e.Start, e.Count)
}

// ParseLEPeriodicAdvertisingSubeventDataRequest reads what follows the subevent code.
func ParseLEPeriodicAdvertisingSubeventDataRequest(b []byte) (e LEPeriodicAdvertisingSubeventDataRequest, err error) {
	if err := shorter(EvLEPeriodicAdvertisingSubeventDataRequest.String(), b, []field{{"Advertising_Handle", 1}, {"Subevent_Start", 2},
		{"Subevent_Data_Count", 3}}); err != nil {
		return e, err
	}
	return LEPeriodicAdvertisingSubeventDataRequest{b[0], b[1], b[2]}, nil
}

// PeriodicResponse is what was heard in one slot. Data aliases what was parsed.
type PeriodicResponse struct {
	TXPower, RSSI int8 // dBm
	CTEType       uint8
	Slot          uint8
	DataStatus    DataStatus
	Data          []byte
}

// LEPeriodicAdvertisingResponseReport is what was answered in a subevent (Vol 4, Part E, 7.7.65.37).
type LEPeriodicAdvertisingResponseReport struct {
	AdvertisingHandle, Subevent uint8
	TXStatus                    uint8 // 0 if the subevent was sent
	Responses                   []PeriodicResponse
}

func (LEPeriodicAdvertisingResponseReport) Code() EventCode { return EvLEMeta }
func (e LEPeriodicAdvertisingResponseReport) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEPeriodicAdvertisingResponseReport), e.AdvertisingHandle, e.Subevent, e.TXStatus, byte(len(e.Responses)))
	for _, r := range e.Responses {
		b = append(b, byte(r.TXPower), byte(r.RSSI), r.CTEType, r.Slot, byte(r.DataStatus))
		b = appendCounted(b, r.Data, MaxPeriodicResponse)
	}
	return b
}

// ParseLEPeriodicAdvertisingResponseReport reads what follows the subevent code.
func ParseLEPeriodicAdvertisingResponseReport(b []byte) (e LEPeriodicAdvertisingResponseReport, err error) {
	name := EvLEPeriodicAdvertisingResponseReport.String()
	if err := shorter(name, b, []field{{"Advertising_Handle", 1}, {"Subevent", 2}, {"Tx_Status", 3}, {"Num_Responses", 4}}); err != nil {
		return e, err
	}
	at := 4
	for range b[3] {
		if err := shorter(name, b, []field{{"TX_Power", at + 1}, {"RSSI", at + 2}, {"CTE_Type", at + 3}, {"Response_Slot", at + 4},
			{"Data_Status", at + 5}}); err != nil {
			return LEPeriodicAdvertisingResponseReport{}, err
		}
		data, end, err := countedAt(name, "Data", b, at+5)
		if err != nil {
			return LEPeriodicAdvertisingResponseReport{}, err
		}
		e.Responses = append(e.Responses, PeriodicResponse{int8(b[at]), int8(b[at+1]), b[at+2], b[at+3], DataStatus(b[at+4]), data})
		at = end
	}
	e.AdvertisingHandle, e.Subevent, e.TXStatus = b[0], b[1], b[2]
	return e, nil
}
