package hci

import "testing"

// Opcodes are OGF<<10 | OCF (Vol 4, Part E, 5.4.1), with the groups 1 Link Control, 3 Controller & Baseband,
// 4 Informational, 8 LE.
func TestOpcodes(t *testing.T) {
	for _, c := range []struct {
		op       Opcode
		ogf, ocf uint16
		name     string
	}{
		{OpNone, 0, 0, "no command"},
		{OpDisconnect, 1, 0x06, "Disconnect"},
		{OpReadRemoteVersionInformation, 1, 0x1D, "Read Remote Version Information"},
		{OpSetEventMask, 3, 0x01, "Set Event Mask"},
		{OpReset, 3, 0x03, "Reset"},
		{OpWriteLEHostSupport, 3, 0x6D, "Write LE Host Support"},
		{OpReadLocalVersionInformation, 4, 0x01, "Read Local Version Information"},
		{OpReadLocalSupportedCommands, 4, 0x02, "Read Local Supported Commands"},
		{OpReadLocalSupportedFeatures, 4, 0x03, "Read Local Supported Features"},
		{OpReadBufferSize, 4, 0x05, "Read Buffer Size"},
		{OpReadBDADDR, 4, 0x09, "Read BD_ADDR"},
		{OpLESetEventMask, 8, 0x01, "LE Set Event Mask"},
		{OpLEReadBufferSize, 8, 0x02, "LE Read Buffer Size"},
		{OpLEReadLocalSupportedFeatures, 8, 0x03, "LE Read Local Supported Features"},
		{OpLESetRandomAddress, 8, 0x05, "LE Set Random Address"},
		{OpLESetAdvertisingParameters, 8, 0x06, "LE Set Advertising Parameters"},
		{OpLESetAdvertisingData, 8, 0x08, "LE Set Advertising Data"},
		{OpLESetScanResponseData, 8, 0x09, "LE Set Scan Response Data"},
		{OpLESetAdvertisingEnable, 8, 0x0A, "LE Set Advertising Enable"},
		{OpLESetScanParameters, 8, 0x0B, "LE Set Scan Parameters"},
		{OpLESetScanEnable, 8, 0x0C, "LE Set Scan Enable"},
		{OpLECreateConnection, 8, 0x0D, "LE Create Connection"},
		{OpLECreateConnectionCancel, 8, 0x0E, "LE Create Connection Cancel"},
		{OpLEReadFilterAcceptListSize, 8, 0x0F, "LE Read Filter Accept List Size"},
		{OpLEClearFilterAcceptList, 8, 0x10, "LE Clear Filter Accept List"},
		{OpLEAddDeviceToFilterAcceptList, 8, 0x11, "LE Add Device To Filter Accept List"},
		{OpLERemoveDeviceFromFilterAcceptList, 8, 0x12, "LE Remove Device From Filter Accept List"},
		{OpLEConnectionUpdate, 8, 0x13, "LE Connection Update"},
		{OpLEReadRemoteFeatures, 8, 0x16, "LE Read Remote Features"},
		{OpLEEncrypt, 8, 0x17, "LE Encrypt"},
		{OpLERand, 8, 0x18, "LE Rand"},
		{OpLEEnableEncryption, 8, 0x19, "LE Enable Encryption"},
		{OpLELongTermKeyRequestReply, 8, 0x1A, "LE Long Term Key Request Reply"},
		{OpLELongTermKeyRequestNegativeReply, 8, 0x1B, "LE Long Term Key Request Negative Reply"},
		{OpLEReadSupportedStates, 8, 0x1C, "LE Read Supported States"},
		{OpLERemoteConnectionParameterRequestReply, 8, 0x20, "LE Remote Connection Parameter Request Reply"},
		{OpLERemoteConnectionParameterRequestNegativeReply, 8, 0x21, "LE Remote Connection Parameter Request Negative Reply"},
	} {
		if want := Opcode(c.ogf<<10 | c.ocf); c.op != want {
			t.Errorf("%s is 0x%04X, want 0x%04X", c.name, uint16(c.op), uint16(want))
		}
		if c.op.String() != c.name || !c.op.Known() {
			t.Errorf("0x%04X is %q, known %v", uint16(c.op), c.op, c.op.Known())
		}
	}
	if op := Opcode(0xFC01); op.String() != "command 0xFC01" || op.Known() || AnsweredByStatus(op) {
		t.Errorf("%v, known %v", op, op.Known())
	}
}

// The commands whose descriptions in Vol 4, Part E, 7 say "HCI_Command_Status" under "events generated".
func TestAnsweredByStatus(t *testing.T) {
	byStatus := map[Opcode]bool{OpDisconnect: true, OpReadRemoteVersionInformation: true, OpLECreateConnection: true,
		OpLEConnectionUpdate: true, OpLEReadRemoteFeatures: true, OpLEEnableEncryption: true}
	for op := range opcodeNames {
		if AnsweredByStatus(op) != byStatus[op] {
			t.Errorf("%v: %v", op, !byStatus[op])
		}
	}
}
