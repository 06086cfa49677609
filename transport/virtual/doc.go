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
// A controller of Core 5.0 or later has the extended commands for advertising, scanning and connecting beside the legacy
// ones, and refuses a host that mixes them (0x0C). With [ControllerConfig].Version 0x08, which is Core 4.2, it has the
// legacy ones alone.
//
// Nothing is really enciphered: the keys of both sides are compared instead. LE Rand comes from the seed. This is a
// radio for tests, and keeps no secret.
//
//	supported                                      not supported
//	legacy advertising, undirected and directed    the hopping itself: no channel is better than another
//	extended advertising: several sets, long       ping, authenticated payload time-out
//	data in chains, LE Coded, anonymous            sleep clock accuracy, path loss, power changes
//	periodic advertising, followed or transferred  constant tone extensions
//	passive and active scanning, accept list       periodic advertising with responses, or with data IDs
//	privacy: resolving list, both privacy modes    ISO, SCO, BR/EDR
//	connecting, both roles, many links             flow control of synchronous data
//	encryption start, refresh and its failures
//	connection update and parameters request
//	PHY, data length and channel map update
//	subrating, RSSI, power of both sides
//	collisions of procedures, instants that passed
//	remote features and version, versions from 4.0
//	states that can't be combined, if so wanted
//	supervision time-out, peripheral latency
//	loss of packets, sent again and in order
//	Number Of Completed Packets, shared buffers
package virtual
