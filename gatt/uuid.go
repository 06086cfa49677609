package gatt

import "github.com/jelling-ble/jelling/att"

// Attribute types of the profile itself (Vol 3, Part G, 3.4).
var (
	PrimaryService                    = att.UUID16(0x2800)
	SecondaryService                  = att.UUID16(0x2801)
	Include                           = att.UUID16(0x2802)
	CharacteristicDeclaration         = att.UUID16(0x2803)
	CharacteristicExtendedProperties  = att.UUID16(0x2900)
	CharacteristicUserDescription     = att.UUID16(0x2901)
	ClientCharacteristicConfiguration = att.UUID16(0x2902)
	ServerCharacteristicConfiguration = att.UUID16(0x2903)
	CharacteristicPresentationFormat  = att.UUID16(0x2904)
	CharacteristicAggregateFormat     = att.UUID16(0x2905)
)

// Services, from the Assigned Numbers.
var (
	GenericAccess     = att.UUID16(0x1800)
	GenericAttribute  = att.UUID16(0x1801)
	DeviceInformation = att.UUID16(0x180A)
	HeartRate         = att.UUID16(0x180D)
	Battery           = att.UUID16(0x180F)
	PulseOximeter     = att.UUID16(0x1822)
)

// Characteristics, from the Assigned Numbers.
var (
	DeviceName                              = att.UUID16(0x2A00)
	Appearance                              = att.UUID16(0x2A01)
	PeripheralPreferredConnectionParameters = att.UUID16(0x2A04)
	ServiceChanged                          = att.UUID16(0x2A05)
	BatteryLevel                            = att.UUID16(0x2A19)
	ModelNumber                             = att.UUID16(0x2A24)
	SerialNumber                            = att.UUID16(0x2A25)
	FirmwareRevision                        = att.UUID16(0x2A26)
	HardwareRevision                        = att.UUID16(0x2A27)
	SoftwareRevision                        = att.UUID16(0x2A28)
	ManufacturerName                        = att.UUID16(0x2A29)
	HeartRateMeasurement                    = att.UUID16(0x2A37)
	BodySensorLocation                      = att.UUID16(0x2A38)
	PLXSpotCheckMeasurement                 = att.UUID16(0x2A5E)
	PLXContinuousMeasurement                = att.UUID16(0x2A5F)
	PLXFeatures                             = att.UUID16(0x2A60)
	CentralAddressResolution                = att.UUID16(0x2AA6)
	ClientSupportedFeatures                 = att.UUID16(0x2B29)
	DatabaseHash                            = att.UUID16(0x2B2A)
	ServerSupportedFeatures                 = att.UUID16(0x2B3A)
)

// names are those of the Assigned Numbers.
var names = map[att.UUID]string{
	PrimaryService:                          "Primary Service",
	SecondaryService:                        "Secondary Service",
	Include:                                 "Include",
	CharacteristicDeclaration:               "Characteristic",
	CharacteristicExtendedProperties:        "Characteristic Extended Properties",
	CharacteristicUserDescription:           "Characteristic User Description",
	ClientCharacteristicConfiguration:       "Client Characteristic Configuration",
	ServerCharacteristicConfiguration:       "Server Characteristic Configuration",
	CharacteristicPresentationFormat:        "Characteristic Presentation Format",
	CharacteristicAggregateFormat:           "Characteristic Aggregate Format",
	GenericAccess:                           "Generic Access",
	GenericAttribute:                        "Generic Attribute",
	DeviceInformation:                       "Device Information",
	HeartRate:                               "Heart Rate",
	Battery:                                 "Battery",
	PulseOximeter:                           "Pulse Oximeter",
	DeviceName:                              "Device Name",
	Appearance:                              "Appearance",
	PeripheralPreferredConnectionParameters: "Peripheral Preferred Connection Parameters",
	ServiceChanged:                          "Service Changed",
	BatteryLevel:                            "Battery Level",
	ModelNumber:                             "Model Number String",
	SerialNumber:                            "Serial Number String",
	FirmwareRevision:                        "Firmware Revision String",
	HardwareRevision:                        "Hardware Revision String",
	SoftwareRevision:                        "Software Revision String",
	ManufacturerName:                        "Manufacturer Name String",
	HeartRateMeasurement:                    "Heart Rate Measurement",
	BodySensorLocation:                      "Body Sensor Location",
	PLXSpotCheckMeasurement:                 "PLX Spot-Check Measurement",
	PLXContinuousMeasurement:                "PLX Continuous Measurement",
	PLXFeatures:                             "PLX Features",
	CentralAddressResolution:                "Central Address Resolution",
	ClientSupportedFeatures:                 "Client Supported Features",
	DatabaseHash:                            "Database Hash",
	ServerSupportedFeatures:                 "Server Supported Features",
}

// Name is the assigned name of a UUID, such as "Heart Rate Measurement"; empty if it is not one of those in this package.
func Name(uuid att.UUID) string { return names[uuid] }
