// Package driver drives one controller: it starts it up, sends commands as the controller has room for them,
// keeps the table of connections, and moves ACL fragments by the controller's credits.
//
// Three goroutines: a reader, which does nothing but read and hand over, since the kernel drops packets of a
// user channel that nobody reads; the loop, which owns the connection table and calls the host above; and a
// writer, which sends commands before ACL data and takes each fragment from its connection in turn. A
// connection being created has one of its own, so that its caller can go when it likes.
//
// What the host hangs on the controller (Handler, ConnHandler) is called on the loop, in the order in which
// things arrived, and must not wait: completions and credits come through the same loop.
//
// Every wait has an end. A command that is not answered in Config.CommandTimeout ends the controller, and so
// does a cancellation or a disconnection that is never reported; opening it anew is the way back, for the
// layer above. What names a connection is not sent once that has ended, since its handle may be another's.
//
//	supported       start-up, legacy scanning and advertising, connections in both roles, encryption,
//	                connection updates, one-buffer controllers, controllers without LE buffers of their own
//	not supported   extended advertising, privacy in the controller, PHYs, controller-to-host flow control,
//	                data that arrives before its connection is announced (it is counted and dropped)
package driver
