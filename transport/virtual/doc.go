// Package virtual is a Bluetooth radio in memory: LE controllers that hear each other on one [Air]. Each
// [Controller] has a Conn for its host, like any other transport, so that whole applications can be tested, or
// shown, without hardware. What a host depends on is as a real controller does it: command and data
// credits, fragments, the order of events, advertising and connection events in their time, encryption that
// asks the other host for its key, and every way a link is lost.
//
// Time is Go's: inside a testing/synctest bubble an hour on air takes no time. Outside, set AirConfig.Instant
// for tests that should not wait for a connection event.
package virtual
