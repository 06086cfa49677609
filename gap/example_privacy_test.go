package gap_test

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A box that hides and a lock that hides know each other by their bond, whatever they are on air. On hardware the store is
// one of smp/bondstore, which keeps the box's own key too.
func Example_privacy() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	hidden := func() *gap.Host {
		h, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{
			Security: smp.Config{Store: smp.NewMemoryStore()}, Privacy: gap.Privacy{Own: gap.OwnResolvable}})
		if err != nil {
			panic(err)
		}
		return h
	}
	lock, box := hidden(), hidden()
	defer lock.Close()
	defer box.Close()
	go lock.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "Lock"}})

	for a, err := range box.Scan(ctx, gap.ScanConfig{}) {
		if err != nil {
			panic(err)
		}
		if a.Data.Name() != "Lock" {
			continue
		}
		conn, err := box.Connect(ctx, a.Address, gap.ConnectConfig{Security: smp.LevelEncrypted, NoGATT: true})
		if err != nil {
			panic(err)
		}
		fmt.Println("resolvable on air:", conn.OnAir().IsResolvable())
		fmt.Println("known by its identity:", conn.Peer() == lock.Identity())
		break
	}
	// Output:
	// resolvable on air: true
	// known by its identity: true
}
