//go:build lab

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// captured reads a capture with our own reader. A last record that is not whole ends it, as btmon leaves one that is stopped.
func captured(t *testing.T, path string) (all []transport.Record) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := transport.NewCaptureReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for {
		record, err := r.Next()
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		record.Data = bytes.Clone(record.Data)
		all = append(all, record)
	}
}

// packets are the packets of one direction, as text.
func packets(all []transport.Record, index int, received bool) (list []string) {
	for _, r := range all {
		if r.Index == index && r.Opcode.PacketType() != 0 && r.Opcode.Received() == received {
			list = append(list, fmt.Sprintf("%v %x", r.Opcode, r.Data))
		}
	}
	return list
}

// within reports whether a list has another in it, without gaps.
func within(list, part []string) bool {
	for i := 0; i+len(part) <= len(list); i++ {
		if slices.Equal(list[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// packetLine matches the first line that btmon prints of a packet.
var packetLine = regexp.MustCompile(`(?m)^([<>]) (HCI Command|HCI Event|ACL Data TX|ACL Data RX): .*?(?: \[hci(\d+)\])? [\d.]+$`)

// told is what btmon reads of a capture, as Opcodes and controllers' numbers.
func told(t *testing.T, path string) (list []string) {
	t.Helper()
	opcodes := map[string]transport.Opcode{"HCI Command": transport.OpCommand, "HCI Event": transport.OpEvent, "ACL Data TX": transport.OpACLOut, "ACL Data RX": transport.OpACLIn}
	for _, m := range packetLine.FindAllStringSubmatch(run(t, "btmon", "-r", path), -1) {
		if m[3] == "" {
			m[3] = "0" // in a file that does not tell controllers apart
		}
		list = append(list, m[3]+" "+opcodes[m[2]].String())
	}
	return list
}

// kinds is the same of our own reading.
func kinds(all []transport.Record) (list []string) {
	for _, r := range all {
		if r.Opcode.PacketType() != 0 {
			list = append(list, fmt.Sprintf("%d %v", r.Index, r.Opcode))
		}
	}
	return list
}

// same wants btmon to have read what we have read.
func same(t *testing.T, what string, btmon, we []string) {
	t.Helper()
	for i := range max(len(btmon), len(we)) {
		if i >= len(btmon) || i >= len(we) || btmon[i] != we[i] {
			t.Errorf("%s: btmon reads %d packets and we %d, different from packet %d on:\n%q\n%q", what, len(btmon), len(we), i+1,
				btmon[min(i, len(btmon)):min(i+3, len(btmon))], we[min(i, len(we)):min(i+3, len(we))])
			return
		}
	}
}

// TestCaptures has btmon and Jelling capture the same session. Each reads what the other wrote, record for record.
func TestCaptures(t *testing.T) {
	for _, format := range []string{"monitor", "h4"} {
		t.Run(format, func(t *testing.T) {
			b := plugged(t)
			s := newSession(t, b.address)
			capture := output(t, "jelling.btsnoop")
			cmd := s.command("subscribe", b.address, readings, "--json", "--count", "20", "--capture", capture, "--capture-format", format)
			h := &host{process: start(t, "jelling", cmd), peer: b.address}
			h.hears("connected", "paired", "encrypted", "disconnected")
			h.ends(0)
			b.gone()
			run(t, "hciconfig", "hci0", "up")

			ours, theirs := captured(t, capture), captured(t, output(t, "monitor.btsnoop"))
			for _, received := range []bool{false, true} {
				have := packets(ours, 0, received)
				if len(have) < 30 || !within(packets(theirs, 0, received), have) {
					t.Errorf("received %v: our %d packets are not among btmon's %d", received, len(have), len(packets(theirs, 0, received)))
				}
			}
			same(t, "our capture", told(t, capture), kinds(ours))
			text := run(t, "btmon", "-r", capture)
			if strings.Contains(text, "encrypted with the new key") != (format == "monitor") {
				t.Error("the events are not where they belong")
			}
			for line := range strings.Lines(text) {
				if complaint.MatchString(line) {
					t.Errorf("btmon says: %s", line)
				}
			}
			run(t, "btmgmt", "--index", "1", "power", "on")
			all := told(t, output(t, "monitor.btsnoop")) // which grows
			same(t, "btmon's capture", all[:min(len(all), len(kinds(theirs)))], kinds(theirs))
		})
	}
}

// TestCaptureSeries has a long scan captured in a series, of which btmon reads every file by itself.
func TestCaptureSeries(t *testing.T) {
	air := newAir(t)
	c := air.NewController(virtual.ControllerConfig{})
	p := plugIn(t, c)
	capture := output(t, "series.btsnoop")
	scan := start(t, "jelling", exec.Command(os.Getenv("JELLING"), "scan", "--timeout", "5s", "--transport", "hci0", "--state-dir", filepath.Join(t.TempDir(), "state"),
		"--capture", capture, "--capture-size", "64K", "--capture-count", "3"))
	until(t, "start of the scan", func() bool {
		_, err := os.Stat(capture) // the kernel's own commands come before it
		return err == nil && c.Counters().Commands > 20 && slices.Contains(kinds(captured(t, capture)), "0 event")
	})
	vendor := append([]byte{0x04, 0xFF, 200}, make([]byte, 200)...)
	for range 1500 {
		c.Inject(vendor)
	}
	if got := scan.status(); got != 0 {
		t.Errorf("exit status %d\n%s", got, scan.stderr())
	}
	p.pull()
	files, err := filepath.Glob(capture + "*")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		all := captured(t, file)
		if len(all) < 10 || all[0].Opcode != transport.OpNewIndex {
			t.Fatalf("%s: %d records, the first %v", file, len(all), all[0].Opcode)
		}
		same(t, file, told(t, file), kinds(all))
		if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 || st.Size() > 64<<10 {
			t.Errorf("%s: %v, %v", file, st, err)
		}
	}
}
