// Package hci is the vocabulary of the Host Controller Interface (Core 5.4, Vol 4, Part E): addresses,
// status codes, commands, events and ACL headers, and their octets. It has no goroutine and does no I/O.
//
// Every command and event is a struct with AppendTo, which appends its parameters, and a Parse function,
// which refuses what is too short and says which field is missing. Parameters may be longer than known,
// since later specifications add to their ends. All octet arrays (addresses, keys, random values) are in
// on-air order, least significant octet first. What holds a key prints as its name alone.
//
//	supported       what start-up, legacy advertising, scanning, connections in both roles, encryption and
//	                connection updates take, in both directions, since the virtual radio speaks the
//	                controller's side; ACL data; anything else as raw octets under its opcode or event code
//	not supported   extended and periodic advertising, privacy, PHYs, SCO and ISO data, BR/EDR beyond what
//	                start-up needs
package hci
