package driver

import "github.com/jelling-ble/jelling/hci"

// Info is what a controller says of itself at start-up.
type Info struct {
	Address    hci.Address // public; zero where it has none
	Version    hci.LocalVersion
	Commands   hci.SupportedCommands
	Features   uint64 // LE features
	States     uint64 // what it does at once, as in hci.StateInitiatingAndCentral; 0 where it does not say
	ACLLength  int    // octets of one fragment
	ACLBuffers int
	AcceptList int  // entries of the filter accept list
	HostFlow   bool // the controller waits for us; see Conn.Throttle

	ResolvingList int // entries of the resolving list; 0 where there is none, or no device privacy mode

	AdvertisingSets    int // that the controller has room for; 1 in the legacy family
	MaxAdvertisingData int // octets of one set's data; 31 in the legacy family
}
