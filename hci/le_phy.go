package hci

import "fmt"

// PHY is a physical layer as the HCI numbers them.
type PHY uint8

const (
	LE1M      PHY = 0x01
	LE2M      PHY = 0x02
	LECoded   PHY = 0x03 // S=8 where the coding matters
	LECodedS2 PHY = 0x04 // in power control and path loss alone
)

func (p PHY) String() string {
	switch p {
	case LE1M:
		return "LE 1M"
	case LE2M:
		return "LE 2M"
	case LECoded:
		return "LE Coded"
	case LECodedS2:
		return "LE Coded S=2"
	}
	return fmt.Sprintf("PHY 0x%02X", uint8(p))
}

// PHYs is a set of PHYs: bit n is PHY n+1.
type PHYs uint8

// PHYsOf is the set of these; what is not 1 to 8 is left out.
func PHYsOf(phys ...PHY) (s PHYs) {
	for _, p := range phys {
		s |= 1 << (p - 1)
	}
	return s
}

// Has tells whether p is in the set.
func (s PHYs) Has(p PHY) bool { return s>>(p-1)&1 != 0 }

// PHYPreference is which PHYs a host wants. AllPHYs has bit 0 set when it has no preference to send by, bit
// 1 to receive by.
type PHYPreference struct {
	AllPHYs uint8
	TX, RX  PHYs
}

func (p PHYPreference) AppendTo(b []byte) []byte {
	return append(b, p.AllPHYs, byte(p.TX), byte(p.RX))
}

// LESetDefaultPHY sets what new connections want (Vol 4, Part E, 7.8.48).
type LESetDefaultPHY struct{ PHYPreference }

func (LESetDefaultPHY) Opcode() Opcode { return OpLESetDefaultPHY }

// ParseLESetDefaultPHY reads the parameters of LESetDefaultPHY.
func ParseLESetDefaultPHY(b []byte) (LESetDefaultPHY, error) {
	if err := shorter("LE Set Default PHY", b, []field{{"All_PHYs", 1}, {"TX_PHYs", 2}, {"RX_PHYs", 3}}); err != nil {
		return LESetDefaultPHY{}, err
	}
	return LESetDefaultPHY{PHYPreference{b[0], PHYs(b[1]), PHYs(b[2])}}, nil
}

// LESetPHY asks for other PHYs; LE PHY Update Complete always follows (Vol 4, Part E, 7.8.49). Options 1 and
// 2 prefer S=2 and S=8 to send by on LE Coded.
type LESetPHY struct {
	Handle uint16
	PHYPreference
	Options uint16
}

func (LESetPHY) Opcode() Opcode { return OpLESetPHY }
func (c LESetPHY) AppendTo(b []byte) []byte {
	return append16(c.PHYPreference.AppendTo(append16(b, c.Handle)), c.Options)
}

// ParseLESetPHY reads the parameters of LESetPHY.
func ParseLESetPHY(b []byte) (LESetPHY, error) {
	if err := shorter("LE Set PHY", b, []field{{"Connection_Handle", 2}, {"All_PHYs", 3}, {"TX_PHYs", 4}, {"RX_PHYs", 5}, {"PHY_Options", 7}}); err != nil {
		return LESetPHY{}, err
	}
	return LESetPHY{handleAt(b), PHYPreference{b[2], PHYs(b[3]), PHYs(b[4])}, at16(b, 5)}, nil
}

// LEReadPHY asks which PHYs a connection uses (Vol 4, Part E, 7.8.47).
func LEReadPHY(handle uint16) HandleCommand { return HandleCommand{OpLEReadPHY, handle} }

// ConnectionPHY is what LE Read PHY returns.
type ConnectionPHY struct {
	Handle uint16
	TX, RX PHY
}

func (r ConnectionPHY) AppendTo(b []byte) []byte {
	return append(append16(b, r.Handle), byte(r.TX), byte(r.RX))
}

// ParseConnectionPHY reads ConnectionPHY.
func ParseConnectionPHY(b []byte) (ConnectionPHY, error) {
	if err := shorter("LE Read PHY: return", b, []field{{"Connection_Handle", 2}, {"TX_PHY", 3}, {"RX_PHY", 4}}); err != nil {
		return ConnectionPHY{}, err
	}
	return ConnectionPHY{handleAt(b), PHY(b[2]), PHY(b[3])}, nil
}

// LEPHYUpdateComplete tells a connection's PHYs, changed or not (Vol 4, Part E, 7.7.65.12).
type LEPHYUpdateComplete struct {
	Status Status
	ConnectionPHY
}

func (LEPHYUpdateComplete) Code() EventCode { return EvLEMeta }
func (e LEPHYUpdateComplete) AppendTo(b []byte) []byte {
	return e.ConnectionPHY.AppendTo(append(b, byte(EvLEPHYUpdateComplete), byte(e.Status)))
}

// ParseLEPHYUpdateComplete reads what follows the subevent code.
func ParseLEPHYUpdateComplete(b []byte) (LEPHYUpdateComplete, error) {
	if err := shorter("LE PHY Update Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"TX_PHY", 4}, {"RX_PHY", 5}}); err != nil {
		return LEPHYUpdateComplete{}, err
	}
	return LEPHYUpdateComplete{Status(b[0]), ConnectionPHY{handleAt(b[1:]), PHY(b[3]), PHY(b[4])}}, nil
}
