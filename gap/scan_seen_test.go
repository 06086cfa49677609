package gap

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func deviceOf(n int) seenKey {
	return seenKey{device: hci.Address{Octets: [6]byte{byte(n), byte(n >> 8), byte(n >> 16)}}}
}

func TestDuplicatePolicies(t *testing.T) {
	// What is heard of one device, a second apart, and which of it is news.
	heard := []string{"a", "a", "b", "b", "a", "a"}
	for _, c := range []struct {
		policy Duplicates
		again  time.Duration
		news   string
	}{
		{ReportOnce, 0, "100000"},
		{ReportOnce, 3 * time.Second, "100100"},
		{ReportChanges, 0, "101010"},
		{ReportChanges, time.Second, "111111"},
		{ReportChanges, 2 * time.Second, "101010"},
		{ReportAll, 0, "111111"},
	} {
		t.Run(fmt.Sprint(c.policy, c.again), func(t *testing.T) {
			now := time.Now()
			cache := newSeenCache(c.policy, c.again, now)
			var got strings.Builder
			for i, data := range heard {
				got.WriteString(map[bool]string{true: "1", false: "0"}[cache.isNews(deviceOf(1), []byte(data), now.Add(time.Duration(i)*time.Second))])
			}
			if got.String() != c.news {
				t.Errorf("news %s, want %s", got.String(), c.news)
			}
			for _, other := range []seenKey{deviceOf(2), {device: deviceOf(1).device, sid: 1}, {device: deviceOf(1).device, response: true},
				{device: hci.Address{Type: hci.Random, Octets: deviceOf(1).device.Octets}}} { // public and random are two: complaint 25
				if !cache.isNews(other, nil, now) {
					t.Errorf("%+v is nobody's duplicate", other)
				}
			}
		})
	}
}

// An attacker's addresses cost nothing: the cache forgets whom it has not heard for the longest, and no others.
func TestDuplicateCacheIsBounded(t *testing.T) {
	now := time.Now()
	cache := newSeenCache(ReportOnce, 0, now)
	for i := range 3 * maxSeen {
		if !cache.isNews(deviceOf(i+1), nil, now) {
			t.Fatalf("device %d is new", i)
		}
		if cache.isNews(deviceOf(0), nil, now) != (i == 0) {
			t.Fatalf("the device that is always there is news again after %d others", i+1)
		}
	}
	if len(cache.index) != maxSeen || len(cache.entries) != maxSeen+1 {
		t.Errorf("%d devices in %d entries are remembered", len(cache.index), len(cache.entries))
	}
}

// The ring agrees with a list of the plainest kind.
func TestDuplicateCacheOrder(t *testing.T) {
	now := time.Now()
	cache := newSeenCache(ReportOnce, 0, now)
	var order []int // of devices, the least recently heard first
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		n := random.IntN(maxSeen + 500)
		news := true
		for i, o := range order {
			if o == n {
				order, news = append(order[:i], order[i+1:]...), false
				break
			}
		}
		if order = append(order, n); len(order) > maxSeen {
			order = order[1:]
		}
		if got := cache.isNews(deviceOf(n), nil, now); got != news {
			t.Fatalf("device %d is news: %v, want %v", n, got, news)
		}
	}
	i := cache.entries[0].younger
	for _, n := range order {
		if cache.entries[i].key != deviceOf(n) {
			t.Fatalf("%v where device %d was to be", cache.entries[i].key, n)
		}
		i = cache.entries[i].younger
	}
	if i != 0 {
		t.Error("the ring does not end where it began")
	}
}
