// Package profile reads a peripheral from a file: its name, what it advertises, and its GATT database.
//
//	p, err := profile.Parse(text)
//	server, err := p.NewServer(gatt.ServerConfig{Store: store})
//	… server.Notify(ctx, p.Find("hr.2a37").Declared, value) …
//
// The file is JSON. An error names the path of the key that is wrong, as in services[1].characteristics[0].value.hex; a key that
// nobody knows is one too.
//
//	{ "name": "Jelling", "appearance": 833, "mtu": 512, "builtin": true, "security": "none",
//	  "advertise": { "services": ["180d"], "manufacturer": {"id": 65535, "hex": "0102"}, "interval_ms": 100 },
//	  "services": [
//	    { "id": "battery", "uuid": "180f", "characteristics": [ { "uuid": "2a19", "properties": ["read"], "value": {"uint8": 97} } ] },
//	    { "id": "hr", "uuid": "180d", "primary": true, "handle": 32, "handles": 9, "includes": ["battery"],
//	      "characteristics": [
//	        { "uuid": "2a37", "properties": ["read", "notify"], "permissions": ["read"], "value": {"hex": "0048"},
//	          "every_ms": 1000, "sequence": [{"hex": "0048"}, {"hex": "0049"}],
//	          "descriptors": [ { "uuid": "2901", "permissions": ["read"], "value": "Heart rate" } ] } ] } ] }
//
// UUIDs are numbers or assigned names. Handles are numbers, or text such as "0x0020". Without "permissions" they follow from the properties; with
// them only what is listed is permitted, and properties are no more than declared.
//
//	supported                                     not supported
//	services of either kind, includes, handles    functions behind values
//	values that change by themselves              YAML
package profile
