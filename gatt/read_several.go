package gatt

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/att"
)

// ReadByUUID reads the values of every attribute of one type from start to end, as a rule the values of a characteristic
// (Vol 3, Part G, 4.8.2). One as long as a response holds, MTU-4 or 253 octets, may be the beginning of a longer value: see [Client.Read]. Beside the
// error is what was read before it; that there is nothing is no error.
func (c *Client) ReadByUUID(ctx context.Context, start, end uint16, uuid att.UUID) ([]att.AttributeData, error) {
	b := c.conn.take(request)
	defer b.done(request)
	var list []att.AttributeData
	err := c.walk(start, end, func(start, end uint16) (last uint16, err error) {
		var found []att.AttributeData
		err = c.secured(ctx, func() (err error) {
			found, err = b.att.ReadByType(ctx, start, end, uuid)
			return err
		})
		for _, a := range found {
			switch {
			case a.Handle < start || start == 0 || a.Handle > end:
				return 0, fmt.Errorf("%w: a value at 0x%04x, between 0x%04x and 0x%04x", ErrDiscovery, a.Handle, start, end)
			case len(list) >= maxDiscovered:
				return 0, tooMany()
			}
			list = append(list, a)
			start, last = followedBy(a.Handle), a.Handle
		}
		return last, err
	})
	return list, err
}

// ReadMultiple reads the values of two or more attributes, put end to end: the client knows how long each but the last is
// (Vol 3, Part G, 4.8.4). What does not fit one PDU is left out.
func (c *Client) ReadMultiple(ctx context.Context, handles ...uint16) (values []byte, err error) {
	b := c.conn.take(request)
	defer b.done(request)
	err = c.secured(ctx, func() (err error) {
		values, err = b.att.ReadMultiple(ctx, handles...)
		return err
	})
	return values, err
}

// ReadMultipleVariable reads the values of two or more attributes, each with its length (Vol 3, Part G, 4.8.5). What does not fit one PDU is
// left out: the last value may be shorter than its length says, and there may be fewer than handles.
func (c *Client) ReadMultipleVariable(ctx context.Context, handles ...uint16) (values []att.LengthValue, err error) {
	b := c.conn.take(request)
	defer b.done(request)
	err = c.secured(ctx, func() (err error) {
		values, err = b.att.ReadMultipleVariable(ctx, handles...)
		return err
	})
	return values, err
}
