package hci

import "encoding/binary"

// SetEventMaskPage2 chooses events that SetEventMask has no bits for (Vol 4, Part E, 7.3.69).
type SetEventMaskPage2 struct{ Mask uint64 }

// Bits of SetEventMaskPage2.
const (
	EventMaskPage2AuthenticatedPayloadTimeoutExpired uint64 = 1 << 23
	EventMaskPage2EncryptionChangeV2                 uint64 = 1 << 25
)

func (SetEventMaskPage2) Opcode() Opcode { return OpSetEventMaskPage2 }
func (c SetEventMaskPage2) AppendTo(b []byte) []byte {
	return binary.LittleEndian.AppendUint64(b, c.Mask)
}

// ParseSetEventMaskPage2 reads the parameters of SetEventMaskPage2.
func ParseSetEventMaskPage2(b []byte) (SetEventMaskPage2, error) {
	if err := shorter("Set Event Mask Page 2", b, []field{{"Event_Mask_Page_2", 8}}); err != nil {
		return SetEventMaskPage2{}, err
	}
	return SetEventMaskPage2{binary.LittleEndian.Uint64(b)}, nil
}

// ParseLEHostSupport reads what Read LE Host Support returns (Vol 4, Part E, 7.3.78).
func ParseLEHostSupport(b []byte) (bool, error) {
	if err := shorter("Read LE Host Support: return", b, []field{{"LE_Supported_Host", 1}, {"Unused", 2}}); err != nil {
		return false, err
	}
	return b[0] != 0, nil
}

// ReadAuthenticatedPayloadTimeout asks for it (Vol 4, Part E, 7.3.93).
func ReadAuthenticatedPayloadTimeout(handle uint16) HandleCommand {
	return HandleCommand{OpReadAuthenticatedPayloadTimeout, handle}
}

// AuthenticatedPayloadTimeout is how long an encrypted connection may go without a packet that proves the
// key, in units of 10 ms: what Read Authenticated Payload Timeout returns.
type AuthenticatedPayloadTimeout struct{ Handle, Timeout uint16 }

func (r AuthenticatedPayloadTimeout) AppendTo(b []byte) []byte {
	return append16(b, r.Handle, r.Timeout)
}

// ParseAuthenticatedPayloadTimeout reads AuthenticatedPayloadTimeout.
func ParseAuthenticatedPayloadTimeout(b []byte) (AuthenticatedPayloadTimeout, error) {
	return parsePayloadTimeout("Read Authenticated Payload Timeout: return", b)
}

func parsePayloadTimeout(name string, b []byte) (AuthenticatedPayloadTimeout, error) {
	if err := shorter(name, b, []field{{"Connection_Handle", 2}, {"Authenticated_Payload_Timeout", 4}}); err != nil {
		return AuthenticatedPayloadTimeout{}, err
	}
	return AuthenticatedPayloadTimeout{handleAt(b), at16(b, 2)}, nil
}

// WriteAuthenticatedPayloadTimeout sets it (Vol 4, Part E, 7.3.94). The controller returns the handle.
type WriteAuthenticatedPayloadTimeout struct{ AuthenticatedPayloadTimeout }

func (WriteAuthenticatedPayloadTimeout) Opcode() Opcode { return OpWriteAuthenticatedPayloadTimeout }

// ParseWriteAuthenticatedPayloadTimeout reads the parameters of WriteAuthenticatedPayloadTimeout.
func ParseWriteAuthenticatedPayloadTimeout(b []byte) (WriteAuthenticatedPayloadTimeout, error) {
	r, err := parsePayloadTimeout("Write Authenticated Payload Timeout", b)
	return WriteAuthenticatedPayloadTimeout{r}, err
}

// AuthenticatedPayloadTimeoutExpired tells that no such packet came in time (Vol 4, Part E, 7.7.75).
type AuthenticatedPayloadTimeoutExpired struct{ Handle uint16 }

func (AuthenticatedPayloadTimeoutExpired) Code() EventCode {
	return EvAuthenticatedPayloadTimeoutExpired
}
func (e AuthenticatedPayloadTimeoutExpired) AppendTo(b []byte) []byte { return append16(b, e.Handle) }

// ParseAuthenticatedPayloadTimeoutExpired reads the parameters of AuthenticatedPayloadTimeoutExpired.
func ParseAuthenticatedPayloadTimeoutExpired(b []byte) (AuthenticatedPayloadTimeoutExpired, error) {
	if err := shorter("Authenticated Payload Timeout Expired", b, []field{{"Connection_Handle", 2}}); err != nil {
		return AuthenticatedPayloadTimeoutExpired{}, err
	}
	return AuthenticatedPayloadTimeoutExpired{handleAt(b)}, nil
}

// EncryptionChangeV2 is EncryptionChange with the size of the key in octets, which on LE says nothing (Vol
// 4, Part E, 7.7.8).
type EncryptionChangeV2 struct {
	EncryptionChange
	KeySize uint8
}

func (EncryptionChangeV2) Code() EventCode { return EvEncryptionChangeV2 }
func (e EncryptionChangeV2) AppendTo(b []byte) []byte {
	return append(e.EncryptionChange.AppendTo(b), e.KeySize)
}

// ParseEncryptionChangeV2 reads the parameters of EncryptionChangeV2.
func ParseEncryptionChangeV2(b []byte) (EncryptionChangeV2, error) {
	if err := shorter("Encryption Change [v2]", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Encryption_Enabled", 4}, {"Encryption_Key_Size", 5}}); err != nil {
		return EncryptionChangeV2{}, err
	}
	return EncryptionChangeV2{EncryptionChange{Status(b[0]), handleAt(b[1:]), b[3]}, b[4]}, nil
}
