// Package virtual is a Bluetooth radio in memory: LE controllers that hear each other on one [Air]. Each
// [Controller] has a Conn for its host, like any other transport, so that whole applications can be tested, or
// shown, without hardware. What a host depends on is as a real controller does it: command and data
// credits, fragments, the order of events, advertising and connection events in their time, encryption that
// asks the other host for its key, and every way in which a link is lost.
//
// Time is Go's. Make the air inside a testing/synctest bubble and an hour on air takes no time: nothing runs
// while a link is idle or nobody listens. Outside, set [AirConfig].Instant for tests that should not wait for a
// connection event. There is no goroutine; what an air does, it does in the calls of its users and in one timer.
//
// A test breaks things with the methods of Controller: SetSilent, SetLoss, MissConnectRequests, DropLinks, Restart, Unplug,
// HoldCommands, Refuse, Inject. It asks [Counters] whether its host was right: one that sends more commands or data
// than it has credits for loses them, and is counted. The blame goes by what the host has read, so it is never unjust.
//
// Nothing is really enciphered: the keys of both sides are compared instead. LE Rand comes from the seed. This is a
// radio for tests, and keeps no secret.
//
//	supported                                      not supported
//	legacy advertising, undirected and directed    extended and periodic advertising
//	passive and active scanning, accept list       the hopping itself: no channel is better than another
//	privacy: resolving list, both privacy modes    ping, authenticated payload time-out
//	connecting, both roles, many links             sleep clock accuracy, path loss, power changes
//	encryption start, refresh and its failures     constant tone extensions
//	connection update and parameters request       ISO, SCO, BR/EDR
//	PHY, data length and channel map update        flow control of synchronous data
//	subrating, RSSI, power of both sides
//	collisions of procedures, instants that passed
//	remote features and version, versions from 4.0
//	states that can't be combined, if so wanted
//	supervision time-out, peripheral latency
//	loss of packets, sent again and in order
//	Number Of Completed Packets, shared buffers
package virtual
