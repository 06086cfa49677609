// Package transport moves whole HCI packets in and out of a controller.
//
// A [Spec] says in one word which controller ("user:0", "unix:/run/h4", "tcp:127.0.0.1:9000"), [Open]
// opens it, and the [Conn] that comes back reads and writes packets. [Tap] puts a btsnoop [Capture]
// on any Conn. The package knows the frame around a packet and nothing of what is in it.
//
// A Conn over a serial line is a [Serial] and a [Resyncer] too, which [As] finds below a tap: it changes its rate for
// whoever brings up the chip, and where a stream over a socket can only be opened anew, it comes back into step.
//
//	supported                                              not supported
//	HCI user channel (Linux), by number or by address      raw and monitor channels
//	waiting for a controller, notice of dropped packets    another controller's in the place of the one named
//	an errno's meaning and remedy, without trying it too   what only root may see, for others
//	H4 over Unix and TCP stream sockets                    USB without a kernel driver
//	H4 over a UART, with a way back into step (Linux)      serial lines elsewhere
//	three-wire UART (H5)                                   eHCILL sleep of Texas Instruments' chips
//	btsnoop 2001 and 1002, in series, with log lines       writing 1001 and Apple's packet log
//	reading btsnoop 1001, 1002, 2001, Apple's packet log   1003, 1004, 2002, pcap
//
// Virtual controllers have a specification here ("virtual:"), and are opened by transport/virtual.
package transport
