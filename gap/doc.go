// Package gap is the host: it puts the layers on a controller together and gives them to a program as a few
// verbs. Scan, connect, secure, advertise, keep a connection up, watch what happens.
//
// A Host owns its controller. Everything that happens to its peers is an Event, told in order. A program
// asks for a security level, never for pairing; what happens when a peer has lost its bond is policy
// (smp.Policy), not chance.
//
// With a bond, a connection is encrypted to the bond's level before any ATT PDU of ours goes out, so that
// somebody who has the peer's address and not its key gets nothing.
//
// What GATT learns of a bonded peer is kept with the bond, in Config.GATTStore: the next connection costs no discovery. Host.Subscribe asks for values on every connection to a peer.
//
//	supported       scanning with filters, extended and on LE Coded, advertising by several sets at once, directed,
//	                long and periodic, following and transferring periodic advertising, connecting with time-out and
//	                cancellation, to any number of peers at once, many connections in both roles, their parameters within
//	                bounds, PHYs, data length and subrating, private addresses of our own and of peers, directed
//	                advertising by them, security, GATT client and server on one link, subscriptions and
//	                knowledge of databases that last, credit-based channels, reconnection with back-off
//	not supported   responses to periodic advertising, but by the driver; encrypted advertising data, but as it came
package gap
