package hcitest

import "github.com/jelling-ble/jelling/hci"

// What a controller has when Settings do not say.
const (
	defaultACLBuffers = 8
	defaultACLLength  = 27              // octets: one packet of a link layer without data length extension
	version54         = 0x0D            // of HCI and LMP alike: Core 5.4
	noCompany         = 0xFFFF          // a company identifier for tests
	supportedStates   = 0x3FF_FF3F_FFFF // all but scanning while initiating
	acceptListSize    = 8
)

// defaultAddress is the address of the host in the recordings.
var defaultAddress = hci.Address{Octets: [6]byte{0x77, 0x01, 0xF0, 0x85, 0x1D, 0x00}}

// A Responder answers a command with the controller's packets, in order. Known is false for a command that
// it has no answer for.
type Responder func(command hci.CommandFrame) (answers [][]byte, known bool)

// Settings describes a controller. Its zero value is a plain LE controller.
type Settings struct {
	Address       hci.Address  // public; if zero, 00:1D:85:F0:01:77
	NoAddress     bool         // Read BD_ADDR returns zeros
	ACLBuffers    int          // 1 to 255; if zero, 8
	ACLLength     int          // octets in one ACL packet, without header; if zero, 27
	SharedBuffers bool         // LE Read Buffer Size returns zeros, Read Buffer Size the numbers
	Features      uint64       // LE features; if zero, hci.FeatureLEEncryption
	LMPFeatures   uint64       // if zero, LE without BR/EDR
	Company       uint16       // of its maker; if zero, 0xFFFF
	HostFlow      bool         // it has controller-to-host flow control
	Unsupported   []hci.Opcode // commands that Read Local Supported Commands leaves out
	AcceptList    int          // entries of the filter accept list; if zero, 8; if negative, none
	States        uint64       // if zero, all but scanning while initiating
	Credits       uint8        // Num_HCI_Command_Packets in every answer; if zero, 1
}

func (s Settings) withDefaults() Settings {
	if s.Address.IsZero() {
		s.Address = defaultAddress
	}
	if s.AcceptList == 0 {
		s.AcceptList = acceptListSize
	}
	if s.States == 0 {
		s.States = supportedStates
	}
	if s.NoAddress {
		s.Address = hci.Address{}
	}
	if s.ACLBuffers == 0 {
		s.ACLBuffers = defaultACLBuffers
	}
	if s.ACLLength == 0 {
		s.ACLLength = defaultACLLength
	}
	if s.Features == 0 {
		s.Features = hci.FeatureLEEncryption
	}
	if s.LMPFeatures == 0 {
		s.LMPFeatures = hci.LMPFeatureBREDRNotSupported | hci.LMPFeatureLESupported
	}
	if s.Company == 0 {
		s.Company = noCompany
	}
	if s.Credits == 0 {
		s.Credits = 1
	}
	return s
}

// features is a bit map of eight octets as return parameters.
type features uint64

func (f features) AppendTo(b []byte) []byte { return hci.SetEventMask{Mask: uint64(f)}.AppendTo(b) }

// octets are return parameters as they are.
type octets []byte

func (o octets) AppendTo(b []byte) []byte { return append(b, o...) }

// returns is what a controller of these settings returns behind the status, command by command.
func (s Settings) returns() map[hci.Opcode]interface{ AppendTo([]byte) []byte } {
	size := hci.BufferSize{ACLLength: uint16(s.ACLLength), ACLPackets: uint16(s.ACLBuffers)}
	leSize := hci.LEBufferSize{ACLLength: uint16(s.ACLLength), ACLPackets: uint8(s.ACLBuffers)}
	if s.SharedBuffers {
		leSize = hci.LEBufferSize{}
	}
	none := octets(nil)
	return map[hci.Opcode]interface{ AppendTo([]byte) []byte }{
		hci.OpReset:                              none,
		hci.OpSetEventMask:                       none,
		hci.OpWriteLEHostSupport:                 none,
		hci.OpReadLocalVersionInformation:        hci.LocalVersion{HCIVersion: version54, LMPVersion: version54, Company: s.Company},
		hci.OpReadLocalSupportedCommands:         s.supportedCommands(),
		hci.OpReadLocalSupportedFeatures:         features(s.LMPFeatures),
		hci.OpReadBufferSize:                     size,
		hci.OpReadBDADDR:                         octets(s.Address.Octets[:]),
		hci.OpLESetEventMask:                     none,
		hci.OpLEReadBufferSize:                   leSize,
		hci.OpLEReadLocalSupportedFeatures:       features(s.Features),
		hci.OpLEReadSupportedStates:              features(s.States),
		hci.OpLESetRandomAddress:                 none,
		hci.OpLESetAdvertisingParameters:         none,
		hci.OpLESetAdvertisingData:               none,
		hci.OpLESetScanResponseData:              none,
		hci.OpLESetAdvertisingEnable:             none,
		hci.OpLESetScanParameters:                none,
		hci.OpLESetScanEnable:                    none,
		hci.OpLEReadFilterAcceptListSize:         octets{byte(max(s.AcceptList, 0))},
		hci.OpLEClearFilterAcceptList:            none,
		hci.OpLEAddDeviceToFilterAcceptList:      none,
		hci.OpLERemoveDeviceFromFilterAcceptList: none,
	}
}

// commandBits is where Supported_Commands tells of each command that package hci names (Vol 4, Part E, 6.27).
var commandBits = [...]struct{ octet, bit int }{
	{0, 5}, {2, 7}, // Disconnect, Read Remote Version Information
	{5, 6}, {5, 7}, // Set Event Mask, Reset
	{14, 3}, {14, 5}, {14, 7}, {15, 1}, // Read Local Version, Features, Buffer Size, BD_ADDR
	{24, 6},                                     // Write LE Host Support
	{25, 0}, {25, 1}, {25, 2}, {25, 4}, {25, 5}, // LE Set Event Mask to LE Set Advertising Parameters
	{25, 7}, {26, 0}, {26, 1}, {26, 2}, {26, 3}, // LE Set Advertising Data to LE Set Scan Enable
	{26, 4}, {26, 5}, {26, 6}, {26, 7}, {27, 0}, {27, 1}, // LE Create Connection to the accept list
	{27, 2}, {27, 5}, {27, 6}, {27, 7}, // LE Connection Update, Read Remote Features, Encrypt, Rand
	{28, 0}, {28, 1}, {28, 2}, {28, 3}, // LE Enable Encryption to LE Read Supported States
	{33, 4}, {33, 5}, // LE Remote Connection Parameter Request Reply and Negative Reply
}

func (s Settings) supportedCommands() octets {
	var all hci.SupportedCommands
	for _, b := range commandBits {
		all[b.octet] |= 1 << b.bit
	}
	var without hci.SupportedCommands
	without.Add(s.Unsupported...)
	for i := range all {
		all[i] &^= without[i]
	}
	if s.HostFlow {
		all.Add(hci.OpSetControllerToHostFlowControl, hci.OpHostBufferSize, hci.OpHostNumberOfCompletedPackets)
	}
	return all[:]
}

// StartUp answers the commands that prepare a controller, by success or by what s says. It knows nothing of
// connections.
func StartUp(s Settings) Responder {
	s = s.withDefaults()
	table := s.returns()
	if s.HostFlow {
		table[hci.OpHostBufferSize], table[hci.OpSetControllerToHostFlowControl] = octets(nil), octets(nil)
	}
	return func(command hci.CommandFrame) ([][]byte, bool) {
		if s.HostFlow && command.Opcode == hci.OpHostNumberOfCompletedPackets {
			return nil, true // it has no answer
		}
		r, known := table[command.Opcode]
		if !known {
			return nil, false
		}
		ok := []byte{byte(hci.Success)}
		return [][]byte{hci.AppendEvent(nil, hci.CommandComplete{NumPackets: s.Credits, Opcode: command.Opcode, Return: r.AppendTo(ok)})}, true
	}
}

// unknownCommand is the answer of a controller that lacks a command.
func unknownCommand(op hci.Opcode, credits uint8) []byte {
	return hci.AppendEvent(nil, hci.CommandStatus{Status: hci.UnknownHCICommand, NumPackets: credits, Opcode: op})
}
