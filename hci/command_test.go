package hci

import (
	"bytes"
	"testing"
)

func TestCommands(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "Disconnect", layout: "Connection_Handle 4000 Reason 13",
			value: Disconnect{0x40, RemoteUserTerminatedConnection}, parse: parser(ParseDisconnect)},
		{name: "Set Event Mask", layout: "Event_Mask 9088000200800020",
			value: SetEventMask{EventMaskDisconnectionComplete | EventMaskEncryptionChange | EventMaskReadRemoteVersionInformationComplete |
				EventMaskHardwareError | EventMaskDataBufferOverflow | EventMaskEncryptionKeyRefreshComplete | EventMaskLEMeta},
			parse: parser(ParseSetEventMask)},
		{name: "Write LE Host Support", layout: "LE_Supported_Host 01 Unused 00", value: WriteLEHostSupport{true}, parse: parser(ParseWriteLEHostSupport)},
		{name: "Write LE Host Support", layout: "LE_Supported_Host 00 Unused 00", value: WriteLEHostSupport{false}, parse: parser(ParseWriteLEHostSupport)},
		{name: "Read Remote Version Information", layout: "Connection_Handle FF0E",
			value: ReadRemoteVersionInformation(MaxHandle), parse: parseHandleCommand(OpReadRemoteVersionInformation)},
		{name: "LE Read Remote Features", layout: "Connection_Handle 4000",
			value: LEReadRemoteFeatures(0x40), parse: parseHandleCommand(OpLEReadRemoteFeatures)},
		{name: "LE Long Term Key Request Negative Reply", layout: "Connection_Handle 4000",
			value: LELongTermKeyRequestNegativeReply(0x40), parse: parseHandleCommand(OpLELongTermKeyRequestNegativeReply)},
	})
}

func parseHandleCommand(op Opcode) func([]byte) (any, error) {
	return parser(func(b []byte) (HandleCommand, error) { return ParseHandleCommand(op, b) })
}

// Whole packets: type, opcode (OCF and OGF in one little-endian word), length, parameters.
func TestAppendCommand(t *testing.T) {
	for _, c := range []struct {
		name    string
		command Command
		octets  string
	}{
		{"Reset", Reset, "01 030C 00"},
		{"Read Local Version Information", ReadLocalVersionInformation, "01 0110 00"},
		{"Read Local Supported Commands", ReadLocalSupportedCommands, "01 0210 00"},
		{"Read Local Supported Features", ReadLocalSupportedFeatures, "01 0310 00"},
		{"Read Buffer Size", ReadBufferSize, "01 0510 00"},
		{"Read BD_ADDR", ReadBDADDR, "01 0910 00"},
		{"LE Read Buffer Size", LEReadBufferSize, "01 0220 00"},
		{"LE Read Local Supported Features", LEReadLocalSupportedFeatures, "01 0320 00"},
		{"LE Create Connection Cancel", LECreateConnectionCancel, "01 0E20 00"},
		{"LE Read Filter Accept List Size", LEReadFilterAcceptListSize, "01 0F20 00"},
		{"LE Clear Filter Accept List", LEClearFilterAcceptList, "01 1020 00"},
		{"LE Rand", LERand, "01 1820 00"},
		{"LE Read Supported States", LEReadSupportedStates, "01 1C20 00"},
		{"Disconnect", Disconnect{0x40, RemoteUserTerminatedConnection}, "01 0604 03 400013"},
		{"Read Remote Version Information", ReadRemoteVersionInformation(0x40), "01 1D04 02 4000"},
		{"Set Event Mask", SetEventMask{1}, "01 010C 08 0100000000000000"},
		{"Write LE Host Support", WriteLEHostSupport{true}, "01 6D0C 02 0100"},
		{"LE Set Event Mask", LESetEventMask{0x1F}, "01 0120 08 1F00000000000000"},
		{"LE Set Random Address", LESetRandomAddress{device.Octets}, "01 0520 06 30F0FF051CC0"},
		{"LE Set Advertising Enable", LESetAdvertisingEnable{true}, "01 0A20 01 01"},
		{"LE Set Scan Enable", LESetScanEnable{true, true}, "01 0C20 02 0101"},
		{"LE Add Device To Filter Accept List", LEAddDeviceToFilterAcceptList(device), "01 1120 07 01 30F0FF051CC0"},
		{"LE Remove Device From Filter Accept List", LERemoveDeviceFromFilterAcceptList(device), "01 1220 07 01 30F0FF051CC0"},
		{"LE Read Remote Features", LEReadRemoteFeatures(0x40), "01 1620 02 4000"},
		{"LE Long Term Key Request Negative Reply", LELongTermKeyRequestNegativeReply(0x40), "01 1B20 02 4000"},
		{"command 0xFC01", Raw{0xFC01, []byte{1, 2}}, "01 01FC 02 0102"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := unhex(t, c.octets)
			if got := AppendCommand([]byte{0xEE}, c.command); !bytes.Equal(got[1:], want) || got[0] != 0xEE {
				t.Errorf("% X, want % X", got[1:], want)
			}
			frame, err := ParseCommand(want[1:])
			if err != nil || frame.Opcode != c.command.Opcode() || !bytes.Equal(frame.Parameters, want[4:]) {
				t.Errorf("parsed as %v, %v", frame, err)
			}
			if frame.Opcode.String() != c.name {
				t.Errorf("named %q", frame.Opcode)
			}
		})
	}
}

// A boolean parameter that is neither 0 nor 1 is on; a handle's reserved bits are not part of it.
func TestCommandsReadLeniently(t *testing.T) {
	if c, err := ParseWriteLEHostSupport([]byte{2, 0}); err != nil || !c.Supported {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ParseDisconnect([]byte{0x40, 0xF0, 0x13}); err != nil || c.Handle != 0x40 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ParseHandleCommand(OpLEReadRemoteFeatures, []byte{0x40, 0xF0}); err != nil || c.Handle != 0x40 {
		t.Errorf("%+v, %v", c, err)
	}
}
