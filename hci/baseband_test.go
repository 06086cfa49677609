package hci

import "testing"

func TestBaseband(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "Set Event Mask Page 2", layout: "Event_Mask_Page_2 0000800200000000",
			value: SetEventMaskPage2{EventMaskPage2AuthenticatedPayloadTimeoutExpired | EventMaskPage2EncryptionChangeV2}, parse: parser(ParseSetEventMaskPage2)},
		{name: "Read Authenticated Payload Timeout", layout: "Connection_Handle 4000",
			value: ReadAuthenticatedPayloadTimeout(0x40), parse: parseHandleCommand(OpReadAuthenticatedPayloadTimeout)},
		{name: "Read Authenticated Payload Timeout: return", layout: "Connection_Handle 4000 Authenticated_Payload_Timeout B80B",
			value: AuthenticatedPayloadTimeout{0x40, 3000}, parse: parser(ParseAuthenticatedPayloadTimeout)},
		{name: "Write Authenticated Payload Timeout", layout: "Connection_Handle 4000 Authenticated_Payload_Timeout B80B",
			value: WriteAuthenticatedPayloadTimeout{AuthenticatedPayloadTimeout{0x40, 3000}}, parse: parser(ParseWriteAuthenticatedPayloadTimeout)},
		{name: "Authenticated Payload Timeout Expired", layout: "Connection_Handle 4000",
			value: AuthenticatedPayloadTimeoutExpired{0x40}, parse: parser(ParseAuthenticatedPayloadTimeoutExpired)},
		{name: "Encryption Change [v2]", layout: "Status 00 Connection_Handle 4000 Encryption_Enabled 01 Encryption_Key_Size 10",
			value: EncryptionChangeV2{EncryptionChange{Success, 0x40, 1}, 16}, parse: parser(ParseEncryptionChangeV2)},
		{name: "Read LE Host Support: return", layout: "LE_Supported_Host 01 Unused 00", value: fixed{1, 0},
			parse: octetsOf(func(b []byte) ([]byte, error) { v, err := ParseLEHostSupport(b); return []byte{octet(v), 0}, err })},
	})
}
