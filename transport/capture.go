package transport

import (
	"io"
	"time"

	"github.com/sirupsen/logrus"
)

// A Capture writes packets to a btsnoop file in the Linux monitor's format (2001), which btmon and Wireshark
// read. Writing has its own goroutine: whoever records never waits, and what finds the queue full is
// counted in the drops of the next record.
//
// A capture holds the keys of every pairing that it saw.
type Capture struct{}

// CreateCapture makes the file at path, or replaces the regular file that is there, with mode 0600. A log that is not
// nil hears once if the file can no longer be written.
func CreateCapture(path string, log *logrus.Logger) (*Capture, error) { return nil, nil }

// NewCapture captures to w and owns it. Closing w must unblock its Write.
func NewCapture(w io.WriteCloser, log *logrus.Logger) *Capture { return nil }

// Close writes what is queued, closes the file and returns the first error there was.
func (c *Capture) Close() error { return nil }

// Tap returns a Conn that records in c what conn reads and writes. a says under which number and name;
// its Address may be zero, for the tap learns it when Read_BD_ADDR is answered. Several Conns may share a
// Capture. Closing the Conn that is returned closes conn, not c.
func Tap(conn Conn, c *Capture, a Adapter) Conn { return conn }

// A Record is one entry of a capture.
type Record struct {
	Time     time.Time // to the microsecond
	Index    int       // the controller's number
	Opcode   Opcode    // what the entry is
	Drops    uint32    // packets lost up to here, since the capture began
	Original int       // octets that Data had before a capture cut it short; mostly len(Data)
	Data     []byte    // the packet without its type, or what goes with Opcode
}

// An Opcode says what a Record is, in the numbers of the Linux monitor channel.
type Opcode uint16

// Opcodes of the Linux monitor.
const (
	OpNewIndex   Opcode = 0
	OpDelIndex   Opcode = 1
	OpCommand    Opcode = 2
	OpEvent      Opcode = 3
	OpACLOut     Opcode = 4
	OpACLIn      Opcode = 5
	OpSCOOut     Opcode = 6
	OpSCOIn      Opcode = 7
	OpOpenIndex  Opcode = 8
	OpCloseIndex Opcode = 9
	OpIndexInfo  Opcode = 10
	OpVendorDiag Opcode = 11
	OpSystemNote Opcode = 12
	OpUserLog    Opcode = 13
	OpISOOut     Opcode = 18
	OpISOIn      Opcode = 19
)

// A CaptureReader reads btsnoop files of the formats 1002 (H4) and 2001 (Linux monitor).
type CaptureReader struct{}

// NewCaptureReader reads the file's header.
func NewCaptureReader(r io.Reader) (*CaptureReader, error) { return nil, nil }

// Next returns the next record, whose Data is valid until the call after, or io.EOF.
func (r *CaptureReader) Next() (Record, error) { return Record{}, io.EOF }
