// Package bluez reads and writes bonds as BlueZ keeps them, below /var/lib/bluetooth: so that a device that was
// paired under BlueZ need not be paired again, and the other way round.
//
//	/var/lib/bluetooth/                   mode 0700
//	    00:1D:85:F0:01:77/                a local identity; static-C0:…: one whose address is static random
//	        identity                      the local identity resolving key
//	        00:1C:05:FF:F0:30/info        the peer's keys, mode 0600
//
// Keys are hexadecimal in on-air order, least significant octet first, and stored by who distributed them:
// LongTermKey is the peer's, PeripheralLongTermKey and its older name SlaveLongTermKey ours. The one key of
// Secure Connections is read from either and written to all three, since some releases look for it in one only.
//
// A bond is good with the local address that it was made with, and no other. Bluetoothd reads these files when it
// starts and rewrites them as it likes: it has to be stopped while they are written.
//
//	supported                                       not supported
//	long term keys of LE, their kind and size       debug keys: refused
//	identity resolving keys, ours and the peer's    link keys of BR/EDR: left as they are
//	signature keys and their counters               names, trust, services: left as they are
//	static random and public identities             the attribute cache, and what peers subscribed to
package bluez
