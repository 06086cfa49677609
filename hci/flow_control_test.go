package hci

import "testing"

func TestFlowControl(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "Set Controller To Host Flow Control", layout: "Flow_Control_Enable 01",
			value: SetControllerToHostFlowControl{FlowControlACL}, parse: parser(ParseSetControllerToHostFlowControl)},
		{name: "Host Buffer Size", layout: `
			Host_ACL_Data_Packet_Length              FB00
			Host_Synchronous_Data_Packet_Length      40
			Host_Total_Num_ACL_Data_Packets          1000
			Host_Total_Num_Synchronous_Data_Packets  0200`,
			value: HostBufferSize{251, 64, 16, 2}, parse: parser(ParseHostBufferSize)},
		{name: "Host Number Of Completed Packets", layout: `
			Num_Handles                 02
			Connection_Handle           4000
			Host_Num_Completed_Packets  0300
			Connection_Handle           4100
			Host_Num_Completed_Packets  0001`,
			value: HostCompletedPacketsOf(CompletedPackets{0x40, 3}, CompletedPackets{0x41, 256}), parse: parseHostCompleted},
		{name: "Data Buffer Overflow", layout: "Link_Type 01", value: DataBufferOverflow{1}, parse: parser(ParseDataBufferOverflow)},
	})
}

// parseHostCompleted parses into entries of its own, which compare.
func parseHostCompleted(b []byte) (any, error) {
	c, err := ParseHostNumberOfCompletedPackets(b)
	if err != nil {
		return c, err
	}
	var entries []CompletedPackets
	for i := range c.Len() {
		entries = append(entries, c.At(i))
	}
	return HostCompletedPacketsOf(entries...), nil
}
