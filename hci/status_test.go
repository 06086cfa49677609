package hci

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Every code that has a name here, by the numbers of Vol 1, Part F, 1.3. Names that are both LMP's and LL's are
// LL's here.
func TestStatusNames(t *testing.T) {
	names := map[Status]string{
		0x00: "Success",
		0x01: "Unknown HCI Command",
		0x02: "Unknown Connection Identifier",
		0x03: "Hardware Failure",
		0x04: "Page Timeout",
		0x05: "Authentication Failure",
		0x06: "PIN or Key Missing",
		0x07: "Memory Capacity Exceeded",
		0x08: "Connection Timeout",
		0x09: "Connection Limit Exceeded",
		0x0A: "Synchronous Connection Limit to a Device Exceeded",
		0x0B: "Connection Already Exists",
		0x0C: "Command Disallowed",
		0x0D: "Connection Rejected due to Limited Resources",
		0x0E: "Connection Rejected due to Security Reasons",
		0x0F: "Connection Rejected due to Unacceptable BD_ADDR",
		0x10: "Connection Accept Timeout Exceeded",
		0x11: "Unsupported Feature or Parameter Value",
		0x12: "Invalid HCI Command Parameters",
		0x13: "Remote User Terminated Connection",
		0x14: "Remote Device Terminated Connection due to Low Resources",
		0x15: "Remote Device Terminated Connection due to Power Off",
		0x16: "Connection Terminated by Local Host",
		0x17: "Repeated Attempts",
		0x18: "Pairing not Allowed",
		0x19: "Unknown LMP PDU",
		0x1A: "Unsupported Remote Feature",
		0x1B: "SCO Offset Rejected",
		0x1C: "SCO Interval Rejected",
		0x1D: "SCO Air Mode Rejected",
		0x1E: "Invalid LL Parameters",
		0x1F: "Unspecified Error",
		0x20: "Unsupported LL Parameter Value",
		0x21: "Role Change not Allowed",
		0x22: "LL Response Timeout",
		0x23: "LL Procedure Collision",
		0x24: "LMP PDU not Allowed",
		0x25: "Encryption Mode not Acceptable",
		0x26: "Link Key cannot be Changed",
		0x27: "Requested QoS not Supported",
		0x28: "Instant Passed",
		0x29: "Pairing with Unit Key not Supported",
		0x2A: "Different Transaction Collision",
		0x2C: "QoS Unacceptable Parameter",
		0x2D: "QoS Rejected",
		0x2E: "Channel Assessment not Supported",
		0x2F: "Insufficient Security",
		0x30: "Parameter out of Mandatory Range",
		0x32: "Role Switch Pending",
		0x34: "Reserved Slot Violation",
		0x35: "Role Switch Failed",
		0x36: "Extended Inquiry Response too Large",
		0x37: "Simple Pairing not Supported by Host",
		0x38: "Host Busy - Pairing",
		0x39: "Connection Rejected due to no Suitable Channel Found",
		0x3A: "Controller Busy",
		0x3B: "Unacceptable Connection Parameters",
		0x3C: "Advertising Timeout",
		0x3D: "Connection Terminated due to MIC Failure",
		0x3E: "Connection Failed to be Established",
		0x40: "Coarse Clock Adjustment Rejected",
		0x41: "Type0 Submap not Defined",
		0x42: "Unknown Advertising Identifier",
		0x43: "Limit Reached",
		0x44: "Operation Cancelled by Host",
		0x45: "Packet Too Long",
		0x46: "Too Late",
		0x47: "Too Early",
	}
	for code := range statusNames {
		if _, ok := names[code]; !ok {
			t.Errorf("0x%02X is not in this table", uint8(code))
		}
	}
	for code, want := range names {
		if code.String() != want {
			t.Errorf("0x%02X is %q, want %q", uint8(code), code, want)
		}
		if got := code.Error(); got != fmt.Sprintf("%s (0x%02X)", want, uint8(code)) {
			t.Errorf("0x%02X: %q", uint8(code), got)
		}
	}
}

// Every code has a name of its own, or its number.
func TestEveryStatusPrints(t *testing.T) {
	seen := map[string]Status{}
	for i := range 256 {
		s := Status(i)
		if other, ok := seen[s.String()]; ok {
			t.Errorf("0x%02X and 0x%02X are both %q", uint8(s), uint8(other), s)
		}
		seen[s.String()] = s
		if _, known := statusNames[s]; !known && s.String() != fmt.Sprintf("status 0x%02X", i) {
			t.Errorf("0x%02X is %q", i, s)
		}
		if !strings.HasSuffix(s.Error(), fmt.Sprintf("(0x%02X)", i)) {
			t.Errorf("%q does not end in its number", s.Error())
		}
	}
}

func TestStatusIsAnError(t *testing.T) {
	if Success.Err() != nil {
		t.Error("Success is an error")
	}
	for i := 1; i < 256; i++ {
		err := fmt.Errorf("connect: %w", fmt.Errorf("command: %w", Status(i).Err()))
		if !errors.Is(err, Status(i)) || errors.Is(err, Status(i-1)) {
			t.Errorf("0x%02X: errors.Is is wrong for %v", i, err)
		}
		var s Status
		if !errors.As(err, &s) || s != Status(i) {
			t.Errorf("0x%02X: errors.As finds %v", i, s)
		}
	}
}
