package att_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// A client and a server at the two ends of a bearer. The server has one attribute, and wants the link encrypted for it.
func Example() {
	battery := att.HandlerFunc(func(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
		p, ok := req.PDU.(*att.ReadRequest)
		switch {
		case !ok:
			return nil, att.ErrRequestNotSupported
		case p.Handle != 0x0003:
			return nil, att.ErrInvalidHandle
		case !req.Security.Encrypted:
			return nil, att.ErrInsufficientEncryption
		}
		return att.ReadResponse{Value: []byte{97}}.AppendTo(rsp), nil
	})

	near, far := atttest.NewBearers(atttest.Options{})
	client, server := att.NewConn(near, att.Config{}), att.NewConn(far, att.Config{Server: battery})
	near.Attach(client)
	far.Attach(server)

	ctx := context.Background()
	_, err := client.Read(ctx, 0x0003)
	fmt.Println(err, errors.Is(err, att.ErrInsufficientEncryption))

	near.SetSecurity(att.Security{Encrypted: true, KeySize: 16})
	value, err := client.Read(ctx, 0x0003)
	fmt.Println(value, err)

	near.Disconnect(errors.New("seen enough"))
	client.Wait()
	server.Wait()
	_, err = client.Read(ctx, 0x0003)
	fmt.Println(err)
	// Output:
	// ATT_READ_REQ, handle 0x0003: insufficient encryption (0x0f) true
	// [97] <nil>
	// ATT_READ_REQ, handle 0x0003: att: bearer ended: seen enough
}
