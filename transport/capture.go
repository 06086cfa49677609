package transport

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
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

// A Capture writes packets to a btsnoop file in the Linux monitor's format (2001), which btmon and
// Wireshark read. A goroutine of its own writes: whoever records never waits for the file, and what finds the
// queue full is counted in the next record's drops.
//
// A capture holds the keys of every pairing that it saw.
type Capture struct {
	w    io.WriteCloser // owner: run, until done is closed
	log  *logrus.Logger
	wake chan struct{} // holds one token while run has something to look at
	done chan struct{} // closed when run has ended

	mu     sync.Mutex
	queue  []byte // whole records
	drops  uint32 // packets lost so far
	closed bool   // nothing more is recorded
	err    error  // why the file can no longer be written

	closing  sync.Once
	closeErr error
}

// CreateCapture captures to a new file at path, with mode 0600, in place of a regular file that may be there; whoever
// has the old one open sees nothing of the new. log hears once when the file can no longer be
// written; nil is silence.
func CreateCapture(path string, log *logrus.Logger) (*Capture, error) {
	f, err := createPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	return NewCapture(f, log), nil
}

// createPrivate makes a file that only its owner may read. It never writes into what is there already: that
// could be a link to elsewhere, or open in somebody's hands.
func createPrivate(path string) (*os.File, error) {
	switch st, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is there and is no regular file", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// NewCapture captures to w and owns it. Closing w must unblock its Write.
func NewCapture(w io.WriteCloser, log *logrus.Logger) *Capture {
	c := &Capture{w: w, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	c.queue = appendHeader(make([]byte, 0, btsnoopHeaderSize), btsnoopMonitor)
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

// add queues one record whose data is head and body, or counts it as lost.
func (c *Capture) add(index uint16, op Opcode, head, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	size := len(head) + len(body)
	if c.err != nil || size > maxMonitorData || len(c.queue)+recordHeaderSize+size > captureQueue {
		if c.drops < math.MaxUint32 {
			c.drops++
		}
		return
	}
	c.queue = appendRecord(c.queue, time.Now(), index, op, c.drops, head, body)
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
