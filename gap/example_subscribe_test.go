package gap_test

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A wish for values holds on every connection to a peer, whoever makes it. This sensor tells its value to whoever subscribes.
func ExampleHost_Subscribe() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	rate := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify}
	rate.Subscribed = func(subscriber *gatt.ServerConn, notify, _ bool) {
		if notify {
			_ = subscriber.Notify(ctx, rate, []byte{0, 61})
		}
	}
	server := must(gatt.NewServer(gatt.ServerConfig{Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{rate}}}}))
	sensor := open(ctx, air, gap.Config{Server: server})
	defer sensor.Close()
	go func() {
		for {
			if _, err := sensor.Advertise(ctx, gap.AdvertiseConfig{Payload: sensorPayload}); err != nil {
				return
			}
		}
	}()

	box := open(ctx, air, gap.Config{})
	defer box.Close()
	values := make(chan byte)
	wish := box.Subscribe(sensor.Identity(), gatt.HeartRateMeasurement, func(value []byte) { values <- value[1] })
	defer wish.Close()
	for range 3 {
		conn := must(box.Connect(ctx, sensor.Identity(), gap.ConnectConfig{}))
		fmt.Println(<-values, "beats a minute")
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
		<-conn.Ended()
	}
	// Output:
	// 61 beats a minute
	// 61 beats a minute
	// 61 beats a minute
}
