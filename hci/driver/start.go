package driver

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

// ErrNoBuffers says that a controller reports no ACL buffers at all.
var ErrNoBuffers = errors.New("hci: the controller reports no ACL buffers")

// minFragment is the shortest ACL fragment that LE allows a controller (Vol 4, Part E, 7.8.2).
const minFragment = 27

// prepare does what the chip needs before it is a controller.
func (c *Controller) prepare(ctx context.Context) error {
	if c.cfg.Prepare == nil {
		return nil
	}
	c.out.setLenient(true)
	defer c.out.setLenient(false)
	return c.cfg.Prepare(ctx, c)
}

// start brings the controller from whatever state it was in to one with known buffers and masks.
func (c *Controller) start(ctx context.Context) error {
	if _, err := c.Do(ctx, hci.Reset); err != nil {
		return err
	}
	if err := c.identify(ctx); err != nil {
		return err
	}
	if err := c.readBuffers(ctx); err != nil {
		return err
	}
	if err := c.startHostFlow(ctx); err != nil {
		return err
	}
	if err := c.setMasks(ctx); err != nil {
		return err
	}
	return c.onLoop(func() { c.phase = running })
}

// identify asks the controller what it is. Only its features are needed; the rest may be refused.
func (c *Controller) identify(ctx context.Context) error {
	var lmp uint64
	return steps(
		ask1(ctx, c, hci.ReadLocalVersionInformation, false, hci.ParseLocalVersion, &c.info.Version),
		ask1(ctx, c, hci.ReadLocalSupportedCommands, false, hci.ParseSupportedCommands, &c.info.Commands),
		ask1(ctx, c, hci.ReadLocalSupportedFeatures, false, features(hci.OpReadLocalSupportedFeatures), &lmp),
		func() error {
			if lmp&hci.LMPFeatureLESupported == 0 || lmp&hci.LMPFeatureBREDRNotSupported != 0 {
				return nil
			}
			_, err := c.Do(ctx, hci.WriteLEHostSupport{Supported: true})
			return refused(err)
		},
		ask1(ctx, c, hci.LEReadLocalSupportedFeatures, true, features(hci.OpLEReadLocalSupportedFeatures), &c.info.Features),
		ask1(ctx, c, hci.ReadBDADDR, false, hci.ParseBDADDR, &c.info.Address),
		ask1(ctx, c, hci.LEReadFilterAcceptListSize, false, func(b []byte) (int, error) {
			if len(b) < 1 {
				return 0, &hci.ShortError{What: "LE Read Filter Accept List Size: return: Filter_Accept_List_Size", Want: 1}
			}
			return int(b[0]), nil
		}, &c.info.AcceptList),
		ask1(ctx, c, hci.LEReadSupportedStates, false, features(hci.OpLEReadSupportedStates), &c.info.States),
		func() error { return c.readResolvingListSize(ctx) },
		func() error { return c.readExtended(ctx) },
		func() error { c.setOwn(c.info.Address); return nil },
	)
}

// steps runs functions in order up to the first error.
func steps(all ...func() error) error {
	for _, step := range all {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// ask1 is a step that sends a command and parses what it returns. Unless it is needed, a controller may
// refuse it, or say less than there is to say.
func ask1[T any](ctx context.Context, c *Controller, cmd hci.Command, needed bool, parse func([]byte) (T, error), into *T) func() error {
	return func() error {
		ret, err := c.Do(ctx, cmd)
		if err != nil {
			if needed {
				return err
			}
			return refused(err)
		}
		got, err := parse(ret)
		switch {
		case err == nil:
			*into = got
		case !needed:
			c.logf("%v: taken as not supported", err)
			return nil
		}
		return err
	}
}

func features(op hci.Opcode) func([]byte) (uint64, error) {
	return func(b []byte) (uint64, error) { return hci.ParseFeatures(op, b) }
}

// readBuffers asks for the LE buffers, and for the shared ones where there are none for LE alone.
func (c *Controller) readBuffers(ctx context.Context) error {
	var le hci.LEBufferSize
	if err := ask1(ctx, c, hci.LEReadBufferSize, true, hci.ParseLEBufferSize, &le)(); err != nil {
		return err
	}
	length, packets := int(le.ACLLength), int(le.ACLPackets)
	if length == 0 || packets == 0 {
		var shared hci.BufferSize
		if err := ask1(ctx, c, hci.ReadBufferSize, true, hci.ParseBufferSize, &shared)(); err != nil {
			return err
		}
		length, packets = int(shared.ACLLength), int(shared.ACLPackets)
	}
	if length < minFragment || packets == 0 {
		return ErrNoBuffers
	}
	c.info.ACLLength, c.info.ACLBuffers = min(length, maxFragment), packets
	c.out.setBuffers(packets)
	return nil
}

// maxFragment is the longest fragment that a user channel takes: 1,028 octets with type and header.
const maxFragment = 1023
