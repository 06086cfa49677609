package gatt

import (
	"context"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/att"
)

// secured sends a request. If the server refuses it for want of security, which Secure can raise, it is sent once more
// (Vol 3, Part C, 10.3.2). A refusal that shows that we do not know the database makes us forget it.
func (c *Client) secured(ctx context.Context, request func() error) error {
	err := c.securedOnce(ctx, request)
	if err != nil {
		c.doubt(err)
	}
	return err
}

func (c *Client) securedOnce(ctx context.Context, request func() error) error {
	sec := c.conn.security() // the link may become secure, by another's doing, before the refusal arrives
	err := request()
	code, ok := wantsSecurity(err)
	if !ok || c.conn.cfg.Secure == nil {
		return err
	}
	if c.conn.cfg.Security == nil {
		sec = c.conn.security() // that of the refusal: before, no PDU may have told
	}
	if failed := c.conn.cfg.Secure(ctx, code, sec); failed != nil {
		return fmt.Errorf("%w; security was not raised: %w", err, failed)
	}
	return request()
}

// wantsSecurity tells whether err is a server's wish for more security. Authorization is none: no pairing brings it.
func wantsSecurity(err error) (code att.ErrorCode, ok bool) {
	refusal, ok := errors.AsType[*att.Error](err)
	if !ok {
		return 0, false
	}
	switch refusal.Code {
	case att.ErrInsufficientAuthentication, att.ErrInsufficientEncryption, att.ErrEncryptionKeySizeTooShort:
		return refusal.Code, true
	}
	return 0, false
}
