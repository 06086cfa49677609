// Package assigned knows the UUIDs of services, characteristics and descriptors by their names: the Bluetooth SIG's Assigned Numbers, and those
// that companies have published for their own. The tables are data, embedded; generate.go says where they come from, and LICENSE under which
// terms.
//
//	supported                                       not supported
//	name of a UUID, UUID of a name                  company identifiers, appearances, units
package assigned
