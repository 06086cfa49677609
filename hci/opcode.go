package hci

import "fmt"

// Opcode names a command: six bits of group, ten of command (Vol 4, Part E, 5.4.1).
type Opcode uint16

const (
	OpNone Opcode = 0x0000 // in a Command Complete that only returns command credits

	OpDisconnect                                      Opcode = 0x0406
	OpReadRemoteVersionInformation                    Opcode = 0x041D
	OpSetEventMask                                    Opcode = 0x0C01
	OpReset                                           Opcode = 0x0C03
	OpWriteLEHostSupport                              Opcode = 0x0C6D
	OpReadLocalVersionInformation                     Opcode = 0x1001
	OpReadLocalSupportedCommands                      Opcode = 0x1002
	OpReadLocalSupportedFeatures                      Opcode = 0x1003
	OpReadBufferSize                                  Opcode = 0x1005
	OpReadBDADDR                                      Opcode = 0x1009
	OpLESetEventMask                                  Opcode = 0x2001
	OpLEReadBufferSize                                Opcode = 0x2002
	OpLEReadLocalSupportedFeatures                    Opcode = 0x2003
	OpLESetRandomAddress                              Opcode = 0x2005
	OpLESetAdvertisingParameters                      Opcode = 0x2006
	OpLESetAdvertisingData                            Opcode = 0x2008
	OpLESetScanResponseData                           Opcode = 0x2009
	OpLESetAdvertisingEnable                          Opcode = 0x200A
	OpLESetScanParameters                             Opcode = 0x200B
	OpLESetScanEnable                                 Opcode = 0x200C
	OpLECreateConnection                              Opcode = 0x200D
	OpLECreateConnectionCancel                        Opcode = 0x200E
	OpLEReadFilterAcceptListSize                      Opcode = 0x200F
	OpLEClearFilterAcceptList                         Opcode = 0x2010
	OpLEAddDeviceToFilterAcceptList                   Opcode = 0x2011
	OpLERemoveDeviceFromFilterAcceptList              Opcode = 0x2012
	OpLEConnectionUpdate                              Opcode = 0x2013
	OpLEReadRemoteFeatures                            Opcode = 0x2016
	OpLEEncrypt                                       Opcode = 0x2017
	OpLERand                                          Opcode = 0x2018
	OpLEEnableEncryption                              Opcode = 0x2019
	OpLELongTermKeyRequestReply                       Opcode = 0x201A
	OpLELongTermKeyRequestNegativeReply               Opcode = 0x201B
	OpLEReadSupportedStates                           Opcode = 0x201C
	OpLERemoteConnectionParameterRequestReply         Opcode = 0x2020
	OpLERemoteConnectionParameterRequestNegativeReply Opcode = 0x2021
)

var opcodeNames = map[Opcode]string{
	OpNone:                                            "no command",
	OpDisconnect:                                      "Disconnect",
	OpReadRemoteVersionInformation:                    "Read Remote Version Information",
	OpSetEventMask:                                    "Set Event Mask",
	OpReset:                                           "Reset",
	OpWriteLEHostSupport:                              "Write LE Host Support",
	OpReadLocalVersionInformation:                     "Read Local Version Information",
	OpReadLocalSupportedCommands:                      "Read Local Supported Commands",
	OpReadLocalSupportedFeatures:                      "Read Local Supported Features",
	OpReadBufferSize:                                  "Read Buffer Size",
	OpReadBDADDR:                                      "Read BD_ADDR",
	OpLESetEventMask:                                  "LE Set Event Mask",
	OpLEReadBufferSize:                                "LE Read Buffer Size",
	OpLEReadLocalSupportedFeatures:                    "LE Read Local Supported Features",
	OpLESetRandomAddress:                              "LE Set Random Address",
	OpLESetAdvertisingParameters:                      "LE Set Advertising Parameters",
	OpLESetAdvertisingData:                            "LE Set Advertising Data",
	OpLESetScanResponseData:                           "LE Set Scan Response Data",
	OpLESetAdvertisingEnable:                          "LE Set Advertising Enable",
	OpLESetScanParameters:                             "LE Set Scan Parameters",
	OpLESetScanEnable:                                 "LE Set Scan Enable",
	OpLECreateConnection:                              "LE Create Connection",
	OpLECreateConnectionCancel:                        "LE Create Connection Cancel",
	OpLEReadFilterAcceptListSize:                      "LE Read Filter Accept List Size",
	OpLEClearFilterAcceptList:                         "LE Clear Filter Accept List",
	OpLEAddDeviceToFilterAcceptList:                   "LE Add Device To Filter Accept List",
	OpLERemoveDeviceFromFilterAcceptList:              "LE Remove Device From Filter Accept List",
	OpLEConnectionUpdate:                              "LE Connection Update",
	OpLEReadRemoteFeatures:                            "LE Read Remote Features",
	OpLEEncrypt:                                       "LE Encrypt",
	OpLERand:                                          "LE Rand",
	OpLEEnableEncryption:                              "LE Enable Encryption",
	OpLELongTermKeyRequestReply:                       "LE Long Term Key Request Reply",
	OpLELongTermKeyRequestNegativeReply:               "LE Long Term Key Request Negative Reply",
	OpLEReadSupportedStates:                           "LE Read Supported States",
	OpLERemoteConnectionParameterRequestReply:         "LE Remote Connection Parameter Request Reply",
	OpLERemoteConnectionParameterRequestNegativeReply: "LE Remote Connection Parameter Request Negative Reply",
}

// String is the specification's name, or the number of an opcode not known here.
func (o Opcode) String() string {
	if name, ok := opcodeNames[o]; ok {
		return name
	}
	return fmt.Sprintf("command 0x%04X", uint16(o))
}

// Known tells the commands that this package has a name for.
func (o Opcode) Known() bool {
	_, ok := opcodeNames[o]
	return ok
}

// AnsweredByStatus tells the commands of this package that Command Status answers, their result coming by
// an event; Command Complete answers the others.
func AnsweredByStatus(o Opcode) bool {
	switch o {
	case OpDisconnect, OpReadRemoteVersionInformation, OpLECreateConnection, OpLEConnectionUpdate, OpLEReadRemoteFeatures, OpLEEnableEncryption:
		return true
	}
	return false
}
