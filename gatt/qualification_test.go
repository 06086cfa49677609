package gatt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// A clientScript is what our client has to say to a server, octet by octet, and what it makes of the answers. The server is in package
// profile, where the scripts of GATT/SR are.
type clientScript struct {
	name string // of the case in the qualification suite, without GATT/CL/, and what is special
	do   func(*gatt.Client) (any, error)
	// steps are pairs: what the client says, and the server's answer, empty for none. Where the client has to say nothing, the server speaks
	// by itself.
	steps []string
	want  string // the outcome as text, octets in hexadecimal
	err   error
}

func (s clientScript) run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		var got any
		done := background(func() (err error) { got, err = s.do(conn.Client()); return err })
		for i := 0; i < len(s.steps); i += 2 {
			if s.steps[i] != "" {
				peer.Want(s.steps[i])
			}
			if s.steps[i+1] != "" {
				peer.Send(s.steps[i+1])
			}
			synctest.Wait()
		}
		peer.WantNothing()
		err := <-done
		if (s.err == nil) != (err == nil) || !errors.Is(err, s.err) {
			t.Fatalf("error %v, want %v", err, s.err)
		}
		if octets, ok := got.([]byte); ok {
			got = fmt.Sprintf("%x", octets)
		}
		if s.err == nil && fmt.Sprint(got) != s.want {
			t.Errorf("outcome %v, want %s", got, s.want)
		}
	})
}

// What the client is made to do.
func readValue(handle uint16) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) { return c.Read(bg, handle) }
}

func readByUUID(uuid att.UUID) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) { return c.ReadByUUID(bg, 1, 0xFFFF, uuid) }
}

func readMultiple(handles ...uint16) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) { return c.ReadMultiple(bg, handles...) }
}

func readVariable(handles ...uint16) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) { return c.ReadMultipleVariable(bg, handles...) }
}

func writeValue(handle uint16, value ...byte) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) { return "", c.Write(bg, handle, value) }
}

func reliably(values ...att.HandleValue) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) { return "", c.ReliableWrite(bg, values...) }
}

// refused are the scripts of requests that the server refuses: pairs of a case and a code. With undo, the client empties the
// queue of prepared writes afterwards.
func refused(group, ask, handle string, undo bool, do func(*gatt.Client) (any, error), cases ...string) (all []clientScript) {
	op := strings.TrimSpace(ask)[:2]
	for i := 0; i < len(cases); i += 2 {
		name, code := cases[i], cases[i+1]
		var number byte
		if _, err := fmt.Sscanf(code, "%02x", &number); err != nil {
			panic(err)
		}
		s := clientScript{name: group + name, do: do, steps: []string{ask, "01" + op + handle + code}, err: att.ErrorCode(number)}
		if undo {
			s.steps = append(s.steps, "18 00", "19")
		}
		all = append(all, s)
	}
	return all
}

const (
	parts18 = "ffffffffffffffffffffffffffffffffffff" // as much as a prepared write holds
	parts22 = parts18 + "ffffffff"                   // as much as a read holds
)

var longWritten = []byte(strings.Repeat("\xff", 20) + "\x00") // one octet more than a write holds

// GAR: reading.
func clientReads() (all []clientScript) {
	all = []clientScript{
		{name: "GAR/BV-01-C", do: readValue(3), steps: []string{"0a 0300", "0b 010203"}, want: "010203"},
		{name: "GAR/BV-01-C no octets", do: readValue(0xFFFF), steps: []string{"0a ffff", "0b"}, want: ""},
		{name: "GAR/BV-03-C", do: readByUUID(gatt.BatteryLevel), steps: []string{"08 0100 ffff 192a", "09 05 0a00 010203", "08 0b00 ffff 192a", "01 08 0b00 0a"}, want: "[{10 [1 2 3]}]"},
		{name: "GAR/BV-03-C several", do: readByUUID(gatt.BatteryLevel), steps: []string{"08 0100 ffff 192a", "09 03 0a00 01 0c00 02", "08 0d00 ffff 192a", "09 03 ffff 03"}, want: "[{10 [1]} {12 [2]} {65535 [3]}]"},
		{name: "GAR/BV-03-C 128 bits", do: readByUUID(customService), steps: []string{
			"08 0100 ffff 0f1e2d3c4b5a69788796a5b4c3d2e1f0", "09 03 0a00 01", "08 0b00 ffff 0f1e2d3c4b5a69788796a5b4c3d2e1f0", "01 08 0b00 0a"}, want: "[{10 [1]}]"},
		{name: "GAR/BI-07-C nothing there", do: readByUUID(gatt.BatteryLevel), steps: []string{"08 0100 ffff 192a", "01 08 0100 0a"}, want: "[]"},
		{name: "GAR/BI handles that go back", do: readByUUID(gatt.BatteryLevel), steps: []string{"08 0100 ffff 192a", "09 03 0a00 01 0a00 02"}, err: gatt.ErrDiscovery},
		{name: "GAR/BV-04-C", do: readValue(3), steps: []string{"0a 0300", "0b" + parts22, "0c 0300 1600", "0d 01"}, want: parts22 + "01"},
		{name: "GAR/BV-04-C two PDUs and no more", do: readValue(3), steps: []string{"0a 0300", "0b" + parts22, "0c 0300 1600", "0d" + parts22, "0c 0300 2c00", "0d"}, want: parts22 + parts22},
		{name: "GAR/BV-04-C not long", do: readValue(3), steps: []string{"0a 0300", "0b" + parts22, "0c 0300 1600", "01 0c 0300 0b"}, want: parts22},
		{name: "GAR/BV-05-C", do: readMultiple(3, 7), steps: []string{"0e 0300 0700", "0f 010203"}, want: "010203"},
		{name: "GAR/BV-06-C", do: readValue(4), steps: []string{"0a 0400", "0b 0100"}, want: "0100"},
		{name: "GAR/BV-07-C", do: readValue(4), steps: []string{"0a 0400", "0b" + parts22, "0c 0400 1600", "0d 0102"}, want: parts22 + "0102"},
		{name: "GAR/BV-09-C", do: readVariable(3, 7), steps: []string{"20 0300 0700", "21 0100 01 0200 0203"}, want: "[{1 [1]} {2 [2 3]}]"},
		{name: "GAR/BV-09-C the last is cut", do: readVariable(3, 7), steps: []string{"20 0300 0700", "21 0100 01 2000 0203"}, want: "[{1 [1]} {32 [2 3]}]"},
		{name: "GAR/BI an answer to another request", do: readValue(3), steps: []string{"0a 0300", "0d 01"}, err: att.ErrUnexpected},
		{name: "GAR/BI an answer that is cut", do: readByUUID(gatt.BatteryLevel), steps: []string{"08 0100 ffff 192a", "09 05 0a00 01"}, err: att.ErrMalformed},
	}
	all = append(all, refused("GAR/", "0a 0300", "0300", false, readValue(3),
		"BI-01-C", "01", "BI-02-C", "02", "BI-03-C", "08", "BI-04-C", "05", "BI-05-C", "0c", "BI-34-C", "80", "BI-34-C the last", "9f")...)
	all = append(all, refused("GAR/", "08 0100 ffff 192a", "0b00", false, readByUUID(gatt.BatteryLevel),
		"BI-06-C", "02", "BI-09-C", "08", "BI-10-C", "05", "BI-11-C", "0c")...)
	for _, s := range refused("GAR/", "0c 0300 1600", "0300", false, readValue(3),
		"BI-12-C", "02", "BI-13-C", "07", "BI-14-C", "01", "BI-15-C", "08", "BI-16-C", "05", "BI-17-C", "0c", "BI-35-C", "80") {
		s.steps = append([]string{"0a 0300", "0b" + parts22}, s.steps...) // the value needs something that its beginning did not
		all = append(all, s)
	}
	all = append(all, refused("GAR/", "0e 0300 0700", "0700", false, readMultiple(3, 7),
		"BI-18-C", "02", "BI-19-C", "01", "BI-20-C", "08", "BI-21-C", "05", "BI-22-C", "0c")...)
	all = append(all, refused("GAR/", "0a 0400", "0400", false, readValue(4),
		"BI-23-C", "02", "BI-24-C", "01", "BI-25-C", "08", "BI-26-C", "05", "BI-27-C", "0c")...)
	for _, s := range refused("GAR/", "0c 0400 1600", "0400", false, readValue(4),
		"BI-28-C", "02", "BI-29-C", "07", "BI-30-C", "01", "BI-31-C", "08", "BI-32-C", "05", "BI-33-C", "0c") {
		s.steps = append([]string{"0a 0400", "0b" + parts22}, s.steps...)
		all = append(all, s)
	}
	return append(all, refused("GAR/", "20 0300 0700", "0700", false, readVariable(3, 7),
		"BI-36-C", "02", "BI-38-C", "01", "BI-40-C", "08", "BI-42-C", "05", "BI-44-C", "0c")...)
}

// GAW: writing.
func clientWrites() (all []clientScript) {
	all = []clientScript{
		{name: "GAW/BV-01-C", do: func(c *gatt.Client) (any, error) { return "", c.WriteCommand(bg, 7, []byte{1, 2, 3}) },
			steps: []string{"52 0700 010203", ""}},
		{name: "GAW/BV-01-C too long", do: func(c *gatt.Client) (any, error) { return "", c.WriteCommand(bg, 7, longWritten) }, err: att.ErrTooLong},
		{name: "GAW/BV-02-C no key", do: func(c *gatt.Client) (any, error) { return "", c.SignedWrite(bg, 7, []byte{1}) }, err: gatt.ErrNoSignature},
		{name: "GAW/BV-03-C", do: writeValue(7, 1, 2, 3), steps: []string{"12 0700 010203", "13"}},
		{name: "GAW/BV-03-C no octets", do: writeValue(7), steps: []string{"12 0700", "13"}},
		{name: "GAW/BV-05-C", do: writeValue(7, longWritten...), steps: []string{
			"16 0700 0000" + parts18, "17 0700 0000" + parts18, "16 0700 1200 ffff00", "17 0700 1200 ffff00", "18 01", "19"}},
		{name: "GAW/BI-32-C the echo is of another value", do: writeValue(7, longWritten...), steps: []string{
			"16 0700 0000" + parts18, "17 0700 0000", "18 00", "19"}, err: gatt.ErrEcho},
		{name: "GAW/BI-32-C the echo of the last part is of another value", do: writeValue(7, longWritten...), steps: []string{
			"16 0700 0000" + parts18, "17 0700 0000" + parts18, "16 0700 1200 ffff00", "17 0700 1200 ffff01", "18 00", "19"}, err: gatt.ErrEcho},
		{name: "GAW/BI-37-C the echo is of another offset", do: writeValue(8, longWritten...), steps: []string{
			"16 0800 0000" + parts18, "17 0800 0100" + parts18, "18 00", "19"}, err: gatt.ErrEcho},
		{name: "GAW/BV-06-C two values", do: reliably(att.HandleValue{Handle: 7, Value: []byte{1, 2}}, att.HandleValue{Handle: 9, Value: []byte{3}}),
			steps: []string{"16 0700 0000 0102", "17 0700 0000 0102", "16 0900 0000 03", "17 0900 0000 03", "18 01", "19"}},
		{name: "GAW/BV-06-C the echo is of another value", do: reliably(att.HandleValue{Handle: 7, Value: []byte{1, 2}}),
			steps: []string{"16 0700 0000 0102", "17 0700 0000 0103", "18 00", "19"}, err: gatt.ErrEcho},
		{name: "GAW/BV-06-C the echo is of another handle", do: reliably(att.HandleValue{Handle: 7, Value: []byte{1, 2}}),
			steps: []string{"16 0700 0000 0102", "17 0800 0000 0102", "18 00", "19"}, err: gatt.ErrEcho},
		{name: "GAW/BV-06-C the echo is of another offset", do: reliably(att.HandleValue{Handle: 7, Value: []byte{1, 2}}),
			steps: []string{"16 0700 0000 0102", "17 0700 0100 0102", "18 00", "19"}, err: gatt.ErrEcho},
		{name: "GAW/BV-08-C", do: writeValue(8, 1, 0), steps: []string{"12 0800 0100", "13"}},
		{name: "GAW/BV-09-C", do: writeValue(8, longWritten...), steps: []string{
			"16 0800 0000" + parts18, "17 0800 0000" + parts18, "16 0800 1200 ffff00", "17 0800 1200 ffff00", "18 01", "19"}},
	}
	all = append(all, refused("GAW/", "12 0700 010203", "0700", false, writeValue(7, 1, 2, 3),
		"BI-02-C", "01", "BI-03-C", "03", "BI-04-C", "08", "BI-05-C", "05", "BI-06-C", "0c", "BI-03-C a length", "0d", "BI-34-C", "80", "BI-36-C", "fd", "BI-36-C rejected", "fc")...)
	all = append(all, refused("GAW/", "16 0700 0000"+parts18, "0700", true, writeValue(7, longWritten...),
		"BI-07-C", "01", "BI-08-C", "03", "BI-10-C", "09", "BI-11-C", "08", "BI-12-C", "05", "BI-13-C", "0c", "BI-35-C", "80")...)
	for _, s := range refused("GAW/", "18 01", "0700", false, writeValue(7, longWritten...), "BI-09-C", "07", "BI-33-C", "0d") {
		s.steps = append([]string{"16 0700 0000" + parts18, "17 0700 0000" + parts18, "16 0700 1200 ffff00", "17 0700 1200 ffff00"}, s.steps...)
		all = append(all, s)
	}
	all = append(all, refused("GAW/", "16 0700 0000 010203", "0700", true, reliably(att.HandleValue{Handle: 7, Value: []byte{1, 2, 3}}),
		"BI-14-C", "01", "BI-15-C", "03", "BI-17-C", "08", "BI-18-C", "05", "BI-19-C", "0c")...)
	all = append(all, refused("GAW/", "12 0800 0100", "0800", false, writeValue(8, 1, 0),
		"BI-20-C", "01", "BI-21-C", "03", "BI-22-C", "08", "BI-23-C", "05", "BI-24-C", "0c")...)
	return append(all, refused("GAW/", "16 0800 0000"+parts18, "0800", true, writeValue(8, longWritten...),
		"BI-25-C", "01", "BI-26-C", "03", "BI-29-C", "08", "BI-30-C", "05", "BI-31-C", "0c")...)
}

// subscribe has one value come, and then unsubscribes.
func subscribeOnce(properties gatt.Properties) func(*gatt.Client) (any, error) {
	return func(c *gatt.Client) (any, error) {
		values := make(chan string, 4)
		ch := gatt.RemoteCharacteristic{Properties: properties, Handle: 2, ValueHandle: 3, End: 4,
			Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: 4}}}
		s, err := c.Subscribe(bg, ch, func(v []byte) { values <- fmt.Sprintf("%x", v) })
		if err != nil {
			return nil, err
		}
		got := <-values
		return got, s.Close(bg)
	}
}

// GAC, GAD, GAN, GAI, UNS: the rest.
func clientScripts() []clientScript {
	mtu := func(c *gatt.Client) (any, error) { return c.ExchangeMTU(bg) }
	notify, indicate := subscribeOnce(gatt.Notify), subscribeOnce(gatt.Indicate)
	services := func(c *gatt.Client) (any, error) {
		list, err := c.DiscoverServices(bg)
		var text strings.Builder
		for _, s := range list {
			text.WriteString(fmt.Sprintf("%04x-%04x %v;", s.Handle, s.End, s.UUID))
		}
		return text.String(), err
	}
	includes := func(c *gatt.Client) (any, error) {
		return c.DiscoverIncludes(bg, gatt.RemoteService{Handle: 1, End: 0xFFFF})
	}
	descriptors := func(c *gatt.Client) (any, error) {
		return c.DiscoverDescriptors(bg, gatt.RemoteCharacteristic{Handle: 0x11, ValueHandle: 0x12, End: 0x16})
	}
	return []clientScript{
		{name: "GAC/BV-01-C", do: mtu, steps: []string{"02 0502", "03 0002"}, want: "512"},
		{name: "GAC/BV-01-C the default", do: mtu, steps: []string{"02 0502", "03 1700"}, want: "23"},
		{name: "GAC/BV-01-C not supported", do: mtu, steps: []string{"02 0502", "01 02 0000 06"}, want: "23"},
		{name: "GAD/BV-01-C", do: services, steps: []string{
			"10 0100 ffff 0028", "11 06 1000 1300 0018 2000 2900 b068 3000 3200 1918",
			"10 3300 ffff 0028", "11 14 9000 9600 0f1e2d3c4b5a69788796a5b4c3d2e1f0", "10 9700 ffff 0028", "01 10 9700 0a"},
			want: "0010-0013 1800;0020-0029 68b0;0030-0032 1819;0090-0096 f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f;"},
		{name: "GAD/BV-01-C to the last handle", do: services, steps: []string{"10 0100 ffff 0028", "11 06 10f0 18f0 0018 ffff ffff 0a18"},
			want: "f010-f018 1800;ffff-ffff 180a;"},
		{name: "GAD/BV-01-C handles that go back", do: services, steps: []string{"10 0100 ffff 0028", "11 06 2000 2900 0018 1000 1300 0a18"}, err: gatt.ErrDiscovery},
		{name: "GAD/BV-03-C", do: includes, steps: []string{
			"08 0100 ffff 0228", "09 08 0200 1000 1f00 0f18", "08 0300 ffff 0228", "09 06 0300 2000 2f00 0400 3000 3f00",
			"08 0500 ffff 0228", "01 08 0500 0a",
			"0a 2000", "0b 0f1e2d3c4b5a69788796a5b4c3d2e1f0", "0a 3000", "0b 0f1e2d3c4b5a69788796a5b4c3d2e1f0"},
			want: "[{180f 2 16 31} {f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f 3 32 47} {f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f 4 48 63}]"},
		{name: "GAD/BV-06-C", do: descriptors, steps: []string{
			"04 1300 1600", "05 01 1300 0229 1400 0329", "04 1500 1600", "05 01 1500 0429 1600 0529"},
			want: "[{2902 19} {2903 20} {2904 21} {2905 22}]"},
		{name: "GAN/BV-01-C", do: notify, steps: []string{"12 0400 0100", "13", "", "1b 0300 010203", "12 0400 0000", "13"}, want: "010203"},
		{name: "GAN/BV-01-C a handle nobody asked about", do: notify, steps: []string{
			"12 0400 0100", "13", "", "1b 0900 04", "", "1b 0300 05", "12 0400 0000", "13"}, want: "05"},
		{name: "GAN/BV-01-C refused", do: notify, steps: []string{"12 0400 0100", "01 12 0400 fd"}, err: att.ErrCCCDImproperlyConfigured},
		{name: "GAN/BV-02-C several values in one PDU", do: notify, steps: []string{
			"12 0400 0100", "13", "", "23 0900 0100 04 0300 0200 0506", "12 0400 0000", "13"}, want: "0506"},
		{name: "GAI/BV-01-C", do: indicate, steps: []string{"12 0400 0200", "13", "", "1d 0300 010203", "1e", "", "12 0400 0000", "13"}, want: "010203"},
		{name: "GAI/BV-01-C a handle nobody asked about", do: indicate, steps: []string{
			"12 0400 0200", "13", "", "1d 0900 04", "1e", "", "", "1d 0300 05", "1e", "", "12 0400 0000", "13"}, want: "05"},
		{name: "UNS/BI-01-C a request that there is not", do: readValue(3), steps: []string{"0a 0300", "3f 0100", "01 3f 0000 06", "", "", "0b 01"}, want: "01"},
		{name: "UNS/BI-02-C a command that there is not", do: readValue(3), steps: []string{"0a 0300", "7f 0100", "", "0b 01"}, want: "01"},
	}
}

func TestQualificationOfTheClient(t *testing.T) {
	names := map[string]bool{}
	for _, group := range [][]clientScript{clientScripts(), clientReads(), clientWrites()} {
		for _, s := range group {
			if names[s.name] {
				t.Errorf("%s is there twice", s.name)
			}
			names[s.name] = true
			t.Run(s.name, s.run)
		}
	}
	if len(names) < 100 {
		t.Errorf("%d scripts", len(names))
	}
}
