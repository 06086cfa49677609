// Package vendor does what a chip needs before it is a controller: it finds out what the chip is, gives a
// Broadcom chip its firmware, its address and its rate, and finds the address that a Zephyr controller brings.
//
// Start does all of that through two small interfaces, Controller and Port, and Stop takes it back at the end.
// The procedures are straight-line code: they start no goroutine, keep nothing, and end when their context does.
// A command goes to a chip of whose maker it is, as the chip itself says: 0xFC01 writes the address of a Broadcom
// chip, and reads the version of a Zephyr controller.
//
//	supported                                           not supported
//	Broadcom, Cypress, Infineon and Synaptics on a      their USB products' firmware, and what else the kernel
//	UART: firmware (.hcd, also .zst and .xz), launch,   loads: by user channel only
//	address, operating rate, back to 115,200 baud
//	the same chips on a user channel: address           low power by HOST_WAKE and DEV_WAKE, SCO routing
//	Zephyr and Nordic controllers: version, static      their key hierarchy roots
//	address
//	Espressif and others: need nothing                  TI (.bts, eHCILL), Realtek (H5, 8E1, rtl_bt), Intel,
//	                                                    Qualcomm, MediaTek: by user channel only
//
// A Broadcom chip without firmware is an error, unless Config.Unpatched is set: its ROM answers, and mostly works,
// but has the faults that the firmware is there to mend. Firmware goes at the rate at which the chip was found,
// mostly 115,200 baud, which takes about six seconds: one rate change less to fail. The format has no checksum, so
// that a flipped bit in a record's data is seen in compressed files only.
package vendor
