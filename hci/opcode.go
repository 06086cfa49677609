package hci

import "fmt"

// Opcode names a command: six bits of group, ten of command (Vol 4, Part E, 5.4.1).
type Opcode uint16

const (
	OpNone Opcode = 0x0000 // in a Command Complete that only returns command credits

	OpDisconnect                                            Opcode = 0x0406
	OpReadRemoteVersionInformation                          Opcode = 0x041D
	OpSetEventMask                                          Opcode = 0x0C01
	OpReset                                                 Opcode = 0x0C03
	OpReadTransmitPowerLevel                                Opcode = 0x0C2D
	OpSetControllerToHostFlowControl                        Opcode = 0x0C31
	OpHostBufferSize                                        Opcode = 0x0C33
	OpHostNumberOfCompletedPackets                          Opcode = 0x0C35
	OpSetEventMaskPage2                                     Opcode = 0x0C63
	OpReadLEHostSupport                                     Opcode = 0x0C6C
	OpWriteLEHostSupport                                    Opcode = 0x0C6D
	OpReadAuthenticatedPayloadTimeout                       Opcode = 0x0C7B
	OpWriteAuthenticatedPayloadTimeout                      Opcode = 0x0C7C
	OpReadLocalVersionInformation                           Opcode = 0x1001
	OpReadLocalSupportedCommands                            Opcode = 0x1002
	OpReadLocalSupportedFeatures                            Opcode = 0x1003
	OpReadBufferSize                                        Opcode = 0x1005
	OpReadBDADDR                                            Opcode = 0x1009
	OpReadRSSI                                              Opcode = 0x1405
	OpLESetEventMask                                        Opcode = 0x2001
	OpLEReadBufferSize                                      Opcode = 0x2002
	OpLEReadLocalSupportedFeatures                          Opcode = 0x2003
	OpLESetRandomAddress                                    Opcode = 0x2005
	OpLESetAdvertisingParameters                            Opcode = 0x2006
	OpLEReadAdvertisingPhysicalChannelTxPower               Opcode = 0x2007
	OpLESetAdvertisingData                                  Opcode = 0x2008
	OpLESetScanResponseData                                 Opcode = 0x2009
	OpLESetAdvertisingEnable                                Opcode = 0x200A
	OpLESetScanParameters                                   Opcode = 0x200B
	OpLESetScanEnable                                       Opcode = 0x200C
	OpLECreateConnection                                    Opcode = 0x200D
	OpLECreateConnectionCancel                              Opcode = 0x200E
	OpLEReadFilterAcceptListSize                            Opcode = 0x200F
	OpLEClearFilterAcceptList                               Opcode = 0x2010
	OpLEAddDeviceToFilterAcceptList                         Opcode = 0x2011
	OpLERemoveDeviceFromFilterAcceptList                    Opcode = 0x2012
	OpLEConnectionUpdate                                    Opcode = 0x2013
	OpLESetHostChannelClassification                        Opcode = 0x2014
	OpLEReadChannelMap                                      Opcode = 0x2015
	OpLEReadRemoteFeatures                                  Opcode = 0x2016
	OpLEEncrypt                                             Opcode = 0x2017
	OpLERand                                                Opcode = 0x2018
	OpLEEnableEncryption                                    Opcode = 0x2019
	OpLELongTermKeyRequestReply                             Opcode = 0x201A
	OpLELongTermKeyRequestNegativeReply                     Opcode = 0x201B
	OpLEReadSupportedStates                                 Opcode = 0x201C
	OpLERemoteConnectionParameterRequestReply               Opcode = 0x2020
	OpLERemoteConnectionParameterRequestNegativeReply       Opcode = 0x2021
	OpLESetDataLength                                       Opcode = 0x2022
	OpLEReadSuggestedDefaultDataLength                      Opcode = 0x2023
	OpLEWriteSuggestedDefaultDataLength                     Opcode = 0x2024
	OpLEReadLocalP256PublicKey                              Opcode = 0x2025
	OpLEGenerateDHKey                                       Opcode = 0x2026
	OpLEAddDeviceToResolvingList                            Opcode = 0x2027
	OpLERemoveDeviceFromResolvingList                       Opcode = 0x2028
	OpLEClearResolvingList                                  Opcode = 0x2029
	OpLEReadResolvingListSize                               Opcode = 0x202A
	OpLEReadPeerResolvableAddress                           Opcode = 0x202B
	OpLEReadLocalResolvableAddress                          Opcode = 0x202C
	OpLESetAddressResolutionEnable                          Opcode = 0x202D
	OpLESetResolvablePrivateAddressTimeout                  Opcode = 0x202E
	OpLEReadMaximumDataLength                               Opcode = 0x202F
	OpLEReadPHY                                             Opcode = 0x2030
	OpLESetDefaultPHY                                       Opcode = 0x2031
	OpLESetPHY                                              Opcode = 0x2032
	OpLESetAdvertisingSetRandomAddress                      Opcode = 0x2035
	OpLESetExtendedAdvertisingParameters                    Opcode = 0x2036
	OpLESetExtendedAdvertisingData                          Opcode = 0x2037
	OpLESetExtendedScanResponseData                         Opcode = 0x2038
	OpLESetExtendedAdvertisingEnable                        Opcode = 0x2039
	OpLEReadMaximumAdvertisingDataLength                    Opcode = 0x203A
	OpLEReadNumberOfSupportedAdvertisingSets                Opcode = 0x203B
	OpLERemoveAdvertisingSet                                Opcode = 0x203C
	OpLEClearAdvertisingSets                                Opcode = 0x203D
	OpLESetPeriodicAdvertisingParameters                    Opcode = 0x203E
	OpLESetPeriodicAdvertisingData                          Opcode = 0x203F
	OpLESetPeriodicAdvertisingEnable                        Opcode = 0x2040
	OpLESetExtendedScanParameters                           Opcode = 0x2041
	OpLESetExtendedScanEnable                               Opcode = 0x2042
	OpLEExtendedCreateConnection                            Opcode = 0x2043
	OpLEPeriodicAdvertisingCreateSync                       Opcode = 0x2044
	OpLEPeriodicAdvertisingCreateSyncCancel                 Opcode = 0x2045
	OpLEPeriodicAdvertisingTerminateSync                    Opcode = 0x2046
	OpLEAddDeviceToPeriodicAdvertiserList                   Opcode = 0x2047
	OpLERemoveDeviceFromPeriodicAdvertiserList              Opcode = 0x2048
	OpLEClearPeriodicAdvertiserList                         Opcode = 0x2049
	OpLEReadPeriodicAdvertiserListSize                      Opcode = 0x204A
	OpLEReadTransmitPower                                   Opcode = 0x204B
	OpLEReadRFPathCompensation                              Opcode = 0x204C
	OpLEWriteRFPathCompensation                             Opcode = 0x204D
	OpLESetPrivacyMode                                      Opcode = 0x204E
	OpLESetConnectionlessCTETransmitParameters              Opcode = 0x2051
	OpLESetConnectionlessCTETransmitEnable                  Opcode = 0x2052
	OpLESetConnectionlessIQSamplingEnable                   Opcode = 0x2053
	OpLESetConnectionCTEReceiveParameters                   Opcode = 0x2054
	OpLESetConnectionCTETransmitParameters                  Opcode = 0x2055
	OpLEConnectionCTERequestEnable                          Opcode = 0x2056
	OpLEConnectionCTEResponseEnable                         Opcode = 0x2057
	OpLEReadAntennaInformation                              Opcode = 0x2058
	OpLESetPeriodicAdvertisingReceiveEnable                 Opcode = 0x2059
	OpLEPeriodicAdvertisingSyncTransfer                     Opcode = 0x205A
	OpLEPeriodicAdvertisingSetInfoTransfer                  Opcode = 0x205B
	OpLESetPeriodicAdvertisingSyncTransferParameters        Opcode = 0x205C
	OpLESetDefaultPeriodicAdvertisingSyncTransferParameters Opcode = 0x205D
	OpLEGenerateDHKeyV2                                     Opcode = 0x205E
	OpLEModifySleepClockAccuracy                            Opcode = 0x205F
	OpLERequestPeerSCA                                      Opcode = 0x206D
	OpLESetHostFeature                                      Opcode = 0x2074
	OpLEEnhancedReadTransmitPowerLevel                      Opcode = 0x2076
	OpLEReadRemoteTransmitPowerLevel                        Opcode = 0x2077
	OpLESetPathLossReportingParameters                      Opcode = 0x2078
	OpLESetPathLossReportingEnable                          Opcode = 0x2079
	OpLESetTransmitPowerReportingEnable                     Opcode = 0x207A
	OpLESetDataRelatedAddressChanges                        Opcode = 0x207C
	OpLESetDefaultSubrate                                   Opcode = 0x207D
	OpLESubrateRequest                                      Opcode = 0x207E
	OpLESetExtendedAdvertisingParametersV2                  Opcode = 0x207F
	OpLESetPeriodicAdvertisingSubeventData                  Opcode = 0x2082
	OpLESetPeriodicAdvertisingResponseData                  Opcode = 0x2083
	OpLESetPeriodicSyncSubevent                             Opcode = 0x2084
	OpLEExtendedCreateConnectionV2                          Opcode = 0x2085
	OpLESetPeriodicAdvertisingParametersV2                  Opcode = 0x2086
)

var opcodeNames = map[Opcode]string{
	OpNone:                                                  "no command",
	OpDisconnect:                                            "Disconnect",
	OpReadRemoteVersionInformation:                          "Read Remote Version Information",
	OpSetEventMask:                                          "Set Event Mask",
	OpReset:                                                 "Reset",
	OpReadTransmitPowerLevel:                                "Read Transmit Power Level",
	OpSetControllerToHostFlowControl:                        "Set Controller To Host Flow Control",
	OpHostBufferSize:                                        "Host Buffer Size",
	OpHostNumberOfCompletedPackets:                          "Host Number Of Completed Packets",
	OpSetEventMaskPage2:                                     "Set Event Mask Page 2",
	OpReadLEHostSupport:                                     "Read LE Host Support",
	OpWriteLEHostSupport:                                    "Write LE Host Support",
	OpReadAuthenticatedPayloadTimeout:                       "Read Authenticated Payload Timeout",
	OpWriteAuthenticatedPayloadTimeout:                      "Write Authenticated Payload Timeout",
	OpReadLocalVersionInformation:                           "Read Local Version Information",
	OpReadLocalSupportedCommands:                            "Read Local Supported Commands",
	OpReadLocalSupportedFeatures:                            "Read Local Supported Features",
	OpReadBufferSize:                                        "Read Buffer Size",
	OpReadBDADDR:                                            "Read BD_ADDR",
	OpReadRSSI:                                              "Read RSSI",
	OpLESetEventMask:                                        "LE Set Event Mask",
	OpLEReadBufferSize:                                      "LE Read Buffer Size",
	OpLEReadLocalSupportedFeatures:                          "LE Read Local Supported Features",
	OpLESetRandomAddress:                                    "LE Set Random Address",
	OpLESetAdvertisingParameters:                            "LE Set Advertising Parameters",
	OpLEReadAdvertisingPhysicalChannelTxPower:               "LE Read Advertising Physical Channel Tx Power",
	OpLESetAdvertisingData:                                  "LE Set Advertising Data",
	OpLESetScanResponseData:                                 "LE Set Scan Response Data",
	OpLESetAdvertisingEnable:                                "LE Set Advertising Enable",
	OpLESetScanParameters:                                   "LE Set Scan Parameters",
	OpLESetScanEnable:                                       "LE Set Scan Enable",
	OpLECreateConnection:                                    "LE Create Connection",
	OpLECreateConnectionCancel:                              "LE Create Connection Cancel",
	OpLEReadFilterAcceptListSize:                            "LE Read Filter Accept List Size",
	OpLEClearFilterAcceptList:                               "LE Clear Filter Accept List",
	OpLEAddDeviceToFilterAcceptList:                         "LE Add Device To Filter Accept List",
	OpLERemoveDeviceFromFilterAcceptList:                    "LE Remove Device From Filter Accept List",
	OpLEConnectionUpdate:                                    "LE Connection Update",
	OpLESetHostChannelClassification:                        "LE Set Host Channel Classification",
	OpLEReadChannelMap:                                      "LE Read Channel Map",
	OpLEReadRemoteFeatures:                                  "LE Read Remote Features",
	OpLEEncrypt:                                             "LE Encrypt",
	OpLERand:                                                "LE Rand",
	OpLEEnableEncryption:                                    "LE Enable Encryption",
	OpLELongTermKeyRequestReply:                             "LE Long Term Key Request Reply",
	OpLELongTermKeyRequestNegativeReply:                     "LE Long Term Key Request Negative Reply",
	OpLEReadSupportedStates:                                 "LE Read Supported States",
	OpLERemoteConnectionParameterRequestReply:               "LE Remote Connection Parameter Request Reply",
	OpLERemoteConnectionParameterRequestNegativeReply:       "LE Remote Connection Parameter Request Negative Reply",
	OpLESetDataLength:                                       "LE Set Data Length",
	OpLEReadSuggestedDefaultDataLength:                      "LE Read Suggested Default Data Length",
	OpLEWriteSuggestedDefaultDataLength:                     "LE Write Suggested Default Data Length",
	OpLEReadLocalP256PublicKey:                              "LE Read Local P-256 Public Key",
	OpLEGenerateDHKey:                                       "LE Generate DHKey",
	OpLEAddDeviceToResolvingList:                            "LE Add Device To Resolving List",
	OpLERemoveDeviceFromResolvingList:                       "LE Remove Device From Resolving List",
	OpLEClearResolvingList:                                  "LE Clear Resolving List",
	OpLEReadResolvingListSize:                               "LE Read Resolving List Size",
	OpLEReadPeerResolvableAddress:                           "LE Read Peer Resolvable Address",
	OpLEReadLocalResolvableAddress:                          "LE Read Local Resolvable Address",
	OpLESetAddressResolutionEnable:                          "LE Set Address Resolution Enable",
	OpLESetResolvablePrivateAddressTimeout:                  "LE Set Resolvable Private Address Timeout",
	OpLEReadMaximumDataLength:                               "LE Read Maximum Data Length",
	OpLEReadPHY:                                             "LE Read PHY",
	OpLESetDefaultPHY:                                       "LE Set Default PHY",
	OpLESetPHY:                                              "LE Set PHY",
	OpLESetAdvertisingSetRandomAddress:                      "LE Set Advertising Set Random Address",
	OpLESetExtendedAdvertisingParameters:                    "LE Set Extended Advertising Parameters",
	OpLESetExtendedAdvertisingData:                          "LE Set Extended Advertising Data",
	OpLESetExtendedScanResponseData:                         "LE Set Extended Scan Response Data",
	OpLESetExtendedAdvertisingEnable:                        "LE Set Extended Advertising Enable",
	OpLEReadMaximumAdvertisingDataLength:                    "LE Read Maximum Advertising Data Length",
	OpLEReadNumberOfSupportedAdvertisingSets:                "LE Read Number Of Supported Advertising Sets",
	OpLERemoveAdvertisingSet:                                "LE Remove Advertising Set",
	OpLEClearAdvertisingSets:                                "LE Clear Advertising Sets",
	OpLESetPeriodicAdvertisingParameters:                    "LE Set Periodic Advertising Parameters",
	OpLESetPeriodicAdvertisingData:                          "LE Set Periodic Advertising Data",
	OpLESetPeriodicAdvertisingEnable:                        "LE Set Periodic Advertising Enable",
	OpLESetExtendedScanParameters:                           "LE Set Extended Scan Parameters",
	OpLESetExtendedScanEnable:                               "LE Set Extended Scan Enable",
	OpLEExtendedCreateConnection:                            "LE Extended Create Connection",
	OpLEPeriodicAdvertisingCreateSync:                       "LE Periodic Advertising Create Sync",
	OpLEPeriodicAdvertisingCreateSyncCancel:                 "LE Periodic Advertising Create Sync Cancel",
	OpLEPeriodicAdvertisingTerminateSync:                    "LE Periodic Advertising Terminate Sync",
	OpLEAddDeviceToPeriodicAdvertiserList:                   "LE Add Device To Periodic Advertiser List",
	OpLERemoveDeviceFromPeriodicAdvertiserList:              "LE Remove Device From Periodic Advertiser List",
	OpLEClearPeriodicAdvertiserList:                         "LE Clear Periodic Advertiser List",
	OpLEReadPeriodicAdvertiserListSize:                      "LE Read Periodic Advertiser List Size",
	OpLEReadTransmitPower:                                   "LE Read Transmit Power",
	OpLEReadRFPathCompensation:                              "LE Read RF Path Compensation",
	OpLEWriteRFPathCompensation:                             "LE Write RF Path Compensation",
	OpLESetPrivacyMode:                                      "LE Set Privacy Mode",
	OpLESetConnectionlessCTETransmitParameters:              "LE Set Connectionless CTE Transmit Parameters",
	OpLESetConnectionlessCTETransmitEnable:                  "LE Set Connectionless CTE Transmit Enable",
	OpLESetConnectionlessIQSamplingEnable:                   "LE Set Connectionless IQ Sampling Enable",
	OpLESetConnectionCTEReceiveParameters:                   "LE Set Connection CTE Receive Parameters",
	OpLESetConnectionCTETransmitParameters:                  "LE Set Connection CTE Transmit Parameters",
	OpLEConnectionCTERequestEnable:                          "LE Connection CTE Request Enable",
	OpLEConnectionCTEResponseEnable:                         "LE Connection CTE Response Enable",
	OpLEReadAntennaInformation:                              "LE Read Antenna Information",
	OpLESetPeriodicAdvertisingReceiveEnable:                 "LE Set Periodic Advertising Receive Enable",
	OpLEPeriodicAdvertisingSyncTransfer:                     "LE Periodic Advertising Sync Transfer",
	OpLEPeriodicAdvertisingSetInfoTransfer:                  "LE Periodic Advertising Set Info Transfer",
	OpLESetPeriodicAdvertisingSyncTransferParameters:        "LE Set Periodic Advertising Sync Transfer Parameters",
	OpLESetDefaultPeriodicAdvertisingSyncTransferParameters: "LE Set Default Periodic Advertising Sync Transfer Parameters",
	OpLEGenerateDHKeyV2:                                     "LE Generate DHKey [v2]",
	OpLEModifySleepClockAccuracy:                            "LE Modify Sleep Clock Accuracy",
	OpLERequestPeerSCA:                                      "LE Request Peer SCA",
	OpLESetHostFeature:                                      "LE Set Host Feature",
	OpLEEnhancedReadTransmitPowerLevel:                      "LE Enhanced Read Transmit Power Level",
	OpLEReadRemoteTransmitPowerLevel:                        "LE Read Remote Transmit Power Level",
	OpLESetPathLossReportingParameters:                      "LE Set Path Loss Reporting Parameters",
	OpLESetPathLossReportingEnable:                          "LE Set Path Loss Reporting Enable",
	OpLESetTransmitPowerReportingEnable:                     "LE Set Transmit Power Reporting Enable",
	OpLESetDataRelatedAddressChanges:                        "LE Set Data Related Address Changes",
	OpLESetDefaultSubrate:                                   "LE Set Default Subrate",
	OpLESubrateRequest:                                      "LE Subrate Request",
	OpLESetExtendedAdvertisingParametersV2:                  "LE Set Extended Advertising Parameters [v2]",
	OpLESetPeriodicAdvertisingSubeventData:                  "LE Set Periodic Advertising Subevent Data",
	OpLESetPeriodicAdvertisingResponseData:                  "LE Set Periodic Advertising Response Data",
	OpLESetPeriodicSyncSubevent:                             "LE Set Periodic Sync Subevent",
	OpLEExtendedCreateConnectionV2:                          "LE Extended Create Connection [v2]",
	OpLESetPeriodicAdvertisingParametersV2:                  "LE Set Periodic Advertising Parameters [v2]",
}

// String is the specification's name, or the number of an opcode not known here.
func (o Opcode) String() string {
	if name, ok := opcodeNames[o]; ok {
		return name
	}
	return fmt.Sprintf("command 0x%04X", uint16(o))
}

// Known tells the commands that this package has a name for.
func (o Opcode) Known() bool {
	_, ok := opcodeNames[o]
	return ok
}

// AnsweredByStatus tells the commands of this package that Command Status answers, their result coming by
// an event; Command Complete answers the others.
func AnsweredByStatus(o Opcode) bool {
	switch o {
	case OpDisconnect, OpReadRemoteVersionInformation, OpLECreateConnection, OpLEConnectionUpdate, OpLEReadRemoteFeatures, OpLEEnableEncryption,
		OpLEReadLocalP256PublicKey, OpLEGenerateDHKey, OpLEGenerateDHKeyV2, OpLESetPHY, OpLEExtendedCreateConnection, OpLEExtendedCreateConnectionV2,
		OpLEPeriodicAdvertisingCreateSync, OpLERequestPeerSCA, OpLEReadRemoteTransmitPowerLevel, OpLESubrateRequest:
		return true
	}
	return false
}

// Unanswered tells the command that takes no command credit and that only an error answers (Vol 4, Part E,
// 7.3.40).
func Unanswered(o Opcode) bool { return o == OpHostNumberOfCompletedPackets }
