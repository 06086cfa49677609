// Package lab holds the tests that need a real Linux kernel with Bluetooth and BlueZ as the peer. They have
// the build constraint lab, so that go test ./... knows nothing of them: make lab builds them and the
// binary they drive, and runs both in the virtual machine that the script lab boots.
//
// Most see Jelling as its users do, from outside: as a process, by its output, its exit status and its files. What has no
// command, a database that changes, bearers, PHYs, is done by a host of the library in the test itself.
//
// BlueZ is on the other side, in either role: peripheral.py is an oximeter whose readings need encryption, central.py a
// telephone that pairs, reads, writes and subscribes when told so. The radio is btvirt, BlueZ's own, or package virtual's
// behind /dev/vhci, so that the kernel lives on it too.
//
//	supported                                             not supported
//	HCI_CHANNEL_USER of Linux 6.1 (Debian), its errors    real controllers, packets that are lost on air
//	BlueZ 5.66 as peripheral and as central               other stacks than BlueZ's
//	pairing, every method but one, both ways to pair      out of band: BlueZ has no way to be told
//	bonds lost on either side, back-off, upgrades         signed writes
//	bonds taken from BlueZ and given to it                bonds of several local identities
//	GATT, both roles; databases that change               authorization
//	bursts with and without flow control                  enhanced bearers by the handful: see TestEnhancedBearers
//	channels to the kernel's sockets                      enhanced channels to the kernel's sockets
//	link parameters, PHYs, lengths; accept list           extended and periodic advertising on air
//	private addresses on either side                      subrating, power control
//	UARTs with H4 and H5; unplugging; captures            firmware
package lab
