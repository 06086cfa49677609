package transport

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// captureQueue bounds what waits for the file, in octets; as much again may be on its way into it.
	captureQueue = 1 << 20
	// captureFlush bounds how long Close waits for a file that takes nothing, and then once more for its
	// closing to free the writer.
	captureFlush = 2 * time.Second
)

// errCaptureStuck is Close's answer when the file took nothing for captureFlush.
var errCaptureStuck = errors.New("the file takes nothing: what was queued is lost")

// A CaptureFormat is what a Capture writes.
type CaptureFormat int

// The formats. btmon and Wireshark read both.
const (
	// FormatMonitor is the Linux monitor's (btsnoop 2001): packets, which controller each belongs to, what the
	// controllers are, and lines of the log.
	FormatMonitor CaptureFormat = btsnoopMonitor
	// FormatH4 is packets alone (btsnoop 1002), for tools that read nothing else. It does not tell controllers apart.
	FormatH4 CaptureFormat = btsnoopH4
)

// ParseCaptureFormat reads the name of a format, "monitor" or "h4", or its number.
func ParseCaptureFormat(text string) (CaptureFormat, error) {
	switch text {
	case "monitor", "2001":
		return FormatMonitor, nil
	case "h4", "1002":
		return FormatH4, nil
	}
	return 0, fmt.Errorf("capture format %s: want monitor or h4", shorten(text))
}

// String returns the format's name.
func (f CaptureFormat) String() string {
	switch f {
	case FormatMonitor, 0:
		return "monitor"
	case FormatH4:
		return "h4"
	}
	return fmt.Sprintf("format %d", int(f))
}

// CaptureConfig is how a Capture is written. The zero value works.
type CaptureConfig struct {
	// Format, if zero, is FormatMonitor.
	Format CaptureFormat
	// Size is how many octets a file holds before the next one is begun, at least MinCaptureSize. If zero, there is
	// one file without bounds. CreateCapture only.
	Size int64
	// Count is how many files are kept, the one being written among them. If zero, 4. It has no meaning without
	// Size. CreateCapture only.
	Count int
	// Log hears once when the file can no longer be written. If nil, silence.
	Log *logrus.Logger
}

// A Capture writes packets to a btsnoop file, which btmon and Wireshark read. A goroutine of its own writes: whoever
// records never waits for the file, and what finds the queue full is counted in the next record's drops.
//
// A capture holds the keys of every pairing that it saw.
type Capture struct {
	w      io.WriteCloser // owner: run, until done is closed
	format CaptureFormat
	log    *logrus.Logger
	wake   chan struct{} // holds one token while run has something to look at
	done   chan struct{} // closed when run has ended

	mu     sync.Mutex
	queue  []byte // whole records
	drops  uint32 // packets lost so far
	closed bool   // nothing more is recorded
	err    error  // why the file can no longer be written

	closing  sync.Once
	closeErr error
}

// NewCapture captures to w and owns it. Closing w must unblock its Write.
func NewCapture(w io.WriteCloser, cfg CaptureConfig) *Capture {
	format := cmp.Or(cfg.Format, FormatMonitor)
	return startCapture(w, format, appendHeader(make([]byte, 0, btsnoopHeaderSize), uint32(format)), cfg.Log)
}

// startCapture begins with what is in queue.
func startCapture(w io.WriteCloser, format CaptureFormat, queue []byte, log *logrus.Logger) *Capture {
	c := &Capture{w: w, format: format, log: log, queue: queue, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.run()
	return c
}

// run writes what is queued, a whole batch at a time, until the capture is closed.
func (c *Capture) run() {
	defer close(c.done)
	var batch []byte
	for {
		var closed bool
		if batch, closed = c.take(batch); len(batch) > 0 {
			if _, err := c.w.Write(batch); err != nil {
				c.fail(err)
			}
			continue
		}
		if closed {
			return
		}
		<-c.wake
	}
}

// take swaps the queue for an empty one, made of the batch before.
func (c *Capture) take(last []byte) (batch []byte, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch, c.queue = c.queue, last[:0]
	return batch, c.closed
}

// fail gives the file up: half a record may be in it, and nothing can follow that.
func (c *Capture) fail(err error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
	}
	c.mu.Unlock()
	if first && c.log != nil {
		c.log.Errorf("capture ended: %v", err)
	}
}

// add queues one record whose data is head and body, or counts it as lost. What the format has no place for is left out.
func (c *Capture) add(index uint16, op Opcode, head, body []byte) {
	size := len(head) + len(body)
	if c.format == FormatH4 {
		if op.PacketType() == 0 {
			return
		}
		size++
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.err != nil || size > maxMonitorData || len(c.queue)+recordHeaderSize+size > captureQueue {
		if c.drops < math.MaxUint32 {
			c.drops++
		}
		return
	}
	if c.format == FormatH4 {
		c.queue = appendH4Record(c.queue, time.Now(), op, c.drops, head, body)
	} else {
		c.queue = appendRecord(c.queue, time.Now(), index, op, c.drops, head, body)
	}
	c.signal()
}

func (c *Capture) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close writes what is queued, closes the file, and returns the first error there was. It may be called more
// than once. Later packets are not recorded.
func (c *Capture) Close() error {
	c.closing.Do(func() { c.closeErr = c.finish() })
	return c.closeErr
}

func (c *Capture) finish() error {
	c.mu.Lock()
	c.closed = true
	c.signal()
	c.mu.Unlock()

	flushed := c.ended()
	err := c.w.Close()
	if !flushed {
		c.ended() // closing the file has freed the writer, or nothing will
		return fmt.Errorf("capture: %w", errCaptureStuck)
	}
	if c.err != nil {
		err = c.err
	}
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

// ended waits for run to end, and reports whether it did within captureFlush.
func (c *Capture) ended() bool {
	timer := time.NewTimer(captureFlush)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}
