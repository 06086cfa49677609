package hci

import "fmt"

// Status is a controller error code (Vol 1, Part F): the result of a command, or the reason of a
// disconnection. Every value but Success is an error; statuses compare by == and through errors.Is.
type Status uint8

const (
	Success                              Status = 0x00
	UnknownHCICommand                    Status = 0x01
	UnknownConnectionIdentifier          Status = 0x02
	HardwareFailure                      Status = 0x03
	PageTimeout                          Status = 0x04
	AuthenticationFailure                Status = 0x05
	PINOrKeyMissing                      Status = 0x06
	MemoryCapacityExceeded               Status = 0x07
	ConnectionTimeout                    Status = 0x08
	ConnectionLimitExceeded              Status = 0x09
	SynchronousConnectionLimitExceeded   Status = 0x0A
	ConnectionAlreadyExists              Status = 0x0B
	CommandDisallowed                    Status = 0x0C
	ConnectionRejectedLimitedResources   Status = 0x0D
	ConnectionRejectedSecurity           Status = 0x0E
	ConnectionRejectedUnacceptableBDADDR Status = 0x0F
	ConnectionAcceptTimeoutExceeded      Status = 0x10
	UnsupportedFeatureOrParameter        Status = 0x11
	InvalidHCICommandParameters          Status = 0x12
	RemoteUserTerminatedConnection       Status = 0x13
	RemoteDeviceLowResources             Status = 0x14
	RemoteDevicePowerOff                 Status = 0x15
	ConnectionTerminatedByLocalHost      Status = 0x16
	RepeatedAttempts                     Status = 0x17
	PairingNotAllowed                    Status = 0x18
	UnknownLMPPDU                        Status = 0x19
	UnsupportedRemoteFeature             Status = 0x1A
	SCOOffsetRejected                    Status = 0x1B
	SCOIntervalRejected                  Status = 0x1C
	SCOAirModeRejected                   Status = 0x1D
	InvalidLLParameters                  Status = 0x1E
	UnspecifiedError                     Status = 0x1F
	UnsupportedLLParameterValue          Status = 0x20
	RoleChangeNotAllowed                 Status = 0x21
	LLResponseTimeout                    Status = 0x22
	LLProcedureCollision                 Status = 0x23
	LMPPDUNotAllowed                     Status = 0x24
	EncryptionModeNotAcceptable          Status = 0x25
	LinkKeyCannotBeChanged               Status = 0x26
	RequestedQoSNotSupported             Status = 0x27
	InstantPassed                        Status = 0x28
	PairingWithUnitKeyNotSupported       Status = 0x29
	DifferentTransactionCollision        Status = 0x2A
	QoSUnacceptableParameter             Status = 0x2C
	QoSRejected                          Status = 0x2D
	ChannelAssessmentNotSupported        Status = 0x2E
	InsufficientSecurity                 Status = 0x2F
	ParameterOutOfMandatoryRange         Status = 0x30
	RoleSwitchPending                    Status = 0x32
	ReservedSlotViolation                Status = 0x34
	RoleSwitchFailed                     Status = 0x35
	ExtendedInquiryResponseTooLarge      Status = 0x36
	SimplePairingNotSupportedByHost      Status = 0x37
	HostBusyPairing                      Status = 0x38
	NoSuitableChannelFound               Status = 0x39
	ControllerBusy                       Status = 0x3A
	UnacceptableConnectionParameters     Status = 0x3B
	AdvertisingTimeout                   Status = 0x3C
	ConnectionTerminatedMICFailure       Status = 0x3D
	ConnectionFailedToBeEstablished      Status = 0x3E
	CoarseClockAdjustmentRejected        Status = 0x40
	Type0SubmapNotDefined                Status = 0x41
	UnknownAdvertisingIdentifier         Status = 0x42
	LimitReached                         Status = 0x43
	OperationCancelledByHost             Status = 0x44
	PacketTooLong                        Status = 0x45
	TooLate                              Status = 0x46
	TooEarly                             Status = 0x47
)

var statusNames = map[Status]string{
	Success:                              "Success",
	UnknownHCICommand:                    "Unknown HCI Command",
	UnknownConnectionIdentifier:          "Unknown Connection Identifier",
	HardwareFailure:                      "Hardware Failure",
	PageTimeout:                          "Page Timeout",
	AuthenticationFailure:                "Authentication Failure",
	PINOrKeyMissing:                      "PIN or Key Missing",
	MemoryCapacityExceeded:               "Memory Capacity Exceeded",
	ConnectionTimeout:                    "Connection Timeout",
	ConnectionLimitExceeded:              "Connection Limit Exceeded",
	SynchronousConnectionLimitExceeded:   "Synchronous Connection Limit to a Device Exceeded",
	ConnectionAlreadyExists:              "Connection Already Exists",
	CommandDisallowed:                    "Command Disallowed",
	ConnectionRejectedLimitedResources:   "Connection Rejected due to Limited Resources",
	ConnectionRejectedSecurity:           "Connection Rejected due to Security Reasons",
	ConnectionRejectedUnacceptableBDADDR: "Connection Rejected due to Unacceptable BD_ADDR",
	ConnectionAcceptTimeoutExceeded:      "Connection Accept Timeout Exceeded",
	UnsupportedFeatureOrParameter:        "Unsupported Feature or Parameter Value",
	InvalidHCICommandParameters:          "Invalid HCI Command Parameters",
	RemoteUserTerminatedConnection:       "Remote User Terminated Connection",
	RemoteDeviceLowResources:             "Remote Device Terminated Connection due to Low Resources",
	RemoteDevicePowerOff:                 "Remote Device Terminated Connection due to Power Off",
	ConnectionTerminatedByLocalHost:      "Connection Terminated by Local Host",
	RepeatedAttempts:                     "Repeated Attempts",
	PairingNotAllowed:                    "Pairing not Allowed",
	UnknownLMPPDU:                        "Unknown LMP PDU",
	UnsupportedRemoteFeature:             "Unsupported Remote Feature",
	SCOOffsetRejected:                    "SCO Offset Rejected",
	SCOIntervalRejected:                  "SCO Interval Rejected",
	SCOAirModeRejected:                   "SCO Air Mode Rejected",
	InvalidLLParameters:                  "Invalid LL Parameters",
	UnspecifiedError:                     "Unspecified Error",
	UnsupportedLLParameterValue:          "Unsupported LL Parameter Value",
	RoleChangeNotAllowed:                 "Role Change not Allowed",
	LLResponseTimeout:                    "LL Response Timeout",
	LLProcedureCollision:                 "LL Procedure Collision",
	LMPPDUNotAllowed:                     "LMP PDU not Allowed",
	EncryptionModeNotAcceptable:          "Encryption Mode not Acceptable",
	LinkKeyCannotBeChanged:               "Link Key cannot be Changed",
	RequestedQoSNotSupported:             "Requested QoS not Supported",
	InstantPassed:                        "Instant Passed",
	PairingWithUnitKeyNotSupported:       "Pairing with Unit Key not Supported",
	DifferentTransactionCollision:        "Different Transaction Collision",
	QoSUnacceptableParameter:             "QoS Unacceptable Parameter",
	QoSRejected:                          "QoS Rejected",
	ChannelAssessmentNotSupported:        "Channel Assessment not Supported",
	InsufficientSecurity:                 "Insufficient Security",
	ParameterOutOfMandatoryRange:         "Parameter out of Mandatory Range",
	RoleSwitchPending:                    "Role Switch Pending",
	ReservedSlotViolation:                "Reserved Slot Violation",
	RoleSwitchFailed:                     "Role Switch Failed",
	ExtendedInquiryResponseTooLarge:      "Extended Inquiry Response too Large",
	SimplePairingNotSupportedByHost:      "Simple Pairing not Supported by Host",
	HostBusyPairing:                      "Host Busy - Pairing",
	NoSuitableChannelFound:               "Connection Rejected due to no Suitable Channel Found",
	ControllerBusy:                       "Controller Busy",
	UnacceptableConnectionParameters:     "Unacceptable Connection Parameters",
	AdvertisingTimeout:                   "Advertising Timeout",
	ConnectionTerminatedMICFailure:       "Connection Terminated due to MIC Failure",
	ConnectionFailedToBeEstablished:      "Connection Failed to be Established",
	CoarseClockAdjustmentRejected:        "Coarse Clock Adjustment Rejected",
	Type0SubmapNotDefined:                "Type0 Submap not Defined",
	UnknownAdvertisingIdentifier:         "Unknown Advertising Identifier",
	LimitReached:                         "Limit Reached",
	OperationCancelledByHost:             "Operation Cancelled by Host",
	PacketTooLong:                        "Packet Too Long",
	TooLate:                              "Too Late",
	TooEarly:                             "Too Early",
}

// String is the specification's name for the code.
func (s Status) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status 0x%02X", uint8(s))
}

// Error is the name and the number.
func (s Status) Error() string { return fmt.Sprintf("%s (0x%02X)", s.String(), uint8(s)) }

// Err is nil for Success and s otherwise.
func (s Status) Err() error {
	if s == Success {
		return nil
	}
	return s
}
