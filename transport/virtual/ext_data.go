package virtual

import (
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

// partial is data of which the host has not given all: of advertising first, of the scan response second.
type partial struct {
	open   [2]bool
	octets [2][]byte
}

func (c *Controller) setExtendedData(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetExtendedAdvertisingData(p)
	if err != nil || len(p) != 4+len(q.Data) {
		return r, hci.InvalidHCICommandParameters
	}
	return r, c.setPart(q, false)
}

func (c *Controller) setExtendedResponse(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetExtendedScanResponseData(p)
	if err != nil || len(p) != 4+len(q.Data) {
		return r, hci.InvalidHCICommandParameters
	}
	return r, c.setPart(hci.LESetExtendedAdvertisingData(q), true)
}

// setPart takes data of a set, or a part of them (Vol 4, Part E, 7.8.54 and 7.8.55).
func (c *Controller) setPart(q hci.LESetExtendedAdvertisingData, response bool) hci.Status {
	v := c.set(q.AdvertisingHandle)
	if v == nil {
		return hci.UnknownAdvertisingIdentifier
	}
	if status := v.mayTake(q, response); status != hci.Success {
		return status
	}
	if q.Operation == hci.DataUnchanged {
		v.changed()
		return hci.Success
	}
	at, into := 0, &v.data
	if response {
		at, into = 1, &v.response
	}
	whole, complete, status := v.partial.take(at, q.Operation, q.Data, c.config.MaxAdvertisingData)
	if v.tooLong(len(whole)) {
		whole, status = nil, hci.PacketTooLong
	}
	if *into = whole; complete {
		v.changed()
	}
	return status
}

// mayTake is why a set can't have the data.
func (v *advertiser) mayTake(q hci.LESetExtendedAdvertisingData, response bool) hci.Status {
	whole := q.Operation == hci.DataComplete
	none := len(q.Data) == 0
	switch {
	case q.Operation > hci.DataUnchanged, !whole && q.Operation != hci.DataUnchanged && none:
		return hci.InvalidHCICommandParameters
	case q.Operation == hci.DataUnchanged:
		if response || v.legacy() || !v.on || len(v.data) == 0 || !none {
			return hci.InvalidHCICommandParameters
		}
		return hci.Success
	case v.on && !whole:
		return hci.CommandDisallowed
	case v.legacy() && (!whole || len(q.Data) > hci.MaxAdvertisingData),
		!response && (!v.takesData() || v.on && !v.fits(q.Data)), response && !v.scannable() && !none:
		return hci.InvalidHCICommandParameters
	case response && v.on && v.scannable() && !v.legacy() && none:
		return hci.CommandDisallowed
	}
	return hci.Success
}

// take adds a part, and tells whether that is all: what there is then. What is too long is lost, with all that came
// before it.
func (t *partial) take(at int, operation hci.DataOperation, data []byte, most int) (whole []byte, complete bool, status hci.Status) {
	first := operation == hci.DataFirst || operation == hci.DataComplete
	if !first && !t.open[at] {
		return nil, false, hci.InvalidHCICommandParameters
	}
	if first {
		t.octets[at] = nil
	}
	all := append(slices.Clip(t.octets[at]), data...)
	t.open[at], t.octets[at] = false, nil
	switch {
	case len(all) > most:
		return nil, false, hci.MemoryCapacityExceeded
	case operation == hci.DataComplete || operation == hci.DataLast:
		return all, true, hci.Success
	}
	t.open[at], t.octets[at] = true, all
	return nil, false, hci.Success
}

// changed gives the data another ID.
func (v *advertiser) changed() {
	v.c.dataID++
	v.dataID = v.c.dataID
}
