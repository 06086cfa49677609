package vendor_test

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/vendor"
)

// module is a controller with Nordic's chip, as the example's driver would reach it.
type module struct{}

func (module) Do(_ context.Context, cmd hci.Command) ([]byte, error) {
	switch cmd.Opcode() {
	case hci.OpReset:
		return nil, nil
	case hci.OpReadLocalVersionInformation:
		return hci.LocalVersion{HCIVersion: 13, LMPVersion: 13, Company: 0x05F1}.AppendTo(nil), nil
	case hci.OpReadBDADDR:
		return make([]byte, 6), nil
	case 0xFC01:
		return []byte{2, 0, 2, 0, 1, 3, 7, 0, 0, 0, 0, 0}, nil
	case 0xFC02:
		return append([]byte{0xFF, 0x01}, make([]byte, 62)...), nil
	case 0xFC09:
		return append([]byte{1, 0x56, 0x34, 0x12, 0xEF, 0xBE, 0xED}, make([]byte, 16)...), nil
	}
	return nil, hci.UnknownHCICommand
}

func ExampleStart() {
	ctx := context.Background()
	info, err := vendor.Start(ctx, module{}, nil, vendor.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Family, info.Chip, info.Address.Text())
	if err := vendor.Stop(ctx, module{}, nil, info); err != nil {
		fmt.Println(err)
	}
	// Output: zephyr nRF52 ED:BE:EF:12:34:56/random
}
