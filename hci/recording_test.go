package hci_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// Real octets: every packet of both recordings parses, and writes itself again.
func TestRecordings(t *testing.T) {
	for _, name := range []string{"paired", "key-missing"} {
		packets, err := hcitest.Recording(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			t.Run(fmt.Sprintf("%s line %d", name, p.Line), func(t *testing.T) {
				got, err := again(p.Data)
				if err != nil || !bytes.Equal(got, p.Data) {
					t.Errorf("% X\nbecame % X, %v", p.Data, got, err)
				}
			})
		}
	}
}

// again parses a packet to the end and appends what came of it.
func again(p []byte) ([]byte, error) {
	switch p[0] {
	case hci.ACLPacket:
		a, err := hci.ParseACL(p[1:])
		return hci.AppendACL(nil, a), err
	case hci.CommandPacket:
		f, err := hci.ParseCommand(p[1:])
		if err != nil {
			return nil, err
		}
		c, err := command(f)
		if err != nil {
			return nil, err
		}
		return hci.AppendCommand(nil, c), nil
	case hci.EventPacket:
		f, err := hci.ParseEvent(p[1:])
		if err != nil {
			return nil, err
		}
		e, err := event(f)
		if err != nil {
			return nil, err
		}
		return hci.AppendEvent(nil, e), nil
	}
	return nil, fmt.Errorf("packet type %d", p[0])
}

func command(f hci.CommandFrame) (hci.Command, error) {
	switch f.Opcode {
	case hci.OpLECreateConnection:
		return hci.ParseLECreateConnection(f.Parameters)
	case hci.OpLEEnableEncryption:
		return hci.ParseLEEnableEncryption(f.Parameters)
	case hci.OpDisconnect:
		return hci.ParseDisconnect(f.Parameters)
	}
	return nil, fmt.Errorf("%v", f.Opcode)
}

func event(f hci.EventFrame) (hci.EventParameters, error) {
	switch f.Code {
	case hci.EvCommandStatus:
		return hci.ParseCommandStatus(f.Parameters)
	case hci.EvNumberOfCompletedPackets:
		return hci.ParseNumberOfCompletedPackets(f.Parameters)
	case hci.EvEncryptionChange:
		return hci.ParseEncryptionChange(f.Parameters)
	case hci.EvDisconnectionComplete:
		return hci.ParseDisconnectionComplete(f.Parameters)
	case hci.EvLEMeta:
		if s, b, err := hci.ParseLEMeta(f.Parameters); err != nil || s == hci.EvLEConnectionComplete {
			if err != nil {
				return nil, err
			}
			return hci.ParseLEConnectionComplete(b)
		}
	}
	return nil, fmt.Errorf("%v", f.Code)
}

// What the recordings say, field by field, so that two mistakes can't cancel out.
func TestRecordedFields(t *testing.T) {
	oximeter, _, err := hci.ParseAddress("00:1C:05:FF:F0:30/public")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := hcitest.Recording("key-missing")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, p := range packets {
		switch p.Data[0] {
		case hci.CommandPacket:
			f, _ := hci.ParseCommand(p.Data[1:])
			c, err := command(f)
			if err != nil {
				t.Fatal(err)
			}
			if create, ok := c.(hci.LECreateConnection); ok {
				if want := (hci.LECreateConnection{ScanInterval: 0x60, ScanWindow: 0x30, Peer: oximeter,
					Parameters: hci.ConnectionParameters{IntervalMin: 40, IntervalMax: 56, SupervisionTimeout: 42}}); create != want {
					t.Errorf("%+v, want %+v", create, want)
				}
			}
			said = append(said, fmt.Sprint(f.Opcode))
		case hci.EventPacket:
			f, _ := hci.ParseEvent(p.Data[1:])
			e, err := event(f)
			if err != nil {
				t.Fatal(err)
			}
			switch e := e.(type) {
			case hci.LEConnectionComplete:
				if want := (hci.LEConnectionComplete{Handle: 16, Peer: oximeter, Interval: 54, SupervisionTimeout: 42}); e != want {
					t.Errorf("%+v, want %+v", e, want)
				}
			case hci.EncryptionChange:
				if e != (hci.EncryptionChange{Status: hci.PINOrKeyMissing, Handle: 16}) {
					t.Errorf("%+v", e)
				}
			case hci.DisconnectionComplete:
				if e != (hci.DisconnectionComplete{Handle: 16, Reason: hci.ConnectionTerminatedByLocalHost}) {
					t.Errorf("%+v", e)
				}
			}
			said = append(said, fmt.Sprint(f.Code))
		}
	}
	if len(said) != 9 {
		t.Errorf("%d packets but ACL data: %q", len(said), said)
	}
}
