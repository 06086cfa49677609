package gap_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A link is made fast for a firmware image, and cheap for the days between. The peripheral may ask for what it likes,
// as long as it answers within a second.
func ExampleConn_UpdateParameters() {
	ctx, air := context.Background(), virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	sensor, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
	if err != nil {
		panic(err)
	}
	defer sensor.Close()
	go sensor.Advertise(ctx, gap.AdvertiseConfig{})
	box, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{
		Bounds: func(hci.Address) gap.ParameterBounds { return gap.ParameterBounds{IntervalMax: time.Second} }})
	if err != nil {
		panic(err)
	}
	defer box.Close()
	conn, err := box.Connect(ctx, sensor.Identity(), gap.ConnectConfig{})
	if err != nil {
		panic(err)
	}
	if _, err := conn.SetPHY(ctx, hci.PHYsOf(hci.LE2M), hci.PHYsOf(hci.LE2M)); err != nil {
		fmt.Println("it goes by LE 1M:", err)
	}
	if err := conn.UpdateParameters(ctx, gap.Parameters{IntervalMin: 15 * time.Millisecond}); err != nil {
		panic(err)
	}
	fmt.Println("fast:", conn.State().Interval, conn.State().TX)
	if err := conn.UpdateParameters(ctx, gap.Parameters{IntervalMin: 500 * time.Millisecond, Latency: 4}); err != nil {
		panic(err)
	}
	fmt.Println("cheap:", conn.State().Interval, conn.State().Timeout)
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	// Output:
	// fast: 15ms LE 2M
	// cheap: 500ms 15s
}

// Many peers are connected to at once. Who is there is connected to at once, and who is not keeps nobody waiting.
func ExampleHost_Connect_many() {
	ctx, air := context.Background(), virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	var peers []hci.Address
	for range 4 {
		sensor, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
		if err != nil {
			panic(err)
		}
		defer sensor.Close()
		go sensor.Advertise(ctx, gap.AdvertiseConfig{})
		peers = append(peers, sensor.Identity())
	}
	box, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{AcceptListSize: 2}).Conn(), gap.Config{})
	if err != nil {
		panic(err)
	}
	defer box.Close()
	var wg sync.WaitGroup
	for _, peer := range peers {
		wg.Go(func() {
			if _, err := box.Connect(ctx, peer, gap.ConnectConfig{Patience: time.Minute}); err != nil {
				fmt.Println(peer, err)
			}
		})
	}
	wg.Wait()
	fmt.Println(len(box.Conns()), "connections")
	// Output: 4 connections
}
