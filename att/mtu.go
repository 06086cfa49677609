package att

import "math"

// MTU is the ATT_MTU: the longest PDU that may be sent now, in octets.
func (c *Conn) MTU() int { return int(c.mtu.Load()) }

// initMTU sets what holds before an exchange. On an enhanced bearer there is none (Vol 3, Part F, 3.2.8).
func (c *Conn) initMTU() {
	carried := min(max(c.bearer.MaxMTU(), DefaultMTU), math.MaxUint16)
	if c.bearer.Enhanced() {
		c.rxMTU = carried
		c.mtu.Store(int32(carried))
		return
	}
	c.rxMTU = DefaultMaxMTU
	if c.cfg.MTU != 0 {
		c.rxMTU = max(c.cfg.MTU, DefaultMTU)
	}
	c.rxMTU = min(c.rxMTU, carried)
	c.mtu.Store(DefaultMTU)
}

// receiveMTURequest answers the peer as its server. It is done here and not by the Handler's goroutine, so that the new MTU
// holds for the next PDU. A client asks once (Vol 3, Part F, 3.4.2.1). One that asks again is told the same, which is what we receive; the
// MTU of the first exchange is never exceeded.
func (c *Conn) receiveMTURequest(pdu []byte) {
	if c.bearer.Enhanced() {
		c.counters.unsupported.Add(1)
		c.refuse(OpExchangeMTURequest, ErrRequestNotSupported)
		return
	}
	req, err := ParseExchangeMTURequest(pdu)
	if err != nil {
		c.malformed(OpExchangeMTURequest)
		c.refuse(OpExchangeMTURequest, ErrInvalidPDU)
		return
	}
	c.reply(ExchangeMTUResponse{ServerRxMTU: uint16(c.rxMTU)}.AppendTo(c.refusal[:0]))
	c.agreeMTU(req.ClientRxMTU)
	c.peerAsked = true
}

// receiveMTUResponse notes what the peer's server answered to our request. A refusal leaves the MTU as it is.
func (c *Conn) receiveMTUResponse(pdu []byte) {
	if rsp, err := ParseExchangeMTUResponse(pdu); err == nil {
		c.agreeMTU(rsp.ServerRxMTU)
	}
	c.weAsked = true
}

// agreeMTU sets the MTU to the smaller of both; an exchange after the first can only lower it. A peer's value below the default
// is a mistake that leaves it at the default (Vol 3, Part F, 3.4.2.2).
func (c *Conn) agreeMTU(peer uint16) {
	mtu := max(min(c.rxMTU, int(peer)), DefaultMTU)
	if c.weAsked || c.peerAsked {
		mtu = min(mtu, c.MTU())
	}
	c.mtu.Store(int32(mtu))
}
