package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// output prints what happens: with --json as one object a line on standard output; else values on standard
// output and the rest as lines for people on standard error.
type output struct {
	mu     sync.Mutex
	stdout io.Writer
	stderr io.Writer
	json   bool
}

func newOutput(stdout, stderr io.Writer, json bool) *output {
	return &output{stdout: stdout, stderr: stderr, json: json}
}

// fields are what a JSON object holds beside time, event and address, in order.
type fields []field

type field struct {
	name  string
	value any
}

// event prints one event; text is the line for people, "" for none.
func (o *output) event(at time.Time, event, address string, f fields, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.object(append(fields{{"time", at.UTC().Format(time.RFC3339Nano)}, {"event", event}, {"address", address}}, f...))
		return
	}
	if text != "" {
		fmt.Fprintf(o.stderr, "%s  %s  %s\n", at.Format("15:04:05.000"), address, text)
	}
}

// data prints one piece of data: text goes to standard output.
func (o *output) data(at time.Time, event, address string, f fields, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.object(append(fields{{"time", at.UTC().Format(time.RFC3339Nano)}, {"event", event}, {"address", address}}, f...))
		return
	}
	fmt.Fprintln(o.stdout, text)
}

// object prints fields on a line.
func (o *output) object(f fields) {
	_, _ = o.stdout.Write(append(f.appendTo(nil), '\n')) // nobody is left to tell
}

// appendTo appends fields as an object in their order, which encoding/json would not keep.
func (f fields) appendTo(b []byte) []byte {
	b = append(b, '{')
	for i, one := range f {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(append(appendJSON(b, one.name), ':'), one.value)
	}
	return append(b, '}')
}

// MarshalJSON implements json.Marshaler.
func (f fields) MarshalJSON() ([]byte, error) { return f.appendTo(nil), nil }

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("null")
	}
	return append(b, text...)
}
