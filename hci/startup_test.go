package hci_test

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// answer sends a command to a controller and gives its return parameters, behind the status.
func answer(t *testing.T, controller hcitest.Responder, c hci.Command) []byte {
	t.Helper()
	command, err := hci.ParseCommand(hci.AppendCommand(nil, c)[1:])
	if err != nil {
		t.Fatal(err)
	}
	packets, known := controller(command)
	if !known || len(packets) != 1 {
		t.Fatalf("%v: known %v, %d packets", c.Opcode(), known, len(packets))
	}
	event, err := hci.ParseEvent(packets[0][1:])
	if err != nil || event.Code != hci.EvCommandComplete {
		t.Fatalf("%v: %+v, %v", c.Opcode(), event, err)
	}
	complete, err := hci.ParseCommandComplete(event.Parameters)
	if err != nil || complete.Opcode != c.Opcode() || complete.NumPackets == 0 {
		t.Fatalf("%v: %+v, %v", c.Opcode(), complete, err)
	}
	if status, err := hci.ReturnStatus(complete.Opcode, complete.Return); status != hci.Success || err != nil {
		t.Fatalf("%v: %v, %v", c.Opcode(), status, err)
	}
	return complete.Return[1:]
}

// A start-up, command by command, as a host and a controller have it.
func TestStartUpConversation(t *testing.T) {
	controller := hcitest.StartUp(hcitest.Settings{ACLBuffers: 3, ACLLength: 100})
	for _, c := range []hci.Command{hci.Reset, hci.SetEventMask{Mask: hci.EventMaskLEMeta}, hci.LESetEventMask{Mask: 0x1F}} {
		if ret := answer(t, controller, c); len(ret) != 0 {
			t.Errorf("%v returns % X", c.Opcode(), ret)
		}
	}
	buffers, err := hci.ParseLEBufferSize(answer(t, controller, hci.LEReadBufferSize))
	if err != nil || buffers != (hci.LEBufferSize{ACLLength: 100, ACLPackets: 3}) {
		t.Errorf("%+v, %v", buffers, err)
	}
	address, err := hci.ParseBDADDR(answer(t, controller, hci.ReadBDADDR))
	if err != nil || address.Text() != "00:1D:85:F0:01:77/public" {
		t.Errorf("%v, %v", address.Text(), err)
	}
	features, err := hci.ParseFeatures(hci.OpLEReadLocalSupportedFeatures, answer(t, controller, hci.LEReadLocalSupportedFeatures))
	if err != nil || features != hci.FeatureLEEncryption {
		t.Errorf("%x, %v", features, err)
	}
	lmp, err := hci.ParseFeatures(hci.OpReadLocalSupportedFeatures, answer(t, controller, hci.ReadLocalSupportedFeatures))
	if err != nil || lmp&hci.LMPFeatureLESupported == 0 {
		t.Errorf("%x, %v", lmp, err)
	}
	if _, err := hci.ParseLocalVersion(answer(t, controller, hci.ReadLocalVersionInformation)); err != nil {
		t.Error(err)
	}
	if _, err := hci.ParseSupportedCommands(answer(t, controller, hci.ReadLocalSupportedCommands)); err != nil {
		t.Error(err)
	}
}

// A dual-mode controller says zero for LE, and then the buffers of BR/EDR are shared: complaint 7.
func TestSharedBuffersConversation(t *testing.T) {
	controller := hcitest.StartUp(hcitest.Settings{SharedBuffers: true, ACLBuffers: 5, ACLLength: 310})
	if le, err := hci.ParseLEBufferSize(answer(t, controller, hci.LEReadBufferSize)); err != nil || le != (hci.LEBufferSize{}) {
		t.Errorf("%+v, %v", le, err)
	}
	shared, err := hci.ParseBufferSize(answer(t, controller, hci.ReadBufferSize))
	if err != nil || shared.ACLLength != 310 || shared.ACLPackets != 5 {
		t.Errorf("%+v, %v", shared, err)
	}
}
