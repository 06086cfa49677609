package driver_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// ears is a host that prints the extended advertisements that it hears.
type ears struct {
	host
	heard chan driver.Report
}

func (e *ears) HandleAdvertisement(r driver.Report) {
	r.Data = bytes.Clone(r.Data) // it is good during the call
	select {
	case e.heard <- r:
	default:
	}
}

// readings is a handler of periodic advertising that keeps the first report.
type readings chan string

func (r readings) HandlePeriodicReport(_ *driver.Sync, report driver.PeriodicReport) {
	select {
	case r <- string(report.Data):
	default:
	}
}

func (readings) HandleSyncEnd(_ *driver.Sync, err error) { fmt.Println("end:", err) }

// A set with more data than a legacy advertisement holds, and somebody who hears it.
func ExampleController_NewAdvertisingSet() {
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	beacon, err := driver.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), driver.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer beacon.Close()
	set, err := beacon.NewAdvertisingSet(ctx, driver.AdvertisingParameters{SID: 4}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := set.SetData(ctx, bytes.Repeat([]byte{0}, 400)); err != nil {
		fmt.Println(err)
		return
	}
	if err := set.Start(ctx, driver.AdvertisingLimits{}); err != nil {
		fmt.Println(err)
		return
	}

	listener := &ears{heard: make(chan driver.Report, 1)}
	phone, err := driver.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), driver.Config{Handler: listener})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer phone.Close()
	if err := phone.StartScan(ctx, driver.ScanParameters{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)}); err != nil {
		fmt.Println(err)
		return
	}
	r := <-listener.heard
	fmt.Println("set", r.SID, "with", len(r.Data), "octets, truncated:", r.Truncated)
	// Output: set 4 with 400 octets, truncated: false
}

// A broadcast that is followed without scanning.
func ExampleController_Sync() {
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	thermometer := air.NewController(virtual.ControllerConfig{})
	broadcaster, err := driver.Open(ctx, thermometer.Conn(), driver.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broadcaster.Close()
	set, err := broadcaster.NewAdvertisingSet(ctx, driver.AdvertisingParameters{SID: 1}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range []func() error{
		func() error { return set.SetPeriodic(ctx, driver.PeriodicParameters{IntervalMin: 8}) }, // 10 ms
		func() error { return set.SetPeriodicData(ctx, []byte("21.5 °C")) },
		func() error { return set.StartPeriodic(ctx) },
		func() error { return set.Start(ctx, driver.AdvertisingLimits{}) },
	} {
		if err := step(); err != nil {
			fmt.Println(err)
			return
		}
	}

	display, err := driver.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), driver.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer display.Close()
	values := make(readings, 1)
	sync, err := display.Sync(ctx, driver.SyncParameters{Advertiser: thermometer.Address(), SID: 1}, values)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-values)
	if err := sync.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 21.5 °C
	// end: periodic advertising is followed no more: use of closed network connection
}
