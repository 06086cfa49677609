package hci

// FlowControl is which data the controller sends only when the host has room (Vol 4, Part E, 7.3.38).
type FlowControl uint8

const (
	FlowControlOff            FlowControl = 0x00
	FlowControlACL            FlowControl = 0x01
	FlowControlSynchronous    FlowControl = 0x02
	FlowControlACLSynchronous FlowControl = 0x03
)

// SetControllerToHostFlowControl turns flow control towards the host on and off; only while there is no
// connection (Vol 4, Part E, 7.3.38).
type SetControllerToHostFlowControl struct{ Enable FlowControl }

func (SetControllerToHostFlowControl) Opcode() Opcode { return OpSetControllerToHostFlowControl }
func (c SetControllerToHostFlowControl) AppendTo(b []byte) []byte {
	return append(b, byte(c.Enable))
}

// ParseSetControllerToHostFlowControl reads the parameters of SetControllerToHostFlowControl.
func ParseSetControllerToHostFlowControl(b []byte) (SetControllerToHostFlowControl, error) {
	v, err := parseOctet("Set Controller To Host Flow Control", "Flow_Control_Enable", b)
	return SetControllerToHostFlowControl{FlowControl(v)}, err
}

// HostBufferSize tells the controller what the host has room for (Vol 4, Part E, 7.3.39).
type HostBufferSize BufferSize

func (HostBufferSize) Opcode() Opcode             { return OpHostBufferSize }
func (c HostBufferSize) AppendTo(b []byte) []byte { return BufferSize(c).AppendTo(b) }

// ParseHostBufferSize reads the parameters of HostBufferSize.
func ParseHostBufferSize(b []byte) (HostBufferSize, error) {
	if err := shorter("Host Buffer Size", b, []field{{"Host_ACL_Data_Packet_Length", 2}, {"Host_Synchronous_Data_Packet_Length", 3},
		{"Host_Total_Num_ACL_Data_Packets", 5}, {"Host_Total_Num_Synchronous_Data_Packets", 7}}); err != nil {
		return HostBufferSize{}, err
	}
	return HostBufferSize{at16(b, 0), b[2], at16(b, 3), at16(b, 5)}, nil
}

// HostNumberOfCompletedPackets gives the controller credits back (Vol 4, Part E, 7.3.40). It takes no
// command credit, and nothing answers it but an error. It is laid out as NumberOfCompletedPackets.
type HostNumberOfCompletedPackets struct{ NumberOfCompletedPackets }

// HostCompletedPacketsOf makes a command of entries, 63 at the most.
func HostCompletedPacketsOf(entries ...CompletedPackets) HostNumberOfCompletedPackets {
	return HostNumberOfCompletedPackets{CompletedPacketsOf(entries...)}
}

func (HostNumberOfCompletedPackets) Opcode() Opcode { return OpHostNumberOfCompletedPackets }

// ParseHostNumberOfCompletedPackets reads the parameters of HostNumberOfCompletedPackets.
func ParseHostNumberOfCompletedPackets(b []byte) (HostNumberOfCompletedPackets, error) {
	e, err := parseCompletedPackets("Host Number Of Completed Packets", "Host_Num_Completed_Packets", b)
	return HostNumberOfCompletedPackets{e}, err
}

// DataBufferOverflow tells that the host sent more than it had credits for (Vol 4, Part E, 7.7.26).
type DataBufferOverflow struct{ LinkType uint8 } // 0 SCO, 1 ACL, 2 ISO

func (DataBufferOverflow) Code() EventCode            { return EvDataBufferOverflow }
func (e DataBufferOverflow) AppendTo(b []byte) []byte { return append(b, e.LinkType) }

// ParseDataBufferOverflow reads the parameters of DataBufferOverflow.
func ParseDataBufferOverflow(b []byte) (DataBufferOverflow, error) {
	v, err := parseOctet("Data Buffer Overflow", "Link_Type", b)
	return DataBufferOverflow{v}, err
}
