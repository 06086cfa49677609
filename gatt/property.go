package gatt

import "strings"

// Properties tell a client what it can do with a characteristic (Vol 3, Part G, 3.3.1.1). They permit nothing by themselves.
type Properties uint8

// The properties of a characteristic.
const (
	Broadcast                 Properties = 0x01
	Read                      Properties = 0x02
	WriteWithoutResponse      Properties = 0x04
	Write                     Properties = 0x08
	Notify                    Properties = 0x10
	Indicate                  Properties = 0x20
	AuthenticatedSignedWrites Properties = 0x40
	ExtendedProperties        Properties = 0x80
)

// propertyNames are in order of the bits.
var propertyNames = [8]string{
	"broadcast", "read", "write-without-response", "write", "notify", "indicate", "signed-write", "extended",
}

// Has tells whether all of these properties are there.
func (p Properties) Has(all Properties) bool { return p&all == all }

// String lists the properties: "read notify".
func (p Properties) String() string {
	var names []string
	for bit, name := range propertyNames {
		if p&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// An Access is what an operation on an attribute asks of the link. Requirements are joined by |; each but Open, Denied and Authorized needs
// encryption.
type Access uint8

// The requirements of an operation. LE security mode 1 level 4 is Authenticated|SecureConnections with a key size of 16
// (Vol 3, Part C, 10.2.1).
const (
	// Open asks for nothing.
	Open Access = 1 << iota
	// Encrypted asks for an encrypted link.
	Encrypted
	// Authenticated asks for a link encrypted with a key that was made with protection against a man in the middle.
	Authenticated
	// SecureConnections asks for a link encrypted with a key that was made by LE Secure Connections.
	SecureConnections
	// Denied refuses the operation, whatever the link.
	Denied
	// Authorized asks [ServerConfig.Authorize], once the link has all else that is asked of it.
	Authorized
)

// Permissions are what the operations on an attribute ask of the link.
type Permissions struct {
	// Read is for reading. If zero, Open for a characteristic with the property Read and for a descriptor, else Denied.
	Read Access
	// Write is for writing of any kind. If zero, Open for a characteristic with the property Write, WriteWithoutResponse or
	// AuthenticatedSignedWrites and for a descriptor with a Write function, else Denied.
	Write Access
	// Notify is for subscribing to a characteristic, and for sending it to a client that has subscribed. If zero, what Read asks for,
	// or Open where reading is Denied.
	Notify Access
	// KeySize is the shortest encryption key, in octets, where one of the above asks for encryption. If zero, any.
	KeySize int
}
