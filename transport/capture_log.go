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
	head := []byte{priority(e.Level), byte(len(logIdent) + 1)}
	head = append(head, logIdent+"\x00"...)
	h.capture.add(noIndex, OpUserLog, head, append(logText(e), 0))
	return nil
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

// logText is an entry in one line: the message, then the fields by their names.
func logText(e *logrus.Entry) []byte {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Data)) {
		fmt.Fprintf(&b, " %s=%v", name, e.Data[name])
	}
	text := b.String()
	if len(text) > maxLogText {
		text = text[:maxLogText]
	}
	return []byte(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}
