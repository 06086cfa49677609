package gap

import (
	"hash/maphash"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Duplicates is what a Scan yields of a device that it has yielded before. A device is an identity, an advertising set of its,
// and, unless they are merged, advertisement and scan response apart. Who sends no address is known by the set alone.
type Duplicates uint8

const (
	ReportOnce    Duplicates = iota // nothing, until ScanConfig.Again
	ReportChanges                   // what differs from what was heard last, and the same after ScanConfig.Again
	ReportAll                       // everything
)

// maxSeen is how many devices a Scan remembers; one more, and the one that has been silent for the longest is forgotten.
const maxSeen = 4096

// seenKey is whose report it is.
type seenKey struct {
	device   hci.Address
	sid      uint8
	response bool
}

// seenEntry is what is remembered of it, in a ring from the least to the most recently heard, beginning and ending at
// entry 0.
type seenEntry struct {
	key            seenKey
	hash           uint64        // of what was heard last
	reported       time.Duration // since the cache was made
	older, younger int32
}

// seenCache knows duplicates. Whoever has the scanners has it.
type seenCache struct {
	policy  Duplicates
	again   time.Duration // zero: never
	seed    maphash.Seed
	began   time.Time
	entries []seenEntry
	index   map[seenKey]int32
}

func newSeenCache(policy Duplicates, again time.Duration, now time.Time) *seenCache {
	return &seenCache{policy: policy, again: again, seed: maphash.MakeSeed(), began: now,
		entries: make([]seenEntry, 1), index: make(map[seenKey]int32)}
}

// isNews tells whether a report is to be yielded, and remembers it.
func (c *seenCache) isNews(key seenKey, data []byte, now time.Time) bool {
	if c.policy == ReportAll {
		return true
	}
	since := now.Sub(c.began)
	i, known := c.index[key]
	if !known {
		i = c.add(key)
	}
	e := &c.entries[i]
	news := !known || c.again > 0 && since-e.reported >= c.again
	if c.policy == ReportChanges {
		hash := maphash.Bytes(c.seed, data)
		news = news || hash != e.hash
		e.hash = hash
	}
	if news {
		e.reported = since
	}
	c.unlink(i)
	c.link(i)
	return news
}

// add makes an entry for a key, in the place of the one that has been silent for the longest if there are too many.
// It is not in the ring yet, but for itself.
func (c *seenCache) add(key seenKey) int32 {
	i := int32(len(c.entries))
	if len(c.entries) <= maxSeen {
		c.entries = append(c.entries, seenEntry{older: i, younger: i})
	} else {
		i = c.entries[0].younger
		delete(c.index, c.entries[i].key)
	}
	c.entries[i].key = key
	c.index[key] = i
	return i
}

func (c *seenCache) unlink(i int32) {
	e := &c.entries[i]
	c.entries[e.older].younger, c.entries[e.younger].older = e.younger, e.older
}

// link makes an entry the most recently heard.
func (c *seenCache) link(i int32) {
	e := &c.entries[i]
	e.older, e.younger = c.entries[0].older, 0
	c.entries[e.older].younger, c.entries[0].older = i, i
}
