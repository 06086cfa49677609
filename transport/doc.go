// Package transport moves whole HCI packets in and out of a controller.
//
// A [Spec] says in one word which controller ("user:0", "unix:/run/h4", "tcp:127.0.0.1:9000"), [Open]
// opens it, and the [Conn] that comes back reads and writes packets. [Tap] puts a btsnoop [Capture]
// on any Conn. The package knows the frame around a packet and nothing of what is in it.
//
//	supported                                     not supported
//	HCI user channel (Linux)                      raw and monitor channels
//	an errno's meaning and remedy                 notice of packets that the kernel dropped
//	H4 over Unix and TCP stream sockets           UART, three-wire (H5), USB without a kernel driver
//	list of the kernel's controllers (Linux)      hot-plug
//	writing btsnoop 2001, reading 1002 and 2001   writing 1002, reading 1001, Apple's packet log
//
// Virtual controllers have a specification here ("virtual:"), and are opened by transport/virtual.
package transport
