package hci

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

func TestEvents(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "Disconnection Complete", layout: `
			Status             00
			Connection_Handle  4000
			Reason             08`,
			value: DisconnectionComplete{Success, 0x40, ConnectionTimeout}, parse: parser(ParseDisconnectionComplete)},
		{name: "Encryption Change", layout: `
			Status              06
			Connection_Handle   1000
			Encryption_Enabled  00`,
			value: EncryptionChange{PINOrKeyMissing, 0x10, 0}, parse: parser(ParseEncryptionChange)},
		{name: "Encryption Change", layout: `
			Status              00
			Connection_Handle   1000
			Encryption_Enabled  01`,
			value: EncryptionChange{Success, 0x10, 1}, parse: parser(ParseEncryptionChange)},
		{name: "Encryption Key Refresh Complete", layout: "Status 3D Connection_Handle 4000",
			value: EncryptionKeyRefreshComplete{ConnectionTerminatedMICFailure, 0x40}, parse: parser(ParseEncryptionKeyRefreshComplete)},
		{name: "Read Remote Version Information Complete", layout: `
			Status             00
			Connection_Handle  4000
			Version            0D
			Manufacturer_Name  5900
			Subversion         3412`,
			value: ReadRemoteVersionInformationComplete{Success, 0x40, 13, 0x59, 0x1234}, parse: parser(ParseReadRemoteVersionInformationComplete)},
		{name: "Command Complete", layout: "Num_HCI_Command_Packets 01 Command_Opcode 030C",
			value: CommandComplete{1, OpReset, []byte{}}, parse: exactly(3, parser(ParseCommandComplete))},
		{name: "Command Complete", layout: "Num_HCI_Command_Packets 00 Command_Opcode 0000",
			value: CommandComplete{0, OpNone, []byte{}}, parse: exactly(3, parser(ParseCommandComplete))},
		{name: "Command Status", layout: `
			Status                   0C
			Num_HCI_Command_Packets  01
			Command_Opcode           0D20`,
			value: CommandStatus{CommandDisallowed, 1, OpLECreateConnection}, parse: parser(ParseCommandStatus)},
		{name: "Hardware Error", layout: "Hardware_Code 7F", value: HardwareError{0x7F}, parse: parser(ParseHardwareError)},
		{name: "Number Of Completed Packets", layout: "Num_Handles 00", value: CompletedPacketsOf(), parse: parseCompleted},
		{name: "Number Of Completed Packets", layout: `
			Num_Handles            01
			Connection_Handle      4000
			Num_Completed_Packets  0300`,
			value: CompletedPacketsOf(CompletedPackets{0x40, 3}), parse: parseCompleted},
		{name: "Number Of Completed Packets", layout: `
			Num_Handles            02
			Connection_Handle      4000
			Num_Completed_Packets  0300
			Connection_Handle      4100
			Num_Completed_Packets  0001`,
			value: CompletedPacketsOf(CompletedPackets{0x40, 3}, CompletedPackets{0x41, 256}), parse: parseCompleted},
	})
}

// exactly cuts what is longer, for events whose last field takes all that there is.
func exactly(n int, parse func([]byte) (any, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return parse(b[:min(n, len(b))]) }
}

// parseCompleted parses into entries of its own, which compare.
func parseCompleted(b []byte) (any, error) {
	e, err := ParseNumberOfCompletedPackets(b)
	if err != nil {
		return e, err
	}
	var entries []CompletedPackets
	for i := range e.Len() {
		entries = append(entries, e.At(i))
	}
	return CompletedPacketsOf(entries...), nil
}

// The return parameters are all that is behind the opcode.
func TestCommandCompleteReturnParameters(t *testing.T) {
	octets := []byte{1, 0x09, 0x10, 0, 1, 2, 3, 4, 5, 6}
	e, err := ParseCommandComplete(octets)
	if err != nil || e.Opcode != OpReadBDADDR || e.NumPackets != 1 || !bytes.Equal(e.Return, octets[3:]) {
		t.Errorf("%+v, %v", e, err)
	}
	if got := e.AppendTo(nil); !bytes.Equal(got, octets) {
		t.Errorf("AppendTo gives % X", got)
	}
}

// An event holds 63 entries, and more are not made into an event that lies about its length.
func TestCompletedPacketsOfTooMany(t *testing.T) {
	entries := slices.Repeat([]CompletedPackets{{0x40, 1}}, 100)
	p := AppendEvent(nil, CompletedPacketsOf(entries...))
	f, err := ParseEvent(p[1:])
	if err != nil {
		t.Fatal(err)
	}
	if e, err := ParseNumberOfCompletedPackets(f.Parameters); err != nil || e.Len() != 63 {
		t.Errorf("%d entries, %v", e.Len(), err)
	}
}

// A count of handles that the event does not hold is refused, and names where it ended.
func TestCompletedPacketsLie(t *testing.T) {
	for have := range 20 {
		b := append([]byte{255}, make([]byte, have)...)
		want := fmt.Sprintf("Number Of Completed Packets: Connection_Handle: %d octets, want %d", have+1, have/4*4+3)
		if have%4 >= 2 {
			want = fmt.Sprintf("Number Of Completed Packets: Num_Completed_Packets: %d octets, want %d", have+1, have/4*4+5)
		}
		if _, err := ParseNumberOfCompletedPackets(b); err == nil || err.Error() != "hci: "+want {
			t.Errorf("%d octets: %v, want %s", len(b), err, want)
		}
	}
}

// The four bits above a handle are reserved and not part of it, in every event.
func TestReservedHandleBits(t *testing.T) {
	disconnection, _ := ParseDisconnectionComplete([]byte{0, 0x40, 0xF0, 8})
	encryption, _ := ParseEncryptionChange([]byte{0, 0x40, 0xF0, 1})
	refresh, _ := ParseEncryptionKeyRefreshComplete([]byte{0, 0x40, 0xF0})
	version, _ := ParseReadRemoteVersionInformationComplete([]byte{0, 0x40, 0xF0, 1, 1, 1, 1, 1})
	completed, _ := ParseNumberOfCompletedPackets([]byte{1, 0x40, 0xF0, 1, 0})
	connection, _ := ParseLEConnectionComplete(append([]byte{0, 0x40, 0xF0}, make([]byte, 15)...))
	update, _ := ParseLEConnectionUpdateComplete(append([]byte{0, 0x40, 0xF0}, make([]byte, 6)...))
	features, _ := ParseLEReadRemoteFeaturesComplete(append([]byte{0, 0x40, 0xF0}, make([]byte, 8)...))
	key, _ := ParseLELongTermKeyRequest(append([]byte{0x40, 0xF0}, make([]byte, 10)...))
	request, _ := ParseLERemoteConnectionParameterRequest(append([]byte{0x40, 0xF0}, make([]byte, 8)...))
	for name, handle := range map[string]uint16{
		"Disconnection Complete": disconnection.Handle, "Encryption Change": encryption.Handle, "Encryption Key Refresh Complete": refresh.Handle,
		"Read Remote Version Information Complete": version.Handle, "Number Of Completed Packets": completed.At(0).Handle,
		"LE Connection Complete": connection.Handle, "LE Connection Update Complete": update.Handle, "LE Read Remote Features Complete": features.Handle,
		"LE Long Term Key Request": key.Handle, "LE Remote Connection Parameter Request": request.Handle,
	} {
		if handle != 0x40 {
			t.Errorf("%s: handle 0x%04X", name, handle)
		}
	}
}

func TestAppendEvent(t *testing.T) {
	for _, c := range []struct {
		event  EventParameters
		octets string
	}{
		{DisconnectionComplete{Success, 0x40, RemoteUserTerminatedConnection}, "04 05 04 00 4000 13"},
		{EncryptionChange{Success, 0x40, 1}, "04 08 04 00 4000 01"},
		{ReadRemoteVersionInformationComplete{Success, 0x40, 9, 2, 3}, "04 0C 08 00 4000 09 0200 0300"},
		{CommandComplete{1, OpReset, []byte{0}}, "04 0E 04 01 030C 00"},
		{CommandStatus{Success, 1, OpDisconnect}, "04 0F 04 00 01 0604"},
		{HardwareError{1}, "04 10 01 01"},
		{CompletedPacketsOf(CompletedPackets{0x40, 1}), "04 13 05 01 4000 0100"},
		{EncryptionKeyRefreshComplete{Success, 0x40}, "04 30 03 00 4000"},
		{LEReadRemoteFeaturesComplete{Success, 0x40, 1}, "04 3E 0C 04 00 4000 0100000000000000"},
	} {
		t.Run(c.event.Code().String(), func(t *testing.T) {
			want := unhex(t, c.octets)
			if got := AppendEvent([]byte{0xEE}, c.event); !bytes.Equal(got[1:], want) || got[0] != 0xEE {
				t.Errorf("% X, want % X", got[1:], want)
			}
			if f, err := ParseEvent(want[1:]); err != nil || f.Code != c.event.Code() || !bytes.Equal(f.Parameters, want[3:]) {
				t.Errorf("parsed as %+v, %v", f, err)
			}
		})
	}
}

func TestEventNames(t *testing.T) {
	for code, want := range map[EventCode]string{EvDataBufferOverflow: "Data Buffer Overflow", EvLEMeta: "LE Meta", 0x77: "event 0x77"} {
		if got := code.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for code, want := range map[Subevent]string{EvLEConnectionComplete: "LE Connection Complete", EvLEDataLengthChange: "LE Data Length Change", 0x77: "LE subevent 0x77"} {
		if got := code.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
