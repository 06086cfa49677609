package gap_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A crowd of hosts that hide, each by its own means and with room for few of the others in its controller, meet one
// another for hours while their addresses change: everyone is taken for who he is, whoever has a bond never pairs again, and in
// the end nobody has lost a credit (complaints 3, 17, 18, 25 and 26).
func TestHiddenCrowd(t *testing.T) {
	const size, meetings = 6, 150
	inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
		random := rand.New(rand.NewPCG(1, 2))
		var all []*station
		var serving sync.WaitGroup
		ctx, cancel := context.WithCancel(ctx)
		for n := range size {
			hider := hiders[n%len(hiders)]
			radio, privacy := hider.radio, hider.privacy
			if radio.ResolvingListSize == 0 {
				radio.ResolvingListSize = 2
			}
			privacy.Rotation = time.Duration(1+n) * time.Minute
			s := openStation(t, air, stationConfig{radio: radio, privacy: privacy, irk: byte(n + 1)})
			all = append(all, s)
			serving.Go(func() {
				for {
					c, err := s.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: fmt.Sprint("station ", n)}})
					if err != nil {
						return
					}
					<-c.Ended()
				}
			})
		}
		bonded := map[[2]int]bool{}
		for i := range meetings {
			a, b := random.IntN(size), random.IntN(size-1)
			if b >= a {
				b++
			}
			pair := [2]int{min(a, b), max(a, b)}
			var c *gap.Conn
			for tries := 0; c == nil; tries++ {
				target := all[b].Identity()
				if !bonded[pair] { // its address may change at any moment
					target = all[a].named(ctx, fmt.Sprint("station ", b))
				}
				var err error
				c, err = all[a].Connect(ctx, target, gap.ConnectConfig{Security: smp.LevelEncrypted, NoGATT: true, Patience: 30 * time.Second})
				if err != nil && (bonded[pair] || tries == 5 || ctx.Err() != nil) {
					t.Fatalf("meeting %d, %d with %d: %v", i, a, b, err)
				}
			}
			idle(time.Second)
			if c.Peer() != all[b].Identity() || !all[b].isOf(c.OnAir()) || !all[a].isOf(c.Link().LocalAddress()) {
				t.Errorf("meeting %d: %v is known as %v", i, c.OnAir().Text(), c.Peer().Text())
			}
			bonded[pair] = true
			c.Disconnect(hci.RemoteUserTerminatedConnection)
			<-c.Ended()
			idle(time.Duration(random.IntN(180)) * time.Second)
		}
		cancel()
		serving.Wait()
		for n, s := range all {
			pairs := 0
			for pair := range bonded {
				if pair[0] == n || pair[1] == n {
					pairs++
				}
			}
			if got := s.log.count(is[gap.Paired]); got != pairs {
				t.Errorf("station %d paired %d times with %d others", n, got, pairs)
			}
			if free, total := s.Controller().Credits(); free != total {
				t.Errorf("station %d: %d of %d credits", n, free, total)
			}
			if c := s.radio.Counters(); c.CommandsOverCredit+c.Malformed+c.ACLOverCredit != 0 {
				t.Errorf("station %d: %+v", n, c)
			}
			_ = s.Close()
		}
	})
}

// named is the address on air of the station with that name.
func (s *station) named(ctx context.Context, name string) hci.Address {
	s.t.Helper()
	for a, err := range s.Scan(ctx, gap.ScanConfig{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if a.Data.Name() == name {
			return a.Address
		}
	}
	s.t.Fatal("not found")
	return hci.Address{}
}
