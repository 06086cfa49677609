package hci

import "encoding/binary"

// Bare commands have no parameters.
type bare struct{ op Opcode }

func (c bare) Opcode() Opcode           { return c.op }
func (c bare) AppendTo(b []byte) []byte { return b }

// Commands without parameters.
var (
	Reset                                   Command = bare{OpReset}
	ReadLocalVersionInformation             Command = bare{OpReadLocalVersionInformation}
	ReadLocalSupportedCommands              Command = bare{OpReadLocalSupportedCommands}
	ReadLocalSupportedFeatures              Command = bare{OpReadLocalSupportedFeatures}
	ReadBufferSize                          Command = bare{OpReadBufferSize}
	ReadBDADDR                              Command = bare{OpReadBDADDR}
	LEReadBufferSize                        Command = bare{OpLEReadBufferSize}
	LEReadLocalSupportedFeatures            Command = bare{OpLEReadLocalSupportedFeatures}
	LECreateConnectionCancel                Command = bare{OpLECreateConnectionCancel}
	LEReadFilterAcceptListSize              Command = bare{OpLEReadFilterAcceptListSize}
	LEClearFilterAcceptList                 Command = bare{OpLEClearFilterAcceptList}
	LERand                                  Command = bare{OpLERand}
	LEReadSupportedStates                   Command = bare{OpLEReadSupportedStates}
	LEReadAntennaInformation                Command = bare{OpLEReadAntennaInformation}
	ReadLEHostSupport                       Command = bare{OpReadLEHostSupport}
	LEReadAdvertisingPhysicalChannelTxPower Command = bare{OpLEReadAdvertisingPhysicalChannelTxPower}
	LEReadSuggestedDefaultDataLength        Command = bare{OpLEReadSuggestedDefaultDataLength}
	LEReadMaximumDataLength                 Command = bare{OpLEReadMaximumDataLength}
	LEReadLocalP256PublicKey                Command = bare{OpLEReadLocalP256PublicKey}
	LEClearResolvingList                    Command = bare{OpLEClearResolvingList}
	LEReadResolvingListSize                 Command = bare{OpLEReadResolvingListSize}
	LEReadMaximumAdvertisingDataLength      Command = bare{OpLEReadMaximumAdvertisingDataLength}
	LEReadNumberOfSupportedAdvertisingSets  Command = bare{OpLEReadNumberOfSupportedAdvertisingSets}
	LEClearAdvertisingSets                  Command = bare{OpLEClearAdvertisingSets}
	LEPeriodicAdvertisingCreateSyncCancel   Command = bare{OpLEPeriodicAdvertisingCreateSyncCancel}
	LEClearPeriodicAdvertiserList           Command = bare{OpLEClearPeriodicAdvertiserList}
	LEReadPeriodicAdvertiserListSize        Command = bare{OpLEReadPeriodicAdvertiserListSize}
	LEReadTransmitPower                     Command = bare{OpLEReadTransmitPower}
	LEReadRFPathCompensation                Command = bare{OpLEReadRFPathCompensation}
)

// Raw is a command this package has no type for.
type Raw struct {
	Op         Opcode
	Parameters []byte // at most 255 octets
}

func (c Raw) Opcode() Opcode           { return c.Op }
func (c Raw) AppendTo(b []byte) []byte { return append(b, c.Parameters...) }

// Disconnect ends a connection (Vol 4, Part E, 7.1.6). Reason is one of AuthenticationFailure, the
// RemoteUserTerminatedConnection group, UnsupportedRemoteFeature, PairingWithUnitKeyNotSupported and
// UnacceptableConnectionParameters.
type Disconnect struct {
	Handle uint16
	Reason Status
}

func (Disconnect) Opcode() Opcode { return OpDisconnect }
func (c Disconnect) AppendTo(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(b, c.Handle), byte(c.Reason))
}

// ParseDisconnect reads the parameters of Disconnect.
func ParseDisconnect(b []byte) (Disconnect, error) {
	if err := shorter("Disconnect", b, []field{{"Connection_Handle", 2}, {"Reason", 3}}); err != nil {
		return Disconnect{}, err
	}
	return Disconnect{Handle: handleAt(b), Reason: Status(b[2])}, nil
}

// SetEventMask chooses the events beside LE Meta's subevents (Vol 4, Part E, 7.3.1).
type SetEventMask struct{ Mask uint64 }

// Bits of SetEventMask.
const (
	EventMaskDisconnectionComplete                uint64 = 1 << 4
	EventMaskEncryptionChange                     uint64 = 1 << 7
	EventMaskReadRemoteVersionInformationComplete uint64 = 1 << 11
	EventMaskHardwareError                        uint64 = 1 << 15
	EventMaskDataBufferOverflow                   uint64 = 1 << 25
	EventMaskEncryptionKeyRefreshComplete         uint64 = 1 << 47
	EventMaskLEMeta                               uint64 = 1 << 61
)

func (SetEventMask) Opcode() Opcode             { return OpSetEventMask }
func (c SetEventMask) AppendTo(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, c.Mask) }

// ParseSetEventMask reads the parameters of SetEventMask.
func ParseSetEventMask(b []byte) (SetEventMask, error) {
	if err := shorter("Set Event Mask", b, []field{{"Event_Mask", 8}}); err != nil {
		return SetEventMask{}, err
	}
	return SetEventMask{binary.LittleEndian.Uint64(b)}, nil
}

// WriteLEHostSupport tells a dual-mode controller that its host knows LE (Vol 4, Part E, 7.3.79).
type WriteLEHostSupport struct{ Supported bool }

func (WriteLEHostSupport) Opcode() Opcode             { return OpWriteLEHostSupport }
func (c WriteLEHostSupport) AppendTo(b []byte) []byte { return append(b, octet(c.Supported), 0) }

// ParseWriteLEHostSupport reads the parameters of WriteLEHostSupport.
func ParseWriteLEHostSupport(b []byte) (WriteLEHostSupport, error) {
	if err := shorter("Write LE Host Support", b, []field{{"LE_Supported_Host", 1}, {"Unused", 2}}); err != nil {
		return WriteLEHostSupport{}, err
	}
	return WriteLEHostSupport{b[0] != 0}, nil
}

// HandleCommand is a command whose only parameter is a connection handle.
type HandleCommand struct {
	Op     Opcode
	Handle uint16
}

// ReadRemoteVersionInformation asks for the other side's version (Vol 4, Part E, 7.1.23).
func ReadRemoteVersionInformation(handle uint16) HandleCommand {
	return HandleCommand{OpReadRemoteVersionInformation, handle}
}

// LEReadRemoteFeatures asks for the other side's features (Vol 4, Part E, 7.8.21).
func LEReadRemoteFeatures(handle uint16) HandleCommand {
	return HandleCommand{OpLEReadRemoteFeatures, handle}
}

// LELongTermKeyRequestNegativeReply says that there is no key (Vol 4, Part E, 7.8.26).
func LELongTermKeyRequestNegativeReply(handle uint16) HandleCommand {
	return HandleCommand{OpLELongTermKeyRequestNegativeReply, handle}
}

func (c HandleCommand) Opcode() Opcode { return c.Op }
func (c HandleCommand) AppendTo(b []byte) []byte {
	return binary.LittleEndian.AppendUint16(b, c.Handle)
}

// ParseHandleCommand reads the handle of the command named by op.
func ParseHandleCommand(op Opcode, b []byte) (HandleCommand, error) {
	if err := shorter(op.String(), b, []field{{"Connection_Handle", 2}}); err != nil {
		return HandleCommand{}, err
	}
	return HandleCommand{op, handleAt(b)}, nil
}

func octet(v bool) byte {
	if v {
		return 1
	}
	return 0
}
