package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/hci"
)

// scripts are those of gatt/profile, beside the profiles.
const scripts = "../../gatt/profile/testdata"

// untold is the script of a client that subscribes when a value has been told to nobody: by standard input that is told in
// the command's own time, which may be after the subscription.
const untold = "GAN/BV-01-C not subscribed"

// TestAdvertiseByScript plays the scripts of gatt/profile that need no key, but untold, against the command: by raw PDUs over a controller on a Unix socket, with
// lines on standard input for the values.
func TestAdvertiseByScript(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(scripts, "server.scripts"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := atttest.ParseScenarios(string(text), "profile", "security", "key")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, s := range all {
		_, key := s.Settings["key"]
		if _, secured := s.Settings["security"]; secured || key || s.Name == untold {
			continue
		}
		played++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			profile, err := os.ReadFile(filepath.Join(scripts, s.Settings["profile"]+".json"))
			if err != nil {
				t.Fatal(err)
			}
			d, air, typing := advertiser(t, string(profile))
			d.want("advertising")
			c := connectRaw(t, air, hci.Address{Octets: bench})
			d.want("connected")
			moment := 20 * time.Millisecond
			for _, step := range s.Steps {
				if step.Verb == "notify" { // of which nobody can tell when it has been seen to
					moment = 100 * time.Millisecond
				}
				c.play(step, typing, moment)
			}
			c.silence(moment)
			c.disconnect()
			d.want("disconnected")
			if status := d.stop(); status != exitInterrupted {
				t.Errorf("status %d: %s", status, d.stderr)
			}
		})
	}
	if played < 180 {
		t.Errorf("%d scripts", played)
	}
}

// play plays one step. Silence is nothing heard for a moment.
func (c *rawCentral) play(step atttest.Step, typing io.Writer, moment time.Duration) {
	c.t.Helper()
	switch octets := fmt.Sprintf("%x", step.Octets); step.Verb {
	case atttest.Says:
		c.send(octets)
	case atttest.Hears:
		c.want(octets)
	case atttest.Silence:
		c.silence(moment)
	case "mtu":
		c.ask("02 1700", "03 0002")
	case "notify":
		fmt.Fprintf(typing, "0x%s hex %s\n", step.Words, octets)
		fmt.Fprintln(typing) // which is read when the line before has been seen to
	default:
		c.t.Fatalf("%s: no such step", step.Verb)
	}
}

// silence fails if a PDU comes in a moment. One that comes later is the answer to something else, which is a failure too.
func (c *rawCentral) silence(moment time.Duration) {
	c.t.Helper()
	select {
	case pdu := <-c.pdus:
		c.t.Fatalf("got %x, want nothing", pdu)
	case <-time.After(moment):
	}
}

// TestAdvertiseSignalling asks the peripheral for what it has not, on the signalling channel: each has its defined answer, and ATT goes on.
func TestAdvertiseSignalling(t *testing.T) {
	t.Parallel()
	d, air, _ := advertiser(t, heartFile)
	d.want("advertising")
	c := connectRaw(t, air, hci.Address{Octets: bench})
	d.want("connected")
	for _, s := range []struct{ name, ask, want string }{
		{"LE/REJ/BI-01-C", "ff01 0000", "0101 0200 0000"},
		{"LE/REJ/BI-02-C", "1401 0400 8000 4000", "0101 0200 0000"},
		{"LE/REJ/BI-02-C longer than MTUsig", "ff09 1400 0000000000000000000000000000000000000000", "0109 0400 0100 1700"},
		{"LE/CPU/BI-02-C", "1201 0800 1800 2800 0000 a401", "0101 0200 0000"},
		{"LE/CFC/BV-05-C", "1402 0a00 8000 4000 4000 4000 0100", "1502 0a00 0000 0000 0000 0000 0200"},
		{"ECFC/BV-21-C", "1703 0c00 8000 4000 4000 0100 4000 4100", "1803 0c00 0000 0000 0000 0200 0000 0000"},
		{"a channel that there is not", "0604 0400 4000 4100", "0104 0600 0200 4000 4100"},
	} {
		c.sendOn(signalChannel, s.ask)
		select {
		case got := <-c.signal:
			if want := strings.ReplaceAll(s.want, " ", ""); got != want {
				t.Errorf("%s: %s, want %s", s.name, got, want)
			}
		case <-time.After(rawPatience):
			t.Fatalf("%s: no answer", s.name)
		}
	}
	for _, channel := range []uint16{0x3F, 0x40, 0x7F, 0x80} {
		c.sendOn(channel, "0100 07")
	}
	c.ask("0a 2300", "0b 0048")
	if n := len(c.signal); n != 0 {
		t.Errorf("%d frames that nobody asked for", n)
	}
	if status := d.stop(); status != exitInterrupted {
		t.Errorf("status %d: %s", status, d.stderr)
	}
}
