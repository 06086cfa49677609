package hci

// LEPeriodicAdvertisingSyncTransfer tells a peer where the periodic advertising is that is followed (Vol 4,
// Part E, 7.8.89). The controller returns the connection handle.
type LEPeriodicAdvertisingSyncTransfer struct{ Handle, ServiceData, SyncHandle uint16 }

func (LEPeriodicAdvertisingSyncTransfer) Opcode() Opcode {
	return OpLEPeriodicAdvertisingSyncTransfer
}
func (c LEPeriodicAdvertisingSyncTransfer) AppendTo(b []byte) []byte {
	return append16(b, c.Handle, c.ServiceData, c.SyncHandle)
}

// ParseLEPeriodicAdvertisingSyncTransfer reads the parameters of LEPeriodicAdvertisingSyncTransfer.
func ParseLEPeriodicAdvertisingSyncTransfer(b []byte) (c LEPeriodicAdvertisingSyncTransfer, err error) {
	if err := shorter("LE Periodic Advertising Sync Transfer", b, []field{{"Connection_Handle", 2}, {"Service_Data", 4}, {"Sync_Handle", 6}}); err != nil {
		return c, err
	}
	return LEPeriodicAdvertisingSyncTransfer{handleAt(b), at16(b, 2), handleAt(b[4:])}, nil
}

// LEPeriodicAdvertisingSetInfoTransfer tells a peer where the periodic advertising of a set is (Vol 4, Part
// E, 7.8.90). The controller returns the connection handle.
type LEPeriodicAdvertisingSetInfoTransfer struct {
	Handle, ServiceData uint16
	AdvertisingHandle   uint8
}

func (LEPeriodicAdvertisingSetInfoTransfer) Opcode() Opcode {
	return OpLEPeriodicAdvertisingSetInfoTransfer
}
func (c LEPeriodicAdvertisingSetInfoTransfer) AppendTo(b []byte) []byte {
	return append(append16(b, c.Handle, c.ServiceData), c.AdvertisingHandle)
}

// ParseLEPeriodicAdvertisingSetInfoTransfer reads the parameters of LEPeriodicAdvertisingSetInfoTransfer.
func ParseLEPeriodicAdvertisingSetInfoTransfer(b []byte) (c LEPeriodicAdvertisingSetInfoTransfer, err error) {
	if err := shorter("LE Periodic Advertising Set Info Transfer", b, []field{{"Connection_Handle", 2}, {"Service_Data", 4}, {"Advertising_Handle", 5}}); err != nil {
		return c, err
	}
	return LEPeriodicAdvertisingSetInfoTransfer{handleAt(b), at16(b, 2), b[4]}, nil
}

// SyncTransferMode is what is done with a peer's transfer: 0 nothing, 1 followed without reports, 2 with
// reports, 3 with duplicates filtered.
type SyncTransferMode uint8

// LESetPeriodicAdvertisingSyncTransferParameters sets what is done with a peer's transfers (Vol 4, Part E,
// 7.8.91). The controller returns the connection handle.
type LESetPeriodicAdvertisingSyncTransferParameters struct {
	Handle uint16
	Mode   SyncTransferMode
	Sync   SyncOptions
}

func (LESetPeriodicAdvertisingSyncTransferParameters) Opcode() Opcode {
	return OpLESetPeriodicAdvertisingSyncTransferParameters
}
func (c LESetPeriodicAdvertisingSyncTransferParameters) AppendTo(b []byte) []byte {
	return c.Sync.AppendTo(append(append16(b, c.Handle), byte(c.Mode)))
}

// ParseLESetPeriodicAdvertisingSyncTransferParameters reads the parameters of
// LESetPeriodicAdvertisingSyncTransferParameters.
func ParseLESetPeriodicAdvertisingSyncTransferParameters(b []byte) (c LESetPeriodicAdvertisingSyncTransferParameters, err error) {
	if err := shorter("LE Set Periodic Advertising Sync Transfer Parameters", b, []field{{"Connection_Handle", 2}, {"Mode", 3}, {"Skip", 5},
		{"Sync_Timeout", 7}, {"CTE_Type", 8}}); err != nil {
		return c, err
	}
	return LESetPeriodicAdvertisingSyncTransferParameters{handleAt(b), SyncTransferMode(b[2]), syncOptionsAt(b[3:])}, nil
}

// LESetDefaultPeriodicAdvertisingSyncTransferParameters sets it for new connections (Vol 4, Part E, 7.8.92).
type LESetDefaultPeriodicAdvertisingSyncTransferParameters struct {
	Mode SyncTransferMode
	Sync SyncOptions
}

func (LESetDefaultPeriodicAdvertisingSyncTransferParameters) Opcode() Opcode {
	return OpLESetDefaultPeriodicAdvertisingSyncTransferParameters
}
func (c LESetDefaultPeriodicAdvertisingSyncTransferParameters) AppendTo(b []byte) []byte {
	return c.Sync.AppendTo(append(b, byte(c.Mode)))
}

// ParseLESetDefaultPeriodicAdvertisingSyncTransferParameters reads the parameters of
// LESetDefaultPeriodicAdvertisingSyncTransferParameters.
func ParseLESetDefaultPeriodicAdvertisingSyncTransferParameters(b []byte) (c LESetDefaultPeriodicAdvertisingSyncTransferParameters, err error) {
	if err := shorter("LE Set Default Periodic Advertising Sync Transfer Parameters", b, []field{{"Mode", 1}, {"Skip", 3}, {"Sync_Timeout", 5},
		{"CTE_Type", 6}}); err != nil {
		return c, err
	}
	return LESetDefaultPeriodicAdvertisingSyncTransferParameters{SyncTransferMode(b[0]), syncOptionsAt(b[1:])}, nil
}

// LEPeriodicAdvertisingSyncTransferReceived tells that a peer's transfer is followed, or not (Vol 4, Part E,
// 7.7.65.24).
type LEPeriodicAdvertisingSyncTransferReceived struct {
	Status              Status
	Handle, ServiceData uint16
	Train               PeriodicTrain
}

func (LEPeriodicAdvertisingSyncTransferReceived) Code() EventCode { return EvLEMeta }
func (e LEPeriodicAdvertisingSyncTransferReceived) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEPeriodicAdvertisingSyncTransferReceived), byte(e.Status))
	return e.Train.AppendTo(append16(b, e.Handle, e.ServiceData))
}

func transferFields() []field {
	return append([]field{{"Status", 1}, {"Connection_Handle", 3}, {"Service_Data", 5}}, periodicTrainFields(5)...)
}

// ParseLEPeriodicAdvertisingSyncTransferReceived reads what follows the subevent code.
func ParseLEPeriodicAdvertisingSyncTransferReceived(b []byte) (e LEPeriodicAdvertisingSyncTransferReceived, err error) {
	if err := shorter(EvLEPeriodicAdvertisingSyncTransferReceived.String(), b, transferFields()[:3+periodicTrainFieldCount]); err != nil {
		return e, err
	}
	return LEPeriodicAdvertisingSyncTransferReceived{Status(b[0]), handleAt(b[1:]), at16(b, 3), periodicTrainAt(b[5:])}, nil
}

// LEPeriodicAdvertisingSyncTransferReceivedV2 also tells the subevents.
type LEPeriodicAdvertisingSyncTransferReceivedV2 struct {
	LEPeriodicAdvertisingSyncTransferReceived
	Subevents Subevents
}

func (e LEPeriodicAdvertisingSyncTransferReceivedV2) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEPeriodicAdvertisingSyncTransferReceivedV2), byte(e.Status))
	return e.Subevents.AppendTo(e.Train.AppendTo(append16(b, e.Handle, e.ServiceData)))
}

// ParseLEPeriodicAdvertisingSyncTransferReceivedV2 reads what follows the subevent code.
func ParseLEPeriodicAdvertisingSyncTransferReceivedV2(b []byte) (e LEPeriodicAdvertisingSyncTransferReceivedV2, err error) {
	if err := shorter(EvLEPeriodicAdvertisingSyncTransferReceivedV2.String(), b, transferFields()); err != nil {
		return e, err
	}
	e.Status, e.Handle, e.ServiceData = Status(b[0]), handleAt(b[1:]), at16(b, 3)
	e.Train, e.Subevents = periodicTrainAt(b[5:]), subeventsAt(b[19:])
	return e, nil
}
