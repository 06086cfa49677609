package hci

// PHYConnect is how to connect on one PHY. Scan interval and window are in units of 0.625 ms; they mean
// nothing for LE2M, on which nobody scans.
type PHYConnect struct {
	PHY                      PHY
	ScanInterval, ScanWindow uint16
	Parameters               ConnectionParameters
}

// LEExtendedCreateConnection connects to an advertiser (Vol 4, Part E, 7.8.66). Connect names each PHY once;
// it goes out in the order of PHYs, as it came.
type LEExtendedCreateConnection struct {
	UseAcceptList  bool // and not Peer
	OwnAddressType uint8
	Peer           Address
	Connect        []PHYConnect
}

func (LEExtendedCreateConnection) Opcode() Opcode { return OpLEExtendedCreateConnection }
func (c LEExtendedCreateConnection) AppendTo(b []byte) []byte {
	b = append(c.Peer.AppendTo(append(b, octet(c.UseAcceptList), c.OwnAddressType)), 0)
	at := len(b) - 1
	for p := PHY(1); p <= maxPHYs; p++ {
		for _, s := range c.Connect {
			if s.PHY == p && !PHYs(b[at]).Has(p) {
				b[at] |= byte(PHYsOf(p))
				b = s.Parameters.AppendTo(append16(b, s.ScanInterval, s.ScanWindow))
			}
		}
	}
	return b
}

// ParseLEExtendedCreateConnection reads the parameters of LEExtendedCreateConnection.
func ParseLEExtendedCreateConnection(b []byte) (LEExtendedCreateConnection, error) {
	return parseExtendedCreateConnection(OpLEExtendedCreateConnection.String(), b, 0)
}

// parseExtendedCreateConnection reads what both versions have, which begins at i.
func parseExtendedCreateConnection(name string, b []byte, i int) (c LEExtendedCreateConnection, err error) {
	if err := shorter(name, b, []field{{"Initiator_Filter_Policy", i + 1}, {"Own_Address_Type", i + 2}, {"Peer_Address_Type", i + 3},
		{"Peer_Address", i + 9}, {"Initiating_PHYs", i + 10}}); err != nil {
		return c, err
	}
	var connect []PHYConnect
	at := i + 10
	for p := PHY(1); p <= maxPHYs; p++ {
		if !PHYs(b[i+9]).Has(p) {
			continue
		}
		if err := shorter(name, b, []field{{"Scan_Interval", at + 2}, {"Scan_Window", at + 4}, {"Connection_Interval_Min", at + 6},
			{"Connection_Interval_Max", at + 8}, {"Max_Latency", at + 10}, {"Supervision_Timeout", at + 12}, {"Min_CE_Length", at + 14},
			{"Max_CE_Length", at + 16}}); err != nil {
			return c, err
		}
		connect = append(connect, PHYConnect{p, at16(b, at), at16(b, at+2), connectionParametersAt(b[at+4:])})
		at += 16
	}
	c = LEExtendedCreateConnection{UseAcceptList: b[i] != 0, OwnAddressType: b[i+1], Connect: connect}
	c.Peer, _ = addressAt(b[i+2:])
	return c, nil
}

// LEExtendedCreateConnectionV2 can also connect to a device that listens to a subevent of a set's periodic
// advertising with responses (Vol 4, Part E, 7.8.66). Both are 0xFF otherwise.
type LEExtendedCreateConnectionV2 struct {
	AdvertisingHandle, Subevent uint8
	LEExtendedCreateConnection
}

func (LEExtendedCreateConnectionV2) Opcode() Opcode { return OpLEExtendedCreateConnectionV2 }
func (c LEExtendedCreateConnectionV2) AppendTo(b []byte) []byte {
	return c.LEExtendedCreateConnection.AppendTo(append(b, c.AdvertisingHandle, c.Subevent))
}

// ParseLEExtendedCreateConnectionV2 reads the parameters of LEExtendedCreateConnectionV2.
func ParseLEExtendedCreateConnectionV2(b []byte) (c LEExtendedCreateConnectionV2, err error) {
	name := OpLEExtendedCreateConnectionV2.String()
	if err := shorter(name, b, []field{{"Advertising_Handle", 1}, {"Subevent", 2}}); err != nil {
		return c, err
	}
	v1, err := parseExtendedCreateConnection(name, b, 2)
	if err != nil {
		return c, err
	}
	return LEExtendedCreateConnectionV2{b[0], b[1], v1}, nil
}

// NoSync is the sync handle of a connection that no periodic advertising led to, and NoAdvertisingHandle its
// advertising handle when it is a central's.
const (
	NoSync              uint16 = 0x0FFF
	NoAdvertisingHandle uint8  = 0xFF
)

// LEEnhancedConnectionCompleteV2 also names what led to the connection (Vol 4, Part E, 7.7.65.10).
type LEEnhancedConnectionCompleteV2 struct {
	LEEnhancedConnectionComplete
	AdvertisingHandle uint8
	SyncHandle        uint16
}

func (e LEEnhancedConnectionCompleteV2) AppendTo(b []byte) []byte {
	at := len(b)
	b = e.LEEnhancedConnectionComplete.AppendTo(b)
	b[at] = byte(EvLEEnhancedConnectionCompleteV2)
	return append16(append(b, e.AdvertisingHandle), e.SyncHandle)
}

// ParseLEEnhancedConnectionCompleteV2 reads what follows the subevent code.
func ParseLEEnhancedConnectionCompleteV2(b []byte) (e LEEnhancedConnectionCompleteV2, err error) {
	if err := shorter(EvLEEnhancedConnectionCompleteV2.String(), b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Role", 4}, {"Peer_Address_Type", 5},
		{"Peer_Address", 11}, {"Local_Resolvable_Private_Address", 17}, {"Peer_Resolvable_Private_Address", 23}, {"Connection_Interval", 25},
		{"Peripheral_Latency", 27}, {"Supervision_Timeout", 29}, {"Central_Clock_Accuracy", 30}, {"Advertising_Handle", 31}, {"Sync_Handle", 33}}); err != nil {
		return e, err
	}
	v1, err := ParseLEEnhancedConnectionComplete(b)
	return LEEnhancedConnectionCompleteV2{v1, b[30], handleAt(b[31:])}, err
}
