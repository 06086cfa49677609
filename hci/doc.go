// Package hci is the vocabulary of the Host Controller Interface (Core 5.4, Vol 4, Part E): addresses,
// status codes, commands, events and ACL headers, and their octets. It has no goroutine and does no I/O.
//
// Every command and event is a struct with AppendTo, which appends its parameters, and a Parse function,
// which refuses what is too short and says which field is missing. Parameters may be longer than known,
// since later specifications add to their ends. All octet arrays (addresses, keys, random values) are in
// on-air order, least significant octet first. What holds a key prints as its name alone.
//
//	supported       what an LE host without isochronous channels uses, in both directions, since the virtual
//	                radio speaks the controller's side; ACL data; anything else as raw octets under its
//	                opcode or event code
//	not supported   tests of the radio, SCO and ISO data, BR/EDR beyond what start-up needs
//
// Commands (Vol 4, Part E, 7), by opcode. What is supported has types for its parameters and for what it
// returns; what is absent has no name, and Raw carries it under its number: tests of the radio, isochronous channels, BR/EDR.
//
//	0x0406  supported  Disconnect
//	0x041D  supported  Read Remote Version Information
//	0x0C01  supported  Set Event Mask
//	0x0C03  supported  Reset
//	0x0C2D  supported  Read Transmit Power Level
//	0x0C31  supported  Set Controller To Host Flow Control
//	0x0C33  supported  Host Buffer Size
//	0x0C35  supported  Host Number Of Completed Packets
//	0x0C63  supported  Set Event Mask Page 2
//	0x0C6C  supported  Read LE Host Support
//	0x0C6D  supported  Write LE Host Support
//	0x0C7B  supported  Read Authenticated Payload Timeout
//	0x0C7C  supported  Write Authenticated Payload Timeout
//	0x0C84  absent     Set Min Encryption Key Size
//	0x1001  supported  Read Local Version Information
//	0x1002  supported  Read Local Supported Commands
//	0x1003  supported  Read Local Supported Features
//	0x1005  supported  Read Buffer Size
//	0x1009  supported  Read BD_ADDR
//	0x1405  supported  Read RSSI
//	0x2001  supported  LE Set Event Mask
//	0x2002  supported  LE Read Buffer Size
//	0x2003  supported  LE Read Local Supported Features
//	0x2005  supported  LE Set Random Address
//	0x2006  supported  LE Set Advertising Parameters
//	0x2007  supported  LE Read Advertising Physical Channel Tx Power
//	0x2008  supported  LE Set Advertising Data
//	0x2009  supported  LE Set Scan Response Data
//	0x200A  supported  LE Set Advertising Enable
//	0x200B  supported  LE Set Scan Parameters
//	0x200C  supported  LE Set Scan Enable
//	0x200D  supported  LE Create Connection
//	0x200E  supported  LE Create Connection Cancel
//	0x200F  supported  LE Read Filter Accept List Size
//	0x2010  supported  LE Clear Filter Accept List
//	0x2011  supported  LE Add Device To Filter Accept List
//	0x2012  supported  LE Remove Device From Filter Accept List
//	0x2013  supported  LE Connection Update
//	0x2014  supported  LE Set Host Channel Classification
//	0x2015  supported  LE Read Channel Map
//	0x2016  supported  LE Read Remote Features
//	0x2017  supported  LE Encrypt
//	0x2018  supported  LE Rand
//	0x2019  supported  LE Enable Encryption
//	0x201A  supported  LE Long Term Key Request Reply
//	0x201B  supported  LE Long Term Key Request Negative Reply
//	0x201C  supported  LE Read Supported States
//	0x201D  absent     LE Receiver Test [v1]
//	0x201E  absent     LE Transmitter Test [v1]
//	0x201F  absent     LE Test End
//	0x2020  supported  LE Remote Connection Parameter Request Reply
//	0x2021  supported  LE Remote Connection Parameter Request Negative Reply
//	0x2022  supported  LE Set Data Length
//	0x2023  supported  LE Read Suggested Default Data Length
//	0x2024  supported  LE Write Suggested Default Data Length
//	0x2025  supported  LE Read Local P-256 Public Key
//	0x2026  supported  LE Generate DHKey
//	0x2027  supported  LE Add Device To Resolving List
//	0x2028  supported  LE Remove Device From Resolving List
//	0x2029  supported  LE Clear Resolving List
//	0x202A  supported  LE Read Resolving List Size
//	0x202B  supported  LE Read Peer Resolvable Address
//	0x202C  supported  LE Read Local Resolvable Address
//	0x202D  supported  LE Set Address Resolution Enable
//	0x202E  supported  LE Set Resolvable Private Address Timeout
//	0x202F  supported  LE Read Maximum Data Length
//	0x2030  supported  LE Read PHY
//	0x2031  supported  LE Set Default PHY
//	0x2032  supported  LE Set PHY
//	0x2033  absent     LE Receiver Test [v2]
//	0x2034  absent     LE Transmitter Test [v2]
//	0x2035  supported  LE Set Advertising Set Random Address
//	0x2036  supported  LE Set Extended Advertising Parameters
//	0x2037  supported  LE Set Extended Advertising Data
//	0x2038  supported  LE Set Extended Scan Response Data
//	0x2039  supported  LE Set Extended Advertising Enable
//	0x203A  supported  LE Read Maximum Advertising Data Length
//	0x203B  supported  LE Read Number Of Supported Advertising Sets
//	0x203C  supported  LE Remove Advertising Set
//	0x203D  supported  LE Clear Advertising Sets
//	0x203E  supported  LE Set Periodic Advertising Parameters
//	0x203F  supported  LE Set Periodic Advertising Data
//	0x2040  supported  LE Set Periodic Advertising Enable
//	0x2041  supported  LE Set Extended Scan Parameters
//	0x2042  supported  LE Set Extended Scan Enable
//	0x2043  supported  LE Extended Create Connection
//	0x2044  supported  LE Periodic Advertising Create Sync
//	0x2045  supported  LE Periodic Advertising Create Sync Cancel
//	0x2046  supported  LE Periodic Advertising Terminate Sync
//	0x2047  supported  LE Add Device To Periodic Advertiser List
//	0x2048  supported  LE Remove Device From Periodic Advertiser List
//	0x2049  supported  LE Clear Periodic Advertiser List
//	0x204A  supported  LE Read Periodic Advertiser List Size
//	0x204B  supported  LE Read Transmit Power
//	0x204C  supported  LE Read RF Path Compensation
//	0x204D  supported  LE Write RF Path Compensation
//	0x204E  supported  LE Set Privacy Mode
//	0x204F  absent     LE Receiver Test [v3]
//	0x2050  absent     LE Transmitter Test [v3]
//	0x2051  supported  LE Set Connectionless CTE Transmit Parameters
//	0x2052  supported  LE Set Connectionless CTE Transmit Enable
//	0x2053  supported  LE Set Connectionless IQ Sampling Enable
//	0x2054  supported  LE Set Connection CTE Receive Parameters
//	0x2055  supported  LE Set Connection CTE Transmit Parameters
//	0x2056  supported  LE Connection CTE Request Enable
//	0x2057  supported  LE Connection CTE Response Enable
//	0x2058  supported  LE Read Antenna Information
//	0x2059  supported  LE Set Periodic Advertising Receive Enable
//	0x205A  supported  LE Periodic Advertising Sync Transfer
//	0x205B  supported  LE Periodic Advertising Set Info Transfer
//	0x205C  supported  LE Set Periodic Advertising Sync Transfer Parameters
//	0x205D  supported  LE Set Default Periodic Advertising Sync Transfer Parameters
//	0x205E  supported  LE Generate DHKey [v2]
//	0x205F  supported  LE Modify Sleep Clock Accuracy
//	0x2060  absent     LE Read Buffer Size [v2]
//	0x2061  absent     LE Read ISO TX Sync
//	0x2062  absent     LE Set CIG Parameters
//	0x2063  absent     LE Set CIG Parameters Test
//	0x2064  absent     LE Create CIS
//	0x2065  absent     LE Remove CIG
//	0x2066  absent     LE Accept CIS Request
//	0x2067  absent     LE Reject CIS Request
//	0x2068  absent     LE Create BIG
//	0x2069  absent     LE Create BIG Test
//	0x206A  absent     LE Terminate BIG
//	0x206B  absent     LE BIG Create Sync
//	0x206C  absent     LE BIG Terminate Sync
//	0x206D  supported  LE Request Peer SCA
//	0x206E  absent     LE Setup ISO Data Path
//	0x206F  absent     LE Remove ISO Data Path
//	0x2070  absent     LE ISO Transmit Test
//	0x2071  absent     LE ISO Receive Test
//	0x2072  absent     LE ISO Read Test Counters
//	0x2073  absent     LE ISO Test End
//	0x2074  supported  LE Set Host Feature
//	0x2075  absent     LE Read ISO Link Quality
//	0x2076  supported  LE Enhanced Read Transmit Power Level
//	0x2077  supported  LE Read Remote Transmit Power Level
//	0x2078  supported  LE Set Path Loss Reporting Parameters
//	0x2079  supported  LE Set Path Loss Reporting Enable
//	0x207A  supported  LE Set Transmit Power Reporting Enable
//	0x207B  absent     LE Transmitter Test [v4]
//	0x207C  supported  LE Set Data Related Address Changes
//	0x207D  supported  LE Set Default Subrate
//	0x207E  supported  LE Subrate Request
//	0x207F  supported  LE Set Extended Advertising Parameters [v2]
//	0x2082  supported  LE Set Periodic Advertising Subevent Data
//	0x2083  supported  LE Set Periodic Advertising Response Data
//	0x2084  supported  LE Set Periodic Sync Subevent
//	0x2085  supported  LE Extended Create Connection [v2]
//	0x2086  supported  LE Set Periodic Advertising Parameters [v2]
//
// Events (Vol 4, Part E, 7.7), by event code.
//
//	0x05  supported  Disconnection Complete
//	0x08  supported  Encryption Change
//	0x0C  supported  Read Remote Version Information Complete
//	0x0E  supported  Command Complete
//	0x0F  supported  Command Status
//	0x10  supported  Hardware Error
//	0x13  supported  Number Of Completed Packets
//	0x1A  supported  Data Buffer Overflow
//	0x30  supported  Encryption Key Refresh Complete
//	0x3E  supported  LE Meta
//	0x57  supported  Authenticated Payload Timeout Expired
//	0x59  supported  Encryption Change [v2]
//
// Events below LE Meta (Vol 4, Part E, 7.7.65), by subevent code.
//
//	0x01  supported  LE Connection Complete
//	0x02  supported  LE Advertising Report
//	0x03  supported  LE Connection Update Complete
//	0x04  supported  LE Read Remote Features Complete
//	0x05  supported  LE Long Term Key Request
//	0x06  supported  LE Remote Connection Parameter Request
//	0x07  supported  LE Data Length Change
//	0x08  supported  LE Read Local P-256 Public Key Complete
//	0x09  supported  LE Generate DHKey Complete
//	0x0A  supported  LE Enhanced Connection Complete
//	0x0B  supported  LE Directed Advertising Report
//	0x0C  supported  LE PHY Update Complete
//	0x0D  supported  LE Extended Advertising Report
//	0x0E  supported  LE Periodic Advertising Sync Established
//	0x0F  supported  LE Periodic Advertising Report
//	0x10  supported  LE Periodic Advertising Sync Lost
//	0x11  supported  LE Scan Timeout
//	0x12  supported  LE Advertising Set Terminated
//	0x13  supported  LE Scan Request Received
//	0x14  supported  LE Channel Selection Algorithm
//	0x15  supported  LE Connectionless IQ Report
//	0x16  supported  LE Connection IQ Report
//	0x17  supported  LE CTE Request Failed
//	0x18  supported  LE Periodic Advertising Sync Transfer Received
//	0x19  absent     LE CIS Established
//	0x1A  absent     LE CIS Request
//	0x1B  absent     LE Create BIG Complete
//	0x1C  absent     LE Terminate BIG Complete
//	0x1D  absent     LE BIG Sync Established
//	0x1E  absent     LE BIG Sync Lost
//	0x1F  supported  LE Request Peer SCA Complete
//	0x20  supported  LE Path Loss Threshold
//	0x21  supported  LE Transmit Power Reporting
//	0x22  absent     LE BIGInfo Advertising Report
//	0x23  supported  LE Subrate Change
//	0x24  supported  LE Periodic Advertising Sync Established [v2]
//	0x25  supported  LE Periodic Advertising Report [v2]
//	0x26  supported  LE Periodic Advertising Sync Transfer Received [v2]
//	0x27  supported  LE Periodic Advertising Subevent Data Request
//	0x28  supported  LE Periodic Advertising Response Report
//	0x29  supported  LE Enhanced Connection Complete [v2]
package hci
