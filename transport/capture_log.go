package transport

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
)

const (
	// logIdent stands before our own lines in a capture.
	logIdent = "jelling"
	// maxLogText is how much of a line of the log is recorded, in octets.
	maxLogText = 1024
)

// Hook returns a hook for a logger, whose lines then stand in the capture between the packets that they are about:
// logger.AddHook(c.Hook()). FormatH4 has no place for them.
func (c *Capture) Hook() logrus.Hook { return captureHook{c} }

type captureHook struct{ capture *Capture }

// Levels implements logrus.Hook: the logger decides.
func (captureHook) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (h captureHook) Fire(e *logrus.Entry) error {
	h.capture.say(priority(e.Level), entryText(e))
	return nil
}

// Note records a line of text between the packets that it is about, as the log's lines are. On a nil Capture it does
// nothing.
func (c *Capture) Note(text string) {
	if c != nil {
		c.say(priority(logrus.InfoLevel), text)
	}
}

// say records a line of at most maxLogText octets.
func (c *Capture) say(priority byte, text string) {
	head := []byte{priority, byte(len(logIdent) + 1)}
	head = append(head, logIdent+"\x00"...)
	c.add(noIndex, OpUserLog, head, append(oneLine(text), 0))
}

// priority is a level in syslog's numbers, which the monitor's records use.
func priority(l logrus.Level) byte {
	switch l {
	case logrus.PanicLevel, logrus.FatalLevel:
		return 2
	case logrus.ErrorLevel:
		return 3
	case logrus.WarnLevel:
		return 4
	case logrus.InfoLevel:
		return 6
	}
	return 7
}

// entryText is the message, then the fields by their names.
func entryText(e *logrus.Entry) string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Data)) {
		fmt.Fprintf(&b, " %s=%v", name, e.Data[name])
	}
	return b.String()
}

// oneLine is what a terminal can be shown of a text.
func oneLine(text string) []byte {
	if len(text) > maxLogText {
		text = text[:maxLogText]
	}
	return []byte(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}
