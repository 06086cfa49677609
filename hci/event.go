package hci

import (
	"encoding/binary"
	"fmt"
)

// EventCode names an event (Vol 4, Part E, 7.7).
type EventCode uint8

const (
	EvDisconnectionComplete                EventCode = 0x05
	EvEncryptionChange                     EventCode = 0x08
	EvReadRemoteVersionInformationComplete EventCode = 0x0C
	EvCommandComplete                      EventCode = 0x0E
	EvCommandStatus                        EventCode = 0x0F
	EvHardwareError                        EventCode = 0x10
	EvNumberOfCompletedPackets             EventCode = 0x13
	EvDataBufferOverflow                   EventCode = 0x1A
	EvEncryptionKeyRefreshComplete         EventCode = 0x30
	EvLEMeta                               EventCode = 0x3E
	EvAuthenticatedPayloadTimeoutExpired   EventCode = 0x57
	EvEncryptionChangeV2                   EventCode = 0x59
)

var eventNames = map[EventCode]string{
	EvDisconnectionComplete:                "Disconnection Complete",
	EvEncryptionChange:                     "Encryption Change",
	EvReadRemoteVersionInformationComplete: "Read Remote Version Information Complete",
	EvCommandComplete:                      "Command Complete",
	EvCommandStatus:                        "Command Status",
	EvHardwareError:                        "Hardware Error",
	EvNumberOfCompletedPackets:             "Number Of Completed Packets",
	EvDataBufferOverflow:                   "Data Buffer Overflow",
	EvEncryptionKeyRefreshComplete:         "Encryption Key Refresh Complete",
	EvLEMeta:                               "LE Meta",
	EvAuthenticatedPayloadTimeoutExpired:   "Authenticated Payload Timeout Expired",
	EvEncryptionChangeV2:                   "Encryption Change [v2]",
}

func (c EventCode) String() string {
	if name, ok := eventNames[c]; ok {
		return name
	}
	return fmt.Sprintf("event 0x%02X", uint8(c))
}

// DisconnectionComplete ends a connection (Vol 4, Part E, 7.7.5).
type DisconnectionComplete struct {
	Status Status
	Handle uint16
	Reason Status
}

func (DisconnectionComplete) Code() EventCode { return EvDisconnectionComplete }
func (e DisconnectionComplete) AppendTo(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(append(b, byte(e.Status)), e.Handle), byte(e.Reason))
}

// ParseDisconnectionComplete reads the parameters of DisconnectionComplete.
func ParseDisconnectionComplete(b []byte) (DisconnectionComplete, error) {
	if err := shorter("Disconnection Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Reason", 4}}); err != nil {
		return DisconnectionComplete{}, err
	}
	return DisconnectionComplete{Status(b[0]), handleAt(b[1:]), Status(b[3])}, nil
}

// EncryptionChange tells that a link's encryption went on or off, or did not (Vol 4, Part E, 7.7.8).
type EncryptionChange struct {
	Status  Status
	Handle  uint16
	Enabled uint8 // 0 off, 1 on (for LE: AES-CCM)
}

func (EncryptionChange) Code() EventCode { return EvEncryptionChange }
func (e EncryptionChange) AppendTo(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(append(b, byte(e.Status)), e.Handle), e.Enabled)
}

// ParseEncryptionChange reads the parameters of EncryptionChange.
func ParseEncryptionChange(b []byte) (EncryptionChange, error) {
	if err := shorter("Encryption Change", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Encryption_Enabled", 4}}); err != nil {
		return EncryptionChange{}, err
	}
	return EncryptionChange{Status(b[0]), handleAt(b[1:]), b[3]}, nil
}

// EncryptionKeyRefreshComplete tells that an encrypted link has a new key, or not (Vol 4, Part E, 7.7.39).
type EncryptionKeyRefreshComplete struct {
	Status Status
	Handle uint16
}

func (EncryptionKeyRefreshComplete) Code() EventCode { return EvEncryptionKeyRefreshComplete }
func (e EncryptionKeyRefreshComplete) AppendTo(b []byte) []byte {
	return binary.LittleEndian.AppendUint16(append(b, byte(e.Status)), e.Handle)
}

// ParseEncryptionKeyRefreshComplete reads the parameters of EncryptionKeyRefreshComplete.
func ParseEncryptionKeyRefreshComplete(b []byte) (EncryptionKeyRefreshComplete, error) {
	if err := shorter("Encryption Key Refresh Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}}); err != nil {
		return EncryptionKeyRefreshComplete{}, err
	}
	return EncryptionKeyRefreshComplete{Status(b[0]), handleAt(b[1:])}, nil
}

// ReadRemoteVersionInformationComplete tells the other side's version (Vol 4, Part E, 7.7.12).
type ReadRemoteVersionInformationComplete struct {
	Status     Status
	Handle     uint16
	Version    uint8
	Company    uint16
	Subversion uint16
}

func (ReadRemoteVersionInformationComplete) Code() EventCode {
	return EvReadRemoteVersionInformationComplete
}
func (e ReadRemoteVersionInformationComplete) AppendTo(b []byte) []byte {
	b = append(binary.LittleEndian.AppendUint16(append(b, byte(e.Status)), e.Handle), e.Version)
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, e.Company), e.Subversion)
}

// ParseReadRemoteVersionInformationComplete reads the parameters of ReadRemoteVersionInformationComplete.
func ParseReadRemoteVersionInformationComplete(b []byte) (e ReadRemoteVersionInformationComplete, err error) {
	if err := shorter("Read Remote Version Information Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Version", 4}, {"Manufacturer_Name", 6}, {"Subversion", 8}}); err != nil {
		return e, err
	}
	return ReadRemoteVersionInformationComplete{Status(b[0]), handleAt(b[1:]), b[3], binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])}, nil
}

// CommandComplete ends a command and tells how many more may be sent (Vol 4, Part E, 7.7.14).
type CommandComplete struct {
	NumPackets uint8
	Opcode     Opcode
	Return     []byte // aliases what was parsed; begins with the status, for nearly all commands
}

func (CommandComplete) Code() EventCode { return EvCommandComplete }
func (e CommandComplete) AppendTo(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(append(b, e.NumPackets), uint16(e.Opcode)), e.Return...)
}

// ParseCommandComplete reads the parameters of CommandComplete.
func ParseCommandComplete(b []byte) (CommandComplete, error) {
	if err := shorter("Command Complete", b, []field{{"Num_HCI_Command_Packets", 1}, {"Command_Opcode", 3}}); err != nil {
		return CommandComplete{}, err
	}
	return CommandComplete{b[0], Opcode(binary.LittleEndian.Uint16(b[1:])), b[3:]}, nil
}

// CommandStatus tells that a command was taken, its result to come by an event, or why not (Vol 4, Part E,
// 7.7.15).
type CommandStatus struct {
	Status     Status
	NumPackets uint8
	Opcode     Opcode
}

func (CommandStatus) Code() EventCode { return EvCommandStatus }
func (e CommandStatus) AppendTo(b []byte) []byte {
	return binary.LittleEndian.AppendUint16(append(b, byte(e.Status), e.NumPackets), uint16(e.Opcode))
}

// ParseCommandStatus reads the parameters of CommandStatus.
func ParseCommandStatus(b []byte) (CommandStatus, error) {
	if err := shorter("Command Status", b, []field{{"Status", 1}, {"Num_HCI_Command_Packets", 2}, {"Command_Opcode", 4}}); err != nil {
		return CommandStatus{}, err
	}
	return CommandStatus{Status(b[0]), b[1], Opcode(binary.LittleEndian.Uint16(b[2:]))}, nil
}

// HardwareError is the controller's word that it failed (Vol 4, Part E, 7.7.16).
type HardwareError struct{ Hardware uint8 }

func (HardwareError) Code() EventCode            { return EvHardwareError }
func (e HardwareError) AppendTo(b []byte) []byte { return append(b, e.Hardware) }

// ParseHardwareError reads the parameters of HardwareError.
func ParseHardwareError(b []byte) (HardwareError, error) {
	if err := shorter("Hardware Error", b, []field{{"Hardware_Code", 1}}); err != nil {
		return HardwareError{}, err
	}
	return HardwareError{b[0]}, nil
}

// CompletedPackets is one handle's entry of NumberOfCompletedPackets.
type CompletedPackets struct {
	Handle uint16
	Count  uint16
}

// NumberOfCompletedPackets gives ACL credits back (Vol 4, Part E, 7.7.19). It is parsed entry by entry,
// since it is on the hot path: Len and At.
type NumberOfCompletedPackets struct{ entries []byte }

// ParseNumberOfCompletedPackets reads the parameters of NumberOfCompletedPackets.
func ParseNumberOfCompletedPackets(b []byte) (NumberOfCompletedPackets, error) {
	return parseCompletedPackets("Number Of Completed Packets", "Num_Completed_Packets", b)
}

// parseCompletedPackets also reads the command that is laid out like the event.
func parseCompletedPackets(name, count string, b []byte) (NumberOfCompletedPackets, error) {
	if len(b) < 1 {
		return NumberOfCompletedPackets{}, &ShortError{What: name + ": Num_Handles", Length: 0, Want: 1}
	}
	if end := 1 + 4*int(b[0]); len(b) < end {
		at := 1 + (len(b)-1)/4*4 // the entry that is cut
		return NumberOfCompletedPackets{}, shorter(name, b, []field{{"Connection_Handle", at + 2}, {count, at + 4}})
	}
	return NumberOfCompletedPackets{b[1 : 1+4*int(b[0])]}, nil
}

// Len is the number of entries.
func (e NumberOfCompletedPackets) Len() int { return len(e.entries) / 4 }

// At is entry i.
func (e NumberOfCompletedPackets) At(i int) CompletedPackets {
	b := e.entries[4*i : 4*i+4]
	return CompletedPackets{handleAt(b), binary.LittleEndian.Uint16(b[2:])}
}

// CompletedPacketsOf makes an event of entries, 63 at the most.
func CompletedPacketsOf(entries ...CompletedPackets) NumberOfCompletedPackets {
	var b []byte
	for _, e := range entries[:min(len(entries), 63)] {
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, e.Handle), e.Count)
	}
	return NumberOfCompletedPackets{b}
}

func (NumberOfCompletedPackets) Code() EventCode { return EvNumberOfCompletedPackets }
func (e NumberOfCompletedPackets) AppendTo(b []byte) []byte {
	return append(append(b, byte(e.Len())), e.entries...)
}
