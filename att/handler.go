package att

import "context"

// A Handler is a server's database. Of one Conn it gets one request or command at a time, in the order of arrival, and may take its time.
type Handler interface {
	// ServeATT answers req: it appends the response, such as ReadResponse{Value: v}.AppendTo(rsp), to rsp and returns the result,
	// which must fit req.Conn.MTU(). An error becomes an Error Response: an [*Error] or [ErrorCode] anywhere in its chain
	// says which, [ErrUnlikelyError] is said for any other; without an Error the handle in it is the request's first.
	// For a command the result is ignored. req, with all slices in it, and rsp are valid only until ServeATT returns.
	// ctx ends with the bearer.
	ServeATT(ctx context.Context, req *Request, rsp []byte) ([]byte, error)
}

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(ctx context.Context, req *Request, rsp []byte) ([]byte, error)

// ServeATT calls f.
func (f HandlerFunc) ServeATT(ctx context.Context, req *Request, rsp []byte) ([]byte, error) {
	return f(ctx, req, rsp)
}

// A Request is a request or command as a [Handler] gets it.
type Request struct {
	// Conn is where it came from, and where notifications may go.
	Conn *Conn
	// Security is the link's security when the PDU arrived.
	Security Security
	// PDU is a pointer to one of FindInformationRequest, FindByTypeValueRequest, ReadByTypeRequest, ReadRequest, ReadBlobRequest,
	// ReadMultipleRequest, ReadMultipleVariableRequest, ReadByGroupTypeRequest, WriteRequest, WriteCommand, SignedWriteCommand,
	// PrepareWriteRequest and ExecuteWriteRequest, well-formed: case *att.ReadRequest. MTU requests are answered by the Conn.
	PDU PDU
	// Raw is the PDU as it arrived, for whoever has to verify a signature.
	Raw []byte
}
