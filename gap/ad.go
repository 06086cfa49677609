package gap

import "fmt"

// ADType names an AD structure (Assigned Numbers, 2.3).
type ADType uint8

const (
	ADFlags                   ADType = 0x01
	ADIncomplete16            ADType = 0x02
	ADComplete16              ADType = 0x03
	ADIncomplete32            ADType = 0x04
	ADComplete32              ADType = 0x05
	ADIncomplete128           ADType = 0x06
	ADComplete128             ADType = 0x07
	ADShortName               ADType = 0x08
	ADCompleteName            ADType = 0x09
	ADTxPower                 ADType = 0x0A
	ADClassOfDevice           ADType = 0x0D
	ADSecurityManagerTK       ADType = 0x10
	ADSecurityManagerFlags    ADType = 0x11
	ADIntervalRange           ADType = 0x12
	ADSolicit16               ADType = 0x14
	ADSolicit128              ADType = 0x15
	ADServiceData16           ADType = 0x16
	ADPublicTarget            ADType = 0x17
	ADRandomTarget            ADType = 0x18
	ADAppearance              ADType = 0x19
	ADAdvertisingInterval     ADType = 0x1A
	ADDeviceAddress           ADType = 0x1B
	ADLERole                  ADType = 0x1C
	ADSolicit32               ADType = 0x1F
	ADServiceData32           ADType = 0x20
	ADServiceData128          ADType = 0x21
	ADSCConfirmation          ADType = 0x22
	ADSCRandom                ADType = 0x23
	ADURI                     ADType = 0x24
	ADIndoorPositioning       ADType = 0x25
	ADTransportDiscovery      ADType = 0x26
	ADSupportedFeatures       ADType = 0x27
	ADChannelMapUpdate        ADType = 0x28
	ADPBADV                   ADType = 0x29
	ADMeshMessage             ADType = 0x2A
	ADMeshBeacon              ADType = 0x2B
	ADBIGInfo                 ADType = 0x2C
	ADBroadcastCode           ADType = 0x2D
	ADResolvableSetID         ADType = 0x2E
	ADLongAdvertisingInterval ADType = 0x2F
	ADBroadcastName           ADType = 0x30
	ADEncryptedData           ADType = 0x31
	ADResponseTiming          ADType = 0x32 // of periodic advertising
	ADElectronicShelfLabel    ADType = 0x34
	AD3DInformation           ADType = 0x3D
	ADManufacturer            ADType = 0xFF
)

var adNames = map[ADType]string{
	ADFlags: "Flags", ADIncomplete16: "Incomplete List of 16-bit Service UUIDs", ADComplete16: "Complete List of 16-bit Service UUIDs",
	ADIncomplete32: "Incomplete List of 32-bit Service UUIDs", ADComplete32: "Complete List of 32-bit Service UUIDs",
	ADIncomplete128: "Incomplete List of 128-bit Service UUIDs", ADComplete128: "Complete List of 128-bit Service UUIDs",
	ADShortName: "Shortened Local Name", ADCompleteName: "Complete Local Name", ADTxPower: "TX Power Level", ADClassOfDevice: "Class of Device",
	ADSecurityManagerTK: "Security Manager TK Value", ADSecurityManagerFlags: "Security Manager Out of Band Flags",
	ADIntervalRange: "Peripheral Connection Interval Range", ADSolicit16: "List of 16-bit Service Solicitation UUIDs",
	ADSolicit32: "List of 32-bit Service Solicitation UUIDs", ADSolicit128: "List of 128-bit Service Solicitation UUIDs",
	ADServiceData16: "Service Data - 16-bit UUID", ADServiceData32: "Service Data - 32-bit UUID", ADServiceData128: "Service Data - 128-bit UUID",
	ADPublicTarget: "Public Target Address", ADRandomTarget: "Random Target Address", ADAppearance: "Appearance",
	ADAdvertisingInterval: "Advertising Interval", ADLongAdvertisingInterval: "Advertising Interval - long",
	ADDeviceAddress: "LE Bluetooth Device Address", ADLERole: "LE Role", ADSCConfirmation: "LE Secure Connections Confirmation Value",
	ADSCRandom: "LE Secure Connections Random Value", ADURI: "URI", ADIndoorPositioning: "Indoor Positioning",
	ADTransportDiscovery: "Transport Discovery Data", ADSupportedFeatures: "LE Supported Features",
	ADChannelMapUpdate: "Channel Map Update Indication", ADPBADV: "PB-ADV", ADMeshMessage: "Mesh Message", ADMeshBeacon: "Mesh Beacon",
	ADBIGInfo: "BIGInfo", ADBroadcastCode: "Broadcast_Code", ADResolvableSetID: "Resolvable Set Identifier",
	ADBroadcastName: "Broadcast_Name", ADEncryptedData: "Encrypted Advertising Data",
	ADResponseTiming: "Periodic Advertising Response Timing Information", ADElectronicShelfLabel: "Electronic Shelf Label",
	AD3DInformation: "3D Information Data", ADManufacturer: "Manufacturer Specific Data",
}

// String is the name that Assigned Numbers gives the type, or "AD type 0x..".
func (t ADType) String() string {
	if name, ok := adNames[t]; ok {
		return name
	}
	return fmt.Sprintf("AD type 0x%02X", uint8(t))
}

// ADStructures is what an advertisement or a scan response holds: a row of length, type and data. It comes
// from whoever is on the air, so every accessor stops at the first structure that does not fit, and passes
// over those whose data are shorter or longer than their type allows.
type ADStructures []byte

// All goes through the structures in order; data aliases the octets.
func (s ADStructures) All(yield func(ADType, []byte) bool) {
	for len(s) > 1 && s[0] != 0 { // a length of zero ends the row early
		n := int(s[0])
		if n >= len(s) {
			return
		}
		if !yield(ADType(s[1]), s[2:1+n]) {
			return
		}
		s = s[1+n:]
	}
}

// Lookup is the data of the first structure of type t.
func (s ADStructures) Lookup(t ADType) ([]byte, bool) {
	for at, data := range s.All {
		if at == t {
			return data, true
		}
	}
	return nil, false
}

// significant are the octets of the structures, without what the row ends early with.
func (s ADStructures) significant() ADStructures {
	n := 0
	for _, data := range s.All {
		n += 2 + len(data)
	}
	return s[:n]
}

// maxADData is what the one octet of length leaves for the data of a structure.
const maxADData = 254

// AppendAD appends a structure. What does not fit in its one octet of length is left out, and false
// returned.
func AppendAD(b []byte, t ADType, data []byte) ([]byte, bool) {
	if len(data) > maxADData {
		return b, false
	}
	b = append(b, byte(1+len(data)), byte(t))
	return append(b, data...), true
}
