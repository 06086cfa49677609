package gap

import (
	"bytes"
	"slices"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
)

// ScanFilter is which advertisements a Scan is to yield: those that have one of each that is given. What it asks of
// the content it finds in an advertisement or in its scan response; with ScanConfig.Merge, in both of them together.
type ScanFilter struct {
	Peers       []hci.Address // by their identity, or their address on air; at most 256 count
	Services    []att.UUID    // named, or with data
	Name        string        // the whole name
	NamePrefix  string
	Companies   []uint16 // of manufacturer specific data
	MinRSSI     int      // dBm; one whose RSSI is not known passes
	Connectable bool     // only what can be connected to
}

// maxFilterPeers bounds what is compared with each report.
const maxFilterPeers = 256

// asksContent tells whether the filter may let pass today what it did not before, from the same device.
func (f *ScanFilter) asksContent() bool {
	return len(f.Services) > 0 || f.Name != "" || f.NamePrefix != "" || len(f.Companies) > 0 || f.MinRSSI != 0 || f.Connectable
}

// matches tells whether an advertisement is to be yielded.
func (f *ScanFilter) matches(a *Advertisement) bool {
	return f.matchesDevice(a) && f.matchesContent(a.Data)
}

// matchesDevice is the part that needs no data.
func (f *ScanFilter) matchesDevice(a *Advertisement) bool {
	switch {
	case f.MinRSSI != 0 && a.RSSI < f.MinRSSI, // an unknown one is 127
		f.Connectable && !a.Connectable:
		return false
	case len(f.Peers) == 0:
		return true
	}
	peers := f.Peers[:min(len(f.Peers), maxFilterPeers)]
	return slices.Contains(peers, a.Identity) || slices.Contains(peers, a.Address)
}

// matchesName compares names as ADStructures.Name makes them; one that is so already costs nothing.
func (f *ScanFilter) matchesName(name []byte) bool {
	if bytes.ContainsFunc(name, unprintable) {
		name = []byte(printable(string(name)))
	}
	if f.Name != "" && string(name) != f.Name {
		return false
	}
	return len(name) >= len(f.NamePrefix) && string(name[:len(f.NamePrefix)]) == f.NamePrefix
}

func (f *ScanFilter) matchesContent(data ADStructures) bool {
	if (f.Name != "" || f.NamePrefix != "") && !f.matchesName(data.name()) {
		return false
	}
	if len(f.Services) > 0 && !slices.ContainsFunc(f.Services, data.HasService) {
		return false
	}
	if len(f.Companies) == 0 {
		return true
	}
	for company := range data.AllManufacturers {
		if slices.Contains(f.Companies, company) {
			return true
		}
	}
	return false
}
