// Package hci is the vocabulary of the Host Controller Interface (Core 5.4, Vol 4, Part E): addresses,
// status codes, commands, events and ACL headers, and their octets. It has no goroutine and does no I/O.
//
// Every command and event is a struct with AppendTo, which appends its parameters, and a Parse function,
// which refuses what is too short and says which field is missing. Events and return parameters may be
// longer than known, since later specifications add to their ends. All octet arrays (addresses, keys,
// random values) are in on-air order, least significant octet first.
//
// Supported: the commands and events in command.go, le_command.go, event.go and le_event.go, in both
// directions, since the virtual radio speaks the controller's side. Anything else is raw: an Opcode or an
// EventCode and its octets. Absent: BR/EDR beyond what start-up needs, SCO and ISO data.
package hci
