package transport

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

// logged returns the capture of what f logs.
func logged(t *testing.T, cfg CaptureConfig, f func(*logrus.Logger)) []Record {
	t.Helper()
	var out sink
	c := NewCapture(&out, cfg)
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.SetLevel(logrus.DebugLevel)
	log.AddHook(c.Hook())
	f(log)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	log.Error("too late")
	return records(t, &out.buf)
}

func TestCaptureHook(t *testing.T) {
	got := logged(t, CaptureConfig{}, func(log *logrus.Logger) {
		log.Error("lost")
		log.WithFields(logrus.Fields{"b": 2, "a": errors.New("why")}).Warn("two\nlines\x00")
		log.Info("")
		log.Debug("dänisch")
		log.Trace("not this")
	})
	wantTexts(t, got, "3 lost", "4 two lines  a=why b=2", "6 ", "7 dänisch")
}

// wantTexts checks records of the log: priority and text.
func wantTexts(t *testing.T, got []Record, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d: %q", len(got), len(want), lines(got))
	}
	for i, r := range got {
		parts := strings.Split(string(r.Data[2:]), "\x00")
		if r.Opcode != OpUserLog || r.Index != noIndex || int(r.Data[1]) != len(logIdent)+1 || len(parts) != 3 || parts[0] != logIdent || parts[2] != "" {
			t.Fatalf("record %d: %d %v %q", i, r.Index, r.Opcode, r.Data)
		}
		if text := string('0'+rune(r.Data[0])) + " " + parts[1]; text != want[i] {
			t.Errorf("record %d: %q, want %q", i, text, want[i])
		}
	}
}

// A line of any length is one that btmon reads, and whole characters.
func TestCaptureHookLongLine(t *testing.T) {
	got := logged(t, CaptureConfig{}, func(log *logrus.Logger) { log.Warn("x" + strings.Repeat("ä", 1<<20)) })
	wantTexts(t, got, "4 x"+strings.Repeat("ä", (maxLogText-1)/2))
}

func TestCaptureHookWithoutPlace(t *testing.T) {
	if got := logged(t, CaptureConfig{Format: FormatH4}, func(log *logrus.Logger) { log.Error("lost") }); len(got) != 0 {
		t.Errorf("%q", lines(got))
	}
}

func TestPriority(t *testing.T) {
	for level, want := range map[logrus.Level]byte{logrus.PanicLevel: 2, logrus.FatalLevel: 2, logrus.ErrorLevel: 3, logrus.WarnLevel: 4,
		logrus.InfoLevel: 6, logrus.DebugLevel: 7, logrus.TraceLevel: 7} {
		if got := priority(level); got != want {
			t.Errorf("%v: %d, want %d", level, got, want)
		}
	}
}

func TestCaptureNote(t *testing.T) {
	var out sink
	c := NewCapture(&out, CaptureConfig{})
	c.Note("paired\x1b[2J")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, records(t, &out.buf), "6 paired [2J")
	(*Capture)(nil).Note("nobody hears")
}
