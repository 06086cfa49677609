// Package driver drives one controller: it starts it up, sends commands as the controller has room for them,
// keeps the table of connections, and moves ACL fragments by the controller's credits.
//
// Three goroutines: a reader, which does nothing but read and hand over, since the kernel drops packets of a
// user channel that nobody reads; the loop, which owns the connection table and calls the host above; and a
// writer, which sends commands before ACL data and takes each fragment from its connection in turn.
//
// What the host hangs on the controller (Handler, ConnHandler) is called on the loop, in the order in which
// things arrived, and must not wait: completions and credits come through the same loop.
//
//	supported       start-up, legacy scanning and advertising, connections in both roles, encryption,
//	                connection updates, one-buffer controllers, controllers without LE buffers of their own
//	not supported   extended advertising, privacy in the controller, PHYs, controller-to-host flow control
package driver
