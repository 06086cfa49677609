package att

import (
	"context"
	"errors"
	"sync"
)

const (
	// queueLen bounds the requests and commands that wait for the Handler on one Conn.
	queueLen = 64
	// requestRoom is the part of it that commands can't fill, so that they never cost a request its place. One would do for a client
	// that keeps to one request at a time (Vol 3, Part F, 3.3.2); those of one that does not are answered in their turn while there is room.
	requestRoom = 4
)

// queued is a request or command on its way from Receive to serve.
type queued struct {
	pdu []byte
	sec Security
}

var queuedPool = sync.Pool{New: func() any { return new(queued) }}

// enqueue keeps a copy of pdu for serve, unless room of the queue are taken. A lost command is allowed for
// (Vol 3, Part F, 3.3.2); what is lost is counted.
func (c *Conn) enqueue(pdu []byte, sec Security, room int) {
	if len(c.queue) >= room {
		c.counters.dropped.Add(1)
		c.debug(Opcode(pdu[0]), "dropped: the queue is full")
		return
	}
	q := queuedPool.Get().(*queued)
	q.pdu, q.sec = append(q.pdu[:0], pdu...), sec
	c.queue <- q // there is room: nobody else puts anything in
}

// serve answers what is in the queue until the bearer ends.
func (c *Conn) serve() {
	s := service{conn: c}
	for {
		select {
		case <-c.bearer.Done():
			return
		case q := <-c.queue:
			s.answer(q)
			queuedPool.Put(q)
		}
	}
}

// A service is the state of the goroutine that serves a Conn.
type service struct {
	conn   *Conn
	req    Request
	parsed parsedRequest
	rsp    []byte
}

// answer has the Handler serve one request or command, and replies.
func (s *service) answer(q *queued) {
	c, op := s.conn, Opcode(q.pdu[0])
	rsp, err := s.serveOne(q)
	if op.IsCommand() {
		return
	}
	if err == nil && (len(rsp) == 0 || Opcode(rsp[0]) != op+1 || len(rsp) > c.MTU()) {
		c.counters.handlerFaults.Add(1)
		c.debug(op, "the handler's answer is none")
		err = ErrUnlikelyError
	}
	if err != nil {
		rsp = refusal(op, q.pdu, err).AppendTo(s.rsp[:0])
	}
	c.reply(rsp)
	s.rsp = rsp[:0]
}

// serveOne parses one request or command and gives it to the Handler.
func (s *service) serveOne(q *queued) ([]byte, error) {
	c := s.conn
	pdu, err := s.parsed.parse(q.pdu)
	if err != nil {
		c.malformed(Opcode(q.pdu[0]))
		return nil, &Error{Code: ErrInvalidPDU}
	}
	s.req = Request{Conn: c, Security: q.sec, PDU: pdu, Raw: q.pdu}
	return c.cfg.Server.ServeATT(c.ctx, &s.req, s.rsp[:0])
}

// refusal is the Error Response that err becomes.
func refusal(op Opcode, pdu []byte, err error) ErrorResponse {
	r := ErrorResponse{Request: op, Code: ErrUnlikelyError}
	if e, ok := errors.AsType[*Error](err); ok {
		r.Handle, r.Code = e.Handle, e.Code
		return r
	}
	if code, ok := errors.AsType[ErrorCode](err); ok {
		r.Code = code
	}
	if op != OpExecuteWriteRequest { // the only one without a handle
		r.Handle = le.Uint16(pdu[1:])
	}
	return r
}

// isCode tells whether err is a server's refusal for this reason.
func isCode(err error, code ErrorCode) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// A parsedRequest has room for one of each request and command, so that parsing one allocates nothing.
type parsedRequest struct {
	findInformation      FindInformationRequest
	findByTypeValue      FindByTypeValueRequest
	readByType           ReadByTypeRequest
	read                 ReadRequest
	readBlob             ReadBlobRequest
	readMultiple         ReadMultipleRequest
	readMultipleVariable ReadMultipleVariableRequest
	readByGroupType      ReadByGroupTypeRequest
	write                WriteRequest
	writeCommand         WriteCommand
	signedWriteCommand   SignedWriteCommand
	prepareWrite         PrepareWriteRequest
	executeWrite         ExecuteWriteRequest
}

// parse reads a request or command that Receive has put into the queue.
func (p *parsedRequest) parse(b []byte) (pdu PDU, err error) {
	switch op := Opcode(b[0]); op {
	case OpFindInformationRequest:
		p.findInformation, err = ParseFindInformationRequest(b)
		return &p.findInformation, err
	case OpFindByTypeValueRequest:
		p.findByTypeValue, err = ParseFindByTypeValueRequest(b)
		return &p.findByTypeValue, err
	case OpReadByTypeRequest:
		p.readByType, err = ParseReadByTypeRequest(b)
		return &p.readByType, err
	case OpReadRequest:
		p.read, err = ParseReadRequest(b)
		return &p.read, err
	case OpReadBlobRequest:
		p.readBlob, err = ParseReadBlobRequest(b)
		return &p.readBlob, err
	case OpReadMultipleRequest:
		p.readMultiple, err = ParseReadMultipleRequest(b)
		return &p.readMultiple, err
	case OpReadMultipleVariableRequest:
		p.readMultipleVariable, err = ParseReadMultipleVariableRequest(b)
		return &p.readMultipleVariable, err
	case OpReadByGroupTypeRequest:
		p.readByGroupType, err = ParseReadByGroupTypeRequest(b)
		return &p.readByGroupType, err
	case OpWriteRequest:
		p.write, err = ParseWriteRequest(b)
		return &p.write, err
	case OpWriteCommand:
		p.writeCommand, err = ParseWriteCommand(b)
		return &p.writeCommand, err
	case OpSignedWriteCommand:
		p.signedWriteCommand, err = ParseSignedWriteCommand(b)
		return &p.signedWriteCommand, err
	case OpPrepareWriteRequest:
		p.prepareWrite, err = ParsePrepareWriteRequest(b)
		return &p.prepareWrite, err
	case OpExecuteWriteRequest:
		p.executeWrite, err = ParseExecuteWriteRequest(b)
		return &p.executeWrite, err
	default:
		return nil, malformed(b, op, "neither request nor command")
	}
}

// noAttributes is the server of a Conn that has none: discovery and reading find nothing, the rest is not supported
// (Vol 3, Part F, 3.4.1.1).
type noAttributes struct{}

func (noAttributes) ServeATT(_ context.Context, req *Request, _ []byte) ([]byte, error) {
	switch p := req.PDU.(type) {
	case *FindInformationRequest:
		return nil, nothingIn(p.Start, p.End)
	case *FindByTypeValueRequest:
		return nil, nothingIn(p.Start, p.End)
	case *ReadByTypeRequest:
		return nil, nothingIn(p.Start, p.End)
	case *ReadByGroupTypeRequest:
		return nil, nothingIn(p.Start, p.End)
	case *ReadRequest:
		return nil, ErrInvalidHandle
	}
	return nil, ErrRequestNotSupported
}

// nothingIn is the error for a range without attributes, or one that is no range (Vol 3, Part F, 3.4.3.1).
func nothingIn(start, end uint16) error {
	if start == 0 || start > end {
		return ErrInvalidHandle
	}
	return ErrAttributeNotFound
}
