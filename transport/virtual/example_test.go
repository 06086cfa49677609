package virtual_test

import (
	"fmt"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Two controllers, one of them spoken to in raw HCI by an oximeter, the other by a phone. An application's test gives the
// Conns to its hosts instead.
func Example() {
	air := virtual.NewAir(virtual.AirConfig{
		Instant: true, // outside a testing/synctest bubble, don't wait for connection events
		Trace:   func(t virtual.Trace) { fmt.Println(t.From, "sends", t.PDU) },
	})
	defer air.Close()
	oximeter := air.NewController(virtual.ControllerConfig{Name: "oximeter", Address: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}})
	phone := air.NewController(virtual.ControllerConfig{Name: "phone"})

	advertise(oximeter.Conn())
	for _, e := range connect(phone.Conn(), oximeter.Address()) {
		fmt.Println("phone's host reads", e)
	}
	oximeter.DropLinks(hci.ConnectionTimeout)
	fmt.Println("phone's host reads", read(phone.Conn()))

	// Output:
	// oximeter sends ADV_IND
	// phone sends CONNECT_IND
	// phone's host reads Command Complete
	// phone's host reads Command Status
	// phone's host reads LE Meta
	// phone's host reads Disconnection Complete
}

func advertise(c transport.Conn) {
	c.WritePacket(hci.AppendCommand(nil, hci.LESetAdvertisingEnable{Enable: true}))
	read(c)
}

func connect(c transport.Conn, to hci.Address) (events []hci.EventCode) {
	c.WritePacket(hci.AppendCommand(nil, hci.SetEventMask{Mask: ^uint64(0)}))
	events = append(events, read(c))
	c.WritePacket(hci.AppendCommand(nil, hci.LECreateConnection{ScanInterval: 96, ScanWindow: 48, Peer: to,
		Parameters: hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 40, SupervisionTimeout: 42}}))
	return append(events, read(c), read(c))
}

func read(c transport.Conn) hci.EventCode {
	b := make([]byte, transport.MaxPacket)
	if _, err := c.ReadPacket(b); err != nil {
		fmt.Println(err)
	}
	return hci.EventCode(b[1])
}
