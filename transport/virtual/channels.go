package virtual

import (
	"fmt"
	"math/bits"

	"github.com/jelling-ble/jelling/hci"
)

var channelCommands = map[hci.Opcode]command{
	hci.OpLESetHostChannelClassification: {length: 5, octet: 27, bit: 3, complete: (*Controller).classifyChannels},
	hci.OpLEReadChannelMap:               {length: 2, octet: 27, bit: 4, complete: (*Controller).readChannels},
}

// minChannels is how many a link needs (Vol 6, Part B, 2.4.2.2).
const minChannels = 2

// classifyChannels is the host's word on which channels may be good. As central, the controller tells its peers.
func (c *Controller) classifyChannels(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetHostChannelClassification(p)
	n := 0
	for _, b := range q.Channels {
		n += bits.OnesCount8(b)
	}
	if err != nil || n < minChannels || q.Channels[4]&^allChannels[4] != 0 {
		return r, hci.InvalidHCICommandParameters
	}
	c.channels = q.Channels
	for _, e := range c.ends {
		e.updateChannels()
	}
	return r, hci.Success
}

// updateChannels begins a channel map update, unless one is at work or about to be (Vol 6, Part B, 5.1.2).
func (e *end) updateChannels() {
	if e.role != hci.Central || e.at(channelMapUpdate) {
		return
	}
	e.begin(channelMapUpdate, e.sendChannels)
}

func (e *end) sendChannels() { e.queue(pdu{op: llChannelMapInd}) }

// updateMap is at the instant. The host may have spoken again meanwhile.
func (l *link) updateMap(to hci.ChannelMap) {
	l.channels = to
	if e := &l.central; to != e.c.channels && !e.gone {
		e.procedures.waiting = append(e.procedures.waiting, waiting{channelMapUpdate, e.sendChannels})
	}
}

func channelsText(p pdu) string { return fmt.Sprintf("% X", p.channels[:]) }

func (e *end) receiveChannels(p pdu) {
	e.meets(channelMapUpdate, p.op)
	e.receiveInstant(p)
}

func (c *Controller) readChannels(p, r []byte) ([]byte, hci.Status) {
	e, r, status := c.endOf(p, r)
	if status != hci.Success {
		return append(r, make([]byte, len(hci.ChannelMap{}))...), status
	}
	return append(r, e.link.channels[:]...), hci.Success
}
