package driver_test

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// message is data that says how long it is and what it is.
func message(octets int, seed byte) []byte {
	b := make([]byte, octets)
	for i := range b {
		b[i] = seed + byte(i)*7
	}
	b[0] = seed
	binary.LittleEndian.PutUint16(b[1:], uint16(octets))
	return b
}

// whole tells whether data are a message from its beginning to its end; beginning, whether they are as far as they go.
func whole(data []byte) bool {
	return beginning(data) && int(binary.LittleEndian.Uint16(data[1:])) == len(data)
}

func beginning(data []byte) bool {
	if len(data) < 3 {
		return len(data) == 0
	}
	want := message(max(3, len(data)), data[0])
	for i := 3; i < len(data); i++ {
		if data[i] != want[i] {
			return false
		}
	}
	return len(data) <= int(binary.LittleEndian.Uint16(data[1:]))
}

// judge is a host, and a follower of periodic advertising, that looks at all that it hears.
type judge struct {
	host
	mu                           sync.Mutex
	whole, truncated, bad, syncs int
}

func (j *judge) take(data []byte, truncated bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case truncated && beginning(data):
		j.truncated++
	case !truncated && whole(data):
		j.whole++
	default:
		j.bad++
	}
}

func (j *judge) HandleAdvertisement(r driver.Report) { j.take(r.Data, r.Truncated) }

func (j *judge) HandlePeriodicReport(_ *driver.Sync, r driver.PeriodicReport) {
	j.take(r.Data, r.DataStatus != hci.DataStatusComplete)
}

func (j *judge) HandleSyncEnd(*driver.Sync, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.syncs++
}

// Six controllers advertise by three sets each and periodically, change what they say and how long it is, go out of range and
// come back, and hear each other through a tenth of packets lost: whatever is told as whole is, and whatever is not is the beginning
// of what was sent.
func TestExtendedStress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{Loss: 0.1, Seed: 5})
		defer air.Close()
		const stations, sets = 6, 3
		random := rand.New(rand.NewPCG(1, 2))
		length := func() int { return 3 + random.IntN(900) }
		var judges [stations]judge
		var radios [stations]*virtual.Controller
		var all [stations]*driver.Controller
		var advertising [stations][sets]*driver.AdvertisingSet
		for i := range all {
			radios[i] = air.NewController(virtual.ControllerConfig{})
			var err error
			if all[i], err = driver.Open(t.Context(), radios[i].Conn(), driver.Config{Handler: &judges[i]}); err != nil {
				t.Fatal(err)
			}
			defer all[i].Close()
			for k := range advertising[i] {
				s, err := all[i].NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{SID: uint8(k), IntervalMin: 320, SecondaryPHY: hci.PHY(1 + k%2)}, nil)
				must(t, err, s.SetData(t.Context(), message(length(), byte(k))), s.Start(t.Context(), driver.AdvertisingLimits{}))
				advertising[i][k] = s
			}
			s := advertising[i][0]
			must(t, s.SetPeriodic(t.Context(), driver.PeriodicParameters{IntervalMin: 160}), s.SetPeriodicData(t.Context(), message(length(), byte(i))), s.StartPeriodic(t.Context()),
				all[i].StartScan(t.Context(), driver.ScanParameters{Interval: 160, Window: 160, Duplicates: true}))
		}
		var follows sync.WaitGroup
		for i := range all {
			follows.Go(func() {
				s, err := all[i].Sync(t.Context(), driver.SyncParameters{Advertiser: radios[(i+1)%stations].Address(), Timeout: 2 * time.Second}, &judges[i])
				if err == nil {
					<-s.Done()
				}
			})
		}
		for range 300 {
			time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
			i, k := random.IntN(stations), random.IntN(sets)
			s := advertising[i][k]
			switch random.IntN(6) {
			case 0:
				must(t, s.SetData(t.Context(), message(length(), byte(random.IntN(256)))))
			case 1:
				must(t, s.Stop(t.Context()), s.Start(t.Context(), driver.AdvertisingLimits{}))
			case 2:
				must(t, advertising[i][0].SetPeriodicData(t.Context(), message(length(), byte(random.IntN(256)))))
			case 3:
				radios[i].SetSilent(true)
				time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
				radios[i].SetSilent(false)
			case 4:
				must(t, all[i].StopScan(t.Context()), all[i].StartScan(t.Context(), driver.ScanParameters{Interval: 160, Window: 160, Duplicates: true}))
			case 5:
				must(t, all[i].SetRandomAddress(t.Context(), hci.Address{Type: hci.Random, Octets: [6]byte{byte(random.IntN(256)), byte(i), 1, 1, 1, 0xC1}}))
			}
		}
		for i := range all {
			stats, err := all[i].Statistics()
			j := &judges[i]
			j.mu.Lock()
			if err != nil || stats.Malformed+stats.UnknownEvents+stats.UnexpectedAnswers != 0 || j.bad != 0 || j.whole < 1000 || j.truncated < 100 {
				t.Errorf("%d: %d whole, %d truncated, %d bad; %d syncs ended; %+v, %v", i, j.whole, j.truncated, j.bad, j.syncs, stats, err)
			}
			j.mu.Unlock()
			if n := radios[i].Counters(); n.CommandsOverCredit+n.EventsDropped != 0 {
				t.Errorf("%d: %+v", i, n)
			}
			_ = all[i].Close()
		}
		follows.Wait()
	})
}
