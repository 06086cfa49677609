// Package driver drives one controller: it starts it up, sends commands as the controller has room for them,
// keeps the table of connections, and moves ACL fragments by the controller's credits.
//
// Three goroutines: a reader, which does nothing but read and hand over, since the kernel drops packets of a
// user channel that nobody reads; the loop, which owns the connection table and calls the host above; and a
// writer, which sends commands before ACL data and takes each fragment from its connection in turn. While
// connections are wanted, one more has the controller create them, so that callers can go when they like: all that
// fit into the filter accept list at once, and the rest in turns.
//
// What the host hangs on the controller (Handler, ConnHandler) is called on the loop, in the order in which
// things arrived, and must not wait: completions and credits come through the same loop.
//
// Every wait has an end. A command that is not answered in Config.CommandTimeout ends the controller, and so
// does a cancellation or a disconnection that is never reported; opening it anew is the way back, for the
// layer above. What names a connection is not sent once that has ended, since its handle may be another's.
//
// A controller that can is made to wait for us: what the host has not dealt with (Conn.Throttle) stays in the
// controller's peer, so that a slow reader slows the link and loses nothing. ACL data that comes before its
// connection is announced, as on USB, is held for 100 ms. Data and encryption events are told in the order in
// which they came; what may overtake Encryption Change is for the Security Manager to judge.
//
// Scanning, advertising and connecting go by the extended commands where the controller has them all, and by the
// legacy ones elsewhere; what is heard is a Report either way.
//
//	supported       start-up, scanning and advertising by either family of commands, several advertising sets,
//	                long data, LE Coded, periodic advertising in both directions and its transfer, connections in
//	                both roles, encryption, connection updates, PHYs, data length, subrating, power, one-buffer
//	                controllers, controllers without LE buffers of their own, controller-to-host flow control,
//	                the resolving list, private addresses that change
//	not supported   direction finding; a resolving list without privacy modes, as of Core 4.2
//	raw             periodic advertising with responses: events to AdvertisingHandler, commands by Do
package driver
