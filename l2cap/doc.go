// Package l2cap is the Logical Link Control and Adaptation Protocol of one LE connection (Vol 3, Part A):
// PDUs cut into fragments for the controller and put together again, the fixed channels, and signalling.
//
// A Mux sits on a Link. What arrives is handed to it fragment by fragment by the controller's loop; what is
// to go out waits in the Mux, and the controller's writer pulls the next fragment when it has a credit for
// the link. So there is one queue between a sender and the air, it is bounded, and a connection that ends
// takes its queue along.
//
// Two things may wait on a channel: what was sent with Send, which waits for room, and what was sent with
// SendUrgent, which never waits and goes first. Responses, confirmations, SMP and signalling are urgent;
// requests, commands, notifications and indications are not.
//
// A credit-based channel, of either mode, is a net.Conn that also reads and writes whole SDUs. Its frames are
// cut when the writer pulls them, by the credits that the peer has given; a reader that is slow gives the peer
// no credits, and so holds it back.
//
//	supported       fixed channels, credit-based and enhanced credit-based channels (dial, listen,
//	                reconfigure), signalling: command reject, connection parameter update
//	not supported   BR/EDR's modes and signalling, answered by Command Reject
package l2cap
