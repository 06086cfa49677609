package smp

import "fmt"

// Reason says why a pairing failed: the octet of Pairing Failed (Vol 3, Part H, 3.5.5). Every value is an
// error; reasons compare by == and through errors.Is.
type Reason uint8

const (
	PasskeyEntryFailed           Reason = 0x01
	OOBNotAvailable              Reason = 0x02
	AuthenticationRequirements   Reason = 0x03
	ConfirmValueFailed           Reason = 0x04
	PairingNotSupported          Reason = 0x05
	EncryptionKeySize            Reason = 0x06
	CommandNotSupported          Reason = 0x07
	UnspecifiedReason            Reason = 0x08
	RepeatedAttempts             Reason = 0x09
	InvalidParameters            Reason = 0x0A
	DHKeyCheckFailed             Reason = 0x0B
	NumericComparisonFailed      Reason = 0x0C
	BREDRPairingInProgress       Reason = 0x0D
	CrossTransportKeysNotAllowed Reason = 0x0E
	KeyRejected                  Reason = 0x0F
	Busy                         Reason = 0x10
)

var reasonNames = [...]string{
	PasskeyEntryFailed:           "Passkey Entry Failed",
	OOBNotAvailable:              "OOB Not Available",
	AuthenticationRequirements:   "Authentication Requirements",
	ConfirmValueFailed:           "Confirm Value Failed",
	PairingNotSupported:          "Pairing Not Supported",
	EncryptionKeySize:            "Encryption Key Size",
	CommandNotSupported:          "Command Not Supported",
	UnspecifiedReason:            "Unspecified Reason",
	RepeatedAttempts:             "Repeated Attempts",
	InvalidParameters:            "Invalid Parameters",
	DHKeyCheckFailed:             "DHKey Check Failed",
	NumericComparisonFailed:      "Numeric Comparison Failed",
	BREDRPairingInProgress:       "BR/EDR Pairing in Progress",
	CrossTransportKeysNotAllowed: "Cross-transport Key Derivation/Generation Not Allowed",
	KeyRejected:                  "Key Rejected",
	Busy:                         "Busy",
}

// String is the specification's name for the reason.
func (r Reason) String() string {
	if int(r) < len(reasonNames) && reasonNames[r] != "" {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason 0x%02X", uint8(r))
}

// Error is the name and the number.
func (r Reason) Error() string {
	if int(r) < len(reasonNames) && reasonNames[r] != "" {
		return fmt.Sprintf("%s (0x%02X)", reasonNames[r], uint8(r))
	}
	return r.String()
}

// PairingError is a pairing that failed.
type PairingError struct {
	Reason  Reason // what Pairing Failed said, ours or the peer's; 0 when none was sent or received
	ByPeer  bool   // the peer sent it
	Timeout bool   // nothing came for 30 s: no more SMP on this link
	Err     error  // what went wrong, or nil when Reason says all
}

// Error says who ended the pairing and why.
func (e *PairingError) Error() string {
	who := "smp: pairing failed"
	if e.ByPeer {
		who = "smp: pairing refused by the peer"
	}
	switch {
	case e.Timeout:
		who = "smp: pairing timed out"
	case e.Reason != 0:
		who += ": " + e.Reason.Error()
	}
	if e.Err != nil {
		who += ": " + e.Err.Error()
	}
	return who
}

// Unwrap gives errors.Is and errors.As both the Reason and the cause.
func (e *PairingError) Unwrap() []error {
	var errs []error
	if e.Reason != 0 {
		errs = append(errs, e.Reason)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}
