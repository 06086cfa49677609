package transport

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// MinCaptureSize is the least that CaptureConfig.Size can be, in octets.
const MinCaptureSize = 64 << 10

// captureCount is CaptureConfig.Count if it is zero.
const captureCount = 4

// CreateCapture captures to a new file at path, with mode 0600. A regular file that is there is replaced: whoever has it
// open sees nothing of the new. With cfg.Size there is a series of files: when the one at path is full it is renamed to
// path.1, the one before to path.2 and so on, and so is one that was there before. Each file of a series can be read by
// itself.
func CreateCapture(path string, cfg CaptureConfig) (*Capture, error) {
	format := cmp.Or(cfg.Format, FormatMonitor)
	if cfg.Size == 0 {
		f, err := createPrivate(path)
		if err != nil {
			return nil, fmt.Errorf("capture: %w", err)
		}
		return NewCapture(f, cfg), nil
	}
	s := &captureSeries{path: path, format: format, size: max(cfg.Size, MinCaptureSize), count: cmp.Or(cfg.Count, captureCount),
		live: make(map[uint16]*announcement)}
	if err := s.next(time.Now(), 0); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	return startCapture(s, format, nil, cfg.Log), nil
}

// createPrivate makes a file that only its owner may read. It never writes into what is there already: that
// could be a link to elsewhere, or open in somebody's hands.
func createPrivate(path string) (*os.File, error) {
	switch there, err := isRegular(path); {
	case err != nil:
		return nil, err
	case there:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// isRegular reports whether there is a file at path. What is no regular file is an error.
func isRegular(path string) (bool, error) {
	switch st, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !st.Mode().IsRegular():
		return false, fmt.Errorf("%s is there and is no regular file", path)
	}
	return true, nil
}

// A captureSeries is files of a bounded size, the latest of which is written. It is given whole records, and begins each
// file with what a reader has to know from the files before. Owner: the capture's goroutine.
type captureSeries struct {
	path    string
	format  CaptureFormat
	size    int64
	count   int
	written int64 // octets in the file

	live map[uint16]*announcement // the controllers there are, by their number

	mu     sync.Mutex // guards what follows
	file   *os.File
	closed bool
}

// maxAnnounced bounds how many controllers are remembered for the next file.
const maxAnnounced = 64

// An announcement is what the capture has told of a controller.
type announcement struct {
	newIndex, info []byte // data of the records; nil for none
	open           bool
}

// Write writes records, each to the file in which there is room for it.
func (s *captureSeries) Write(b []byte) (int, error) {
	done := 0 // what was written or passed on
	for at := 0; at < len(b); {
		size := recordHeaderSize + int(binary.BigEndian.Uint32(b[at+4:]))
		record := b[at : at+size]
		if s.written+int64(at-done+size) > s.size {
			if err := s.put(b[done:at]); err != nil {
				return done, err
			}
			done = at
			if err := s.next(recordTime(record), binary.BigEndian.Uint32(record[12:])); err != nil {
				return done, err
			}
		}
		s.note(record)
		at += size
	}
	if err := s.put(b[done:]); err != nil {
		return done, err
	}
	return len(b), nil
}

// put writes to the file there is.
func (s *captureSeries) put(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := s.current().Write(b)
	s.written += int64(n)
	return err
}

func (s *captureSeries) current() *os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file
}

// next begins the next file, at a time and with so many drops until then.
func (s *captureSeries) next(now time.Time, drops uint32) error {
	if f := s.current(); f != nil {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := s.shift(); err != nil {
		return err
	}
	f, err := createPrivate(s.path)
	if err != nil {
		return err
	}
	if err := s.use(f); err != nil {
		return err
	}
	s.written = 0
	b := appendHeader(nil, uint32(s.format))
	for _, index := range slices.Sorted(maps.Keys(s.live)) {
		a := s.live[index]
		if a.newIndex != nil {
			b = appendRecord(b, now, index, OpNewIndex, drops, a.newIndex, nil)
		}
		if a.open {
			b = appendRecord(b, now, index, OpOpenIndex, drops, nil, nil)
		}
		if a.info != nil {
			b = appendRecord(b, now, index, OpIndexInfo, drops, a.info, nil)
		}
	}
	return s.put(b)
}

// shift renames path to path.1, path.1 to path.2 and so on. The last of them is lost.
func (s *captureSeries) shift() error {
	if there, err := isRegular(s.path); err != nil || !there {
		return err
	}
	for i := s.count - 1; i > 0; i-- {
		if err := os.Rename(s.name(i-1), s.name(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// name returns the path of a file of the series, 0 for the latest.
func (s *captureSeries) name(i int) string {
	if i == 0 {
		return s.path
	}
	return fmt.Sprintf("%s.%d", s.path, i)
}

// use makes f the file to write, unless the series was closed meanwhile.
func (s *captureSeries) use(f *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		f.Close()
		return fs.ErrClosed
	}
	s.file = f
	return nil
}

// Close closes the file there is, at any time.
func (s *captureSeries) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.file.Close()
}

// note remembers what a record tells of a controller.
func (s *captureSeries) note(record []byte) {
	if s.format != FormatMonitor {
		return
	}
	flags, data := binary.BigEndian.Uint32(record[8:]), record[recordHeaderSize:]
	index, op := uint16(flags>>16), Opcode(flags)
	switch op {
	case OpNewIndex, OpIndexInfo, OpOpenIndex, OpCloseIndex:
	case OpDelIndex:
		delete(s.live, index)
		return
	default:
		return
	}
	a := s.live[index]
	if a == nil {
		if len(s.live) >= maxAnnounced {
			return
		}
		a = new(announcement)
		s.live[index] = a
	}
	switch op {
	case OpNewIndex:
		a.newIndex = append(a.newIndex[:0], data...)
	case OpIndexInfo:
		a.info = append(a.info[:0], data...)
	default:
		a.open = op == OpOpenIndex
	}
}

// recordTime reads the time of a record.
func recordTime(record []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(record[16:]) - btsnoopEpoch))
}
