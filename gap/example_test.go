package gap_test

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A heart rate sensor and a box that reads it, on a virtual radio. On hardware the box's controller comes from
// transport.Open, and the bonds from smp/bondstore.
func Example() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()

	// The sensor.
	rate := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read, Value: []byte{0, 61},
		Permissions: gatt.Permissions{Read: gatt.Encrypted}}
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Sensor", Services: []*gatt.Service{
		{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{rate}}}})
	if err != nil {
		panic(err)
	}
	sensor, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{Server: server})
	if err != nil {
		panic(err)
	}
	defer sensor.Close()
	go sensor.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "Sensor", Services: []att.UUID{gatt.HeartRate}}})

	// The box.
	box, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{
		Security: smp.Config{Store: smp.NewMemoryStore()}})
	if err != nil {
		panic(err)
	}
	defer box.Close()
	var peer hci.Address
	for a, err := range box.Scan(ctx, gap.ScanConfig{}) {
		if err != nil {
			panic(err)
		}
		if a.Data.Name() == "Sensor" {
			peer = a.Address
			break
		}
	}
	conn, err := box.Connect(ctx, peer, gap.ConnectConfig{})
	if err != nil {
		panic(err)
	}
	found, err := conn.Client().FindCharacteristics(ctx, gatt.HeartRateMeasurement)
	if err != nil {
		panic(err)
	}
	value, err := conn.Client().Read(ctx, found[0].ValueHandle) // refused in the clear, so the link is secured
	if err != nil {
		panic(err)
	}
	fmt.Println(value[1], "beats a minute at level", conn.Security().Level())
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	// Output: 61 beats a minute at level encrypted
}
