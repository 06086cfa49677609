// Package lab holds the tests that need a real Linux kernel with Bluetooth and BlueZ as the peer. They have
// the build constraint lab, so that go test ./... knows nothing of them: make lab builds them and the
// binary they drive, and runs both in the virtual machine that the script lab boots.
//
// They see Jelling as its users do, from outside: as a process, by its output, its exit status and its
// files. peripheral.py is the other side, an oximeter in BlueZ's hands whose readings need encryption.
//
//	supported                                     not supported
//	HCI_CHANNEL_USER of Linux 6.1 (Debian)        the radio: btvirt's packets are never lost or late
//	BlueZ as the peripheral, both ways to pair    BlueZ as the central
//	passkey both ways, numbers, yes and no        out of band
//	binding errors of the real kernel             rfkill, unplugging
package lab
