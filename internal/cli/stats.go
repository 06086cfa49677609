package cli

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/jelling-ble/jelling/gap"
)

// printStats prints the host's counters every --stats, and once more when it is told to end, before the host does.
func (e *env) printStats(h *gap.Host) (end func() error) {
	if e.statsEvery == 0 {
		return func() error { return nil }
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(e.statsEvery)
		defer ticker.Stop()
		for last := false; !last; {
			select {
			case <-ticker.C:
			case <-stop:
				last = true
			}
			e.printStatsOnce(h)
		}
	}()
	return func() error {
		close(stop)
		<-ended
		return nil
	}
}

// printStatsOnce prints nothing of a controller that is gone: it is about to be another one, or the end.
func (e *env) printStatsOnce(h *gap.Host) {
	s, err := h.Stats()
	if err != nil {
		return
	}
	now := time.Now()
	c := s.Controller
	e.out.event(now, "statistics", h.Identity().String(), fields{{"statistics", counters(reflect.ValueOf(s))}},
		fmt.Sprintf("%d connections, %d commands, %d events, ACL %d in and %d out; %s", c.Connections, c.Commands, c.Events,
			c.Received.Packets, c.Sent.Packets, faultText(s)))
}

// faultText counts what should not happen, for people; --json has each by its name.
func faultText(s gap.Stats) string {
	c := s.Controller
	n := c.Malformed + c.UnknownEvents + c.UnknownPackets + c.UnknownHandles + c.UnexpectedAnswers + c.ExcessCompletions +
		c.BufferOverflows + s.EventsLost
	for _, one := range s.Connections {
		n += one.GATT.Lost + one.ATT.Malformed + one.L2CAP.TooLong + one.L2CAP.Stray + one.L2CAP.Unfinished
	}
	if n == 0 {
		return "nothing amiss"
	}
	return fmt.Sprintf("%d things amiss (--json names them)", n)
}

// counters is a value as JSON has it: structs with their fields' names in our spelling, what is embedded among the rest,
// and whatever prints itself as it does.
func counters(v reflect.Value) any {
	switch s, printed := v.Interface().(fmt.Stringer); {
	case printed:
		return s.String()
	case v.Kind() == reflect.Slice:
		all := make([]any, v.Len())
		for i := range all {
			all[i] = counters(v.Index(i))
		}
		return all
	case v.Kind() != reflect.Struct:
		return v.Interface()
	}
	f := fields{}
	for i := range v.NumField() {
		one, value := v.Type().Field(i), counters(v.Field(i))
		if inner, ok := value.(fields); ok && one.Anonymous {
			f = append(f, inner...)
			continue
		}
		f = append(f, field{spelled(one.Name), value})
	}
	return f
}

// spelled is a Go name as JSON has it: buffers_free.
func spelled(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		starts := unicode.IsUpper(r) && i > 0 && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if starts && !unicode.IsDigit(letters[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
