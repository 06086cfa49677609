package l2cap

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// A qualification is what a lower tester says to our L2CAP and has to hear, frame by frame.
type qualification struct {
	name     string // of the case in the qualification suite, without L2CAP/, and what is special
	role     hci.Role
	listen   ListenConfig // of testSPSM
	security Security     // of the link
	// script has a line for each step:
	//
	//	> 5 0601…       the tester sends a frame on channel 0x0005
	//	< 5 0701…       and has to hear this one
	//	silence         it hears nothing
	//	wait 30s        so much time goes by
	//	dial 1, dial e2 we ask for a channel, or for two enhanced ones; "dialed" waits for the outcome, "dialed refused" for a Result or so
	//	update          we ask for connection parameters; "updated" waits for the outcome
	//	accept          we take the channel that the tester has opened
	//	write 0102      we write an SDU, in the background
	//	read 0102       we have to read this SDU; "read end" the end of the channel
	//	close           we close the channel
	script string
	result error // of dial or update
}

// stage is a qualification while it runs.
type stage struct {
	*rig
	t        *testing.T
	q        qualification
	listener *Listener
	channels []*CreditChannel
	outcome  chan error
	opened   []*CreditChannel
}

func (q qualification) run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, q: q}
		var err error
		if s.listener, err = NewListener(testSPSM, q.listen); err != nil {
			t.Fatal(err)
		}
		s.rig = newRig(t, q.role, Config{Listener: func(uint16) *Listener { return s.listener }, Security: func() Security { return q.security }})
		for line := range strings.Lines(q.script) {
			if words := strings.Fields(line); len(words) > 0 {
				s.step(strings.TrimSpace(line), words[0], words[1:])
				synctest.Wait()
			}
		}
		s.step("the end", "silence", nil)
		_ = s.listener.Close()
		s.Close(errors.New("the end of the script"))
	})
}

func (s *stage) step(line, verb string, words []string) {
	s.t.Helper()
	last := func() *CreditChannel { return s.channels[len(s.channels)-1] }
	switch verb {
	case ">":
		s.send(words)
	case "<":
		cid, sdu := s.sdu(s.t)
		if got, want := fmt.Sprintf("%x %x", cid, sdu), words[0]+" "+strings.Join(words[1:], ""); sdu == nil || got != want {
			s.t.Fatalf("heard %s, want %s", got, want)
		}
	case "silence":
		if cid, sdu := s.sdu(s.t); sdu != nil {
			s.t.Fatalf("%s: heard %x %x", line, cid, sdu)
		}
	case "wait":
		d, err := time.ParseDuration(words[0])
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "dial":
		s.begin(func() error { return s.dialFor(words[0]) })
	case "update":
		s.begin(func() error { return s.RequestParameters(context.Background(), Parameters{24, 40, 0, 420}) })
	case "dialed", "updated":
		if err := <-s.outcome; (err == nil) != (s.q.result == nil) || !errors.Is(err, s.q.result) {
			s.t.Fatalf("outcome %v, want %v", err, s.q.result)
		}
		s.channels = append(s.channels, s.opened...)
	case "accept":
		c, err := s.listener.AcceptChannel(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		s.channels = append(s.channels, c)
	case "write":
		c, sdu := last(), octets(s.t, strings.Join(words, ""))
		go func() { _ = c.WriteSDU(sdu) }() // what comes of it is heard
	case "read":
		s.read(last(), strings.Join(words, ""))
	case "close":
		_ = last().Close()
	default:
		s.t.Fatalf("%s: no such step", line)
	}
}

// send gives us a frame of the tester's, in fragments.
func (s *stage) send(words []string) {
	s.t.Helper()
	var cid uint16
	if _, err := fmt.Sscanf(words[0], "%x", &cid); err != nil {
		s.t.Fatal(err)
	}
	frame := pdu(cid, octets(s.t, strings.Join(words[1:], ""))...)
	for start := true; len(frame) > 0; start = false {
		n := min(27, len(frame))
		s.HandleFragment(start, frame[:n])
		frame = frame[n:]
	}
}

// begin does something that waits for the tester.
func (s *stage) begin(f func() error) {
	s.outcome = make(chan error, 1)
	go func() { s.outcome <- f() }()
}

func (s *stage) dialFor(how string) error {
	cfg := ChannelConfig{MTU: 64, MPS: 64, Credits: 2}
	if number, enhanced := strings.CutPrefix(how, "e"); enhanced {
		all, err := s.DialEnhanced(context.Background(), testSPSM, int(number[0]-'0'), cfg)
		s.opened = all
		return err
	}
	c, err := s.Dial(context.Background(), testSPSM, cfg)
	if err == nil {
		s.opened = []*CreditChannel{c}
	}
	return err
}

func (s *stage) read(c *CreditChannel, want string) {
	s.t.Helper()
	b := make([]byte, 100)
	n, err := c.ReadSDU(b)
	switch {
	case want == "end" && err == nil:
		s.t.Fatalf("read %x, want the end", b[:n])
	case want != "end" && (err != nil || !bytes.Equal(b[:n], octets(s.t, want))):
		s.t.Fatalf("read %x, %v, want %s", b[:n], err, want)
	}
}

const (
	opened  = "> 5 1401 0a00 8000 4000 4000 1700 0100 \n < 5 1501 0a00 4000 4000 4000 0200 0000 \n accept \n" // by the tester: MTU 64, MPS 23, one credit
	dialing = "dial 1 \n < 5 1401 0a00 8000 4000 4000 4000 0200 \n"
)

// mps23 is an SDU and its K-frames for a peer whose MPS is 23.
var mps23 = hex.EncodeToString(counting(44))

func TestQualification(t *testing.T) {
	needs := func(s Security) ListenConfig {
		return ListenConfig{ChannelConfig: small.ChannelConfig, Security: s}
	}
	plain, encrypted := Security{}, Security{Encrypted: true, KeySize: 16}
	const request = "> 5 1401 0a00 8000 4000 4000 1700 0100 \n"
	const enhanced = "> 5 1701 0c00 8000 4000 4000 0100 4000 4100 \n"
	refused := func(result string) string { return "< 5 1501 0a00 0000 0000 0000 0000" + result }
	for _, q := range []qualification{
		{name: "LE/REJ/BI-01-C an unknown code", role: hci.Peripheral, script: "> 5 ff01 0000 \n < 5 0101 0200 0000"},
		{name: "LE/REJ/BI-01-C a request of BR/EDR", role: hci.Central, script: "> 5 0a07 0200 0200 \n < 5 0107 0200 0000"},
		{name: "LE/REJ/BI-02-C the data is too short", role: hci.Central, script: "> 5 1401 0400 8000 4000 \n < 5 0101 0200 0000"},
		{name: "LE/REJ/BI-02-C longer than MTUsig", role: hci.Central, script: "> 5 ff09 1400" + strings.Repeat("00", 20) + "\n < 5 0109 0400 0100 1700"},
		{name: "LE/REJ/BI identifier 0", role: hci.Central, script: "> 5 ff00 0000 \n silence"},
		{name: "LE/REJ/BI a channel that there is not", role: hci.Peripheral, script: "> 5 0601 0400 4000 4100 \n < 5 0101 0600 0200 4000 4100"},
		{name: "LE/REJ/BI a reject is not rejected", role: hci.Central, script: "> 5 0101 0200 0000 \n silence"},
		{name: "LE/REJ/BI a fixed channel that there is not", role: hci.Central, script: "> 3f 0102 \n silence"},

		{name: "LE/CPU/BV-01-C", role: hci.Peripheral, script: "update \n < 5 1201 0800 1800 2800 0000 a401 \n > 5 1301 0200 0000 \n updated"},
		{name: "LE/CPU/BV-02-C", role: hci.Central, script: "> 5 1201 0800 1800 2800 0000 a401 \n < 5 1301 0200 0000"},
		{name: "LE/CPU/BI-01-C parameters that are none", role: hci.Central, script: "> 5 1201 0800 0100 2800 0000 a401 \n < 5 1301 0200 0100"},
		{name: "LE/CPU/BI-01-C the longest below the shortest", role: hci.Central, script: "> 5 1201 0800 2800 1800 0000 a401 \n < 5 1301 0200 0100"},
		{name: "LE/CPU/BI-01-C a time-out too short for the latency", role: hci.Central, script: "> 5 1201 0800 8007 8007 f301 0a00 \n < 5 1301 0200 0100"},
		{name: "LE/CPU/BI-02-C a request to a peripheral", role: hci.Peripheral, script: "> 5 1201 0800 1800 2800 0000 a401 \n < 5 0101 0200 0000"},
		{name: "LE/CPU/BI rejected", role: hci.Peripheral, result: ErrParametersRejected, script: "update \n < 5 1201 0800 1800 2800 0000 a401 \n > 5 1301 0200 0100 \n updated"},
		{name: "LE/CPU/BI not understood", role: hci.Peripheral, result: NotUnderstood, script: "update \n < 5 1201 0800 1800 2800 0000 a401 \n > 5 0101 0200 0000 \n updated"},
		{name: "LE/CPU/BI another identifier", role: hci.Peripheral, result: ErrResponseTimeout,
			script: "update \n < 5 1201 0800 1800 2800 0000 a401 \n > 5 1302 0200 0000 \n silence \n wait 30s \n updated"},

		{name: "LE/CFC/BV-01-C", result: nil, script: dialing + "> 5 1501 0a00 4000 4000 1700 0100 0000 \n dialed"},
		{name: "COS/CFC/BV-01-C segmented", listen: small, script: opened + "> 5 1602 0400 4000 0900 \n write" + " " + mps23 +
			"\n < 40 2c00" + mps23[:42] + "\n < 40" + " " + mps23[42:]},
		{name: "COS/CFC/BV-02-C not segmented", listen: small, script: opened + "write 0102 \n < 40 0200 0102"},
		{name: "COS/CFC/BV-03-C put together", listen: small, script: opened + "> 40 0400 01 \n > 40 020304 \n read 01020304 \n < 5 1601 0400 4000 0200"},
		{name: "LE/CFC/BV-02-C", listen: small, script: request + "< 5 1501 0a00 4000 4000 4000 0200 0000"},
		{name: "COS/CFC/BV-04-C received whole", listen: small, script: opened + "> 40 0200 0102 \n read 0102 \n < 5 1601 0400 4000 0100"},
		{name: "COS/CFC/BV-05-C two channels in turns", listen: small, script: opened + "> 5 1402 0a00 8000 4100 4000 1700 0200 \n < 5 1502 0a00 4100 4000 4000 0200 0000" +
			"\n > 40 0200 01 \n > 41 0200 11 \n > 40 02 \n > 41 12 \n read 0102 \n < 5 1601 0400 4000 0200 \n accept \n read 1112 \n < 5 1602 0400 4100 0200"},
		{name: "LE/CFC/BV-05-C nobody listens", listen: small, script: "> 5 1401 0a00 8100 4000 4000 1700 0100 \n" + refused("0200")},
		{name: "LE/CFC/BV-06-C credits of the tester", listen: small, script: opened + "write" + " " + mps23 + "\n < 40 2c00" + mps23[:42] +
			"\n silence \n > 5 1602 0400 4000 0100 \n < 40" + " " + mps23[42:]},
		{name: "LE/CFC/BV-06-C no credits to begin with", listen: small, script: "> 5 1401 0a00 8000 4000 4000 1700 0000 \n < 5 1501 0a00 4000 4000 4000 0200 0000" +
			"\n accept \n write 01 \n silence \n > 5 1602 0400 4000 0100 \n < 40 0100 01"},
		{name: "LE/CFC/BV-07-C credits of ours", listen: small, script: opened + "> 40 0100 01 \n silence \n read 01 \n < 5 1601 0400 4000 0100 \n > 40 0100 02 \n > 40 0100 03" +
			"\n read 02 \n < 5 1602 0400 4000 0100 \n read 03 \n < 5 1603 0400 4000 0100"},
		{name: "LE/CFC/BV-08-C we disconnect", listen: small, script: opened + "close \n < 5 0601 0400 4000 4000 \n > 5 0701 0400 4000 4000 \n > 5 1402 0a00 8000 4000 4000 1700 0100" +
			"\n < 5 1502 0a00 4000 4000 4000 0200 0000"},
		{name: "LE/CFC/BV-09-C the tester disconnects", listen: small, script: opened + "> 5 0602 0400 4000 4000 \n < 5 0702 0400 4000 4000 \n read end"},
		{name: "LE/CFC/BV-09-C after what it has sent", listen: small, script: opened + "> 40 0100 07 \n > 5 0602 0400 4000 4000 \n < 5 0702 0400 4000 4000 \n read 07 \n read end"},
		{name: "LE/CFC/BV-10-C authentication", listen: needs(Security{Authenticated: true}), security: encrypted, script: request + refused("0500")},
		{name: "LE/CFC/BV-11-C the tester wants it", result: InsufficientAuthentication, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0500 \n dialed"},
		{name: "LE/CFC/BV-12-C authorization", listen: ListenConfig{ChannelConfig: small.ChannelConfig, Authorize: func() bool { return false }}, script: request + refused("0600")},
		{name: "LE/CFC/BV-13-C the tester wants it", result: InsufficientAuthorization, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0600 \n dialed"},
		{name: "LE/CFC/BV-14-C key size", listen: needs(Security{Encrypted: true, KeySize: 16}), security: Security{Encrypted: true, KeySize: 7}, script: request + refused("0700")},
		{name: "LE/CFC/BV-15-C the tester wants it", result: InsufficientKeySize, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0700 \n dialed"},
		{name: "LE/CFC/BV-16-C the tester has no resources", result: NoResources, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0400 \n dialed"},
		{name: "LE/CFC/BV-18-C the tester finds our CID invalid", result: InvalidSourceCID, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0900 \n dialed"},
		{name: "LE/CFC/BV-19-C the tester finds it allocated", result: SourceCIDAllocated, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0a00 \n dialed"},
		{name: "LE/CFC/BV-20-C a CID that there is not", listen: small, script: "> 5 1401 0a00 8000 3f00 4000 1700 0100 \n < 5 1501 0a00 0000 4000 4000 0200 0900"},
		{name: "LE/CFC/BV-21-C its CID once more", listen: small, script: opened + "> 5 1402 0a00 8000 4000 4000 1700 0100 \n < 5 1502 0a00 0000 4000 4000 0200 0a00"},
		{name: "LE/CFC/BV-22-C the tester finds our parameters unacceptable", result: UnacceptableParameters, script: dialing + "> 5 1501 0a00 0000 0000 0000 0000 0b00 \n dialed"},
		{name: "LE/CFC/BV-23-C an MTU of 22", listen: small, script: "> 5 1401 0a00 8000 4000 1600 1700 0100 \n" + refused("0b00")},
		{name: "LE/CFC/BV-23-C an MPS of 22", listen: small, script: "> 5 1401 0a00 8000 4000 1700 1600 0100 \n" + refused("0b00")},
		{name: "LE/CFC/BV-23-C an MPS of 65534", listen: small, script: "> 5 1401 0a00 8000 4000 1700 feff 0100 \n" + refused("0b00")},
		{name: "LE/CFC/BV-24-C encryption", listen: needs(Security{Encrypted: true}), security: plain, script: request + refused("0800")},
		{name: "LE/CFC/BV-25-C encryption, encrypted", listen: needs(Security{Encrypted: true}), security: encrypted, script: request + "< 5 1501 0a00 4000 4000 4000 0200 0000"},
		{name: "LE/CFC/BI-01-C more credits than there can be", listen: small, script: opened + "> 5 1602 0400 4000 ffff \n < 5 0601 0400 4000 4000 \n > 5 0701 0400 4000 4000 \n read end"},
		{name: "LE/CFC/BI-01-C no credits in an indication", listen: small, script: opened + "> 5 1602 0400 4000 0000 \n < 5 0601 0400 4000 4000 \n read end"},
		{name: "LE/CFC/BV-26-C more than the MTU", listen: small, script: opened + "> 40 4100 01 \n < 5 0601 0400 4000 4000 \n read end"},
		{name: "LE/CFC/BV-27-C more than the SDU's length", listen: small, script: opened + "> 40 0100 0102 \n < 5 0601 0400 4000 4000 \n read end"},
		{name: "LE/CFC/BI more than the credits", listen: small, script: opened + "> 40 0100 01 \n > 40 0100 02 \n > 40 0100 03 \n < 5 0601 0400 4000 4000"},
		{name: "LE/CFC/BI a disconnection with another source", listen: small, script: opened + "> 5 0602 0400 4000 4100 \n silence \n > 40 0100 07 \n read 07 \n < 5 1601 0400 4000 0100"},
		{name: "LE/CFC/BI silence", result: ErrResponseTimeout, script: dialing + "wait 30s \n dialed"},

		{name: "ECFC/BV-01-C", script: "dial e2 \n < 5 1701 0c00 8000 4000 4000 0200 4000 4100 \n > 5 1801 0c00 4000 4000 0100 0000 5000 5100 \n dialed"},
		{name: "ECFC/BV-02-C", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100"},
		{name: "COS/ECFC/BV-01-C segmented", listen: small, script: "> 5 1701 0a00 8000 4000 4000 0400 4000 \n < 5 1801 0a00 4000 4000 0200 0000 4000 \n accept \n write" + " " +
			hex.EncodeToString(counting(64)) + "\n < 40 4000" + hex.EncodeToString(counting(62)) + "\n < 40" + " " + hex.EncodeToString(counting(64)[62:])},
		{name: "ECFC/BV-05-C credits of ours", listen: small, script: "> 5 1701 0a00 8000 4000 4000 0400 4000 \n < 5 1801 0a00 4000 4000 0200 0000 4000 \n accept" +
			"\n > 40 0100 01 \n read 01 \n < 5 1601 0400 4000 0100"},
		{name: "ECFC/BV-08-C some of them", result: NoResources, script: "dial e2 \n < 5 1701 0c00 8000 4000 4000 0200 4000 4100 \n > 5 1801 0c00 4000 4000 0100 0400 5000 0000" +
			"\n dialed \n write 01 \n < 50 0100 01"},
		{name: "ECFC/BI one is disconnected before it is given", result: NoResources, script: "dial e2 \n < 5 1701 0c00 8000 4000 4000 0200 4000 4100" +
			"\n > 5 0602 0400 4000 5000 \n < 5 0702 0400 4000 5000 \n > 5 1801 0c00 4000 4000 0100 0000 5000 5100 \n dialed \n write 01 \n < 51 0100 01"},
		{name: "ECFC/BV-09-C we disconnect", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100 \n accept \n close \n < 5 0601 0400 4000 4000 \n > 5 0701 0400 4000 4000"},
		{name: "ECFC/BV-10-C the tester disconnects one", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100 \n accept \n > 5 0602 0400 4000 4000" +
			"\n < 5 0702 0400 4000 4000 \n read end \n accept \n > 41 0100 07 \n read 07 \n < 5 1601 0400 4100 0100"},
		{name: "ECFC/BV-13-C authentication", listen: needs(Security{Authenticated: true}), security: encrypted, script: enhanced + "< 5 1801 0c00 0000 0000 0000 0500 0000 0000"},
		{name: "ECFC/BV-17-C key size", listen: needs(Security{KeySize: 16}), security: Security{Encrypted: true, KeySize: 7}, script: enhanced + "< 5 1801 0c00 0000 0000 0000 0700 0000 0000"},
		{name: "ECFC/BV-21-C nobody listens", listen: small, script: "> 5 1701 0a00 8100 4000 4000 0100 4000 \n < 5 1801 0a00 0000 0000 0000 0200 0000"},
		{name: "ECFC/BV-23-C encryption", listen: needs(Security{Encrypted: true}), security: plain, script: enhanced + "< 5 1801 0c00 0000 0000 0000 0800 0000 0000"},
		{name: "ECFC/BI a CID that can't be", listen: small, script: "> 5 1701 0c00 8000 4000 4000 0100 4000 3f00 \n < 5 1801 0c00 4000 4000 0200 0900 4000 0000"},
		{name: "ECFC/BI a CID twice", listen: small, script: "> 5 1701 0c00 8000 4000 4000 0100 4000 4000 \n < 5 1801 0c00 4000 4000 0200 0a00 4000 0000"},
		{name: "ECFC/BV-26-C an MTU of 63", listen: small, script: "> 5 1701 0c00 8000 3f00 4000 0100 4000 4100 \n < 5 1801 0c00 0000 0000 0000 0c00 0000 0000"},
		{name: "ECFC/BV-26-C an MPS of 63", listen: small, script: "> 5 1701 0a00 8000 4000 3f00 0100 4000 \n < 5 1801 0a00 0000 0000 0000 0c00 0000"},
		{name: "ECFC/BV-26-C no credits", listen: small, script: "> 5 1701 0a00 8000 4000 4000 0000 4000 \n < 5 1801 0a00 0000 0000 0000 0c00 0000"},
		{name: "ECFC/BV-28-C a larger MTU", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100 \n > 5 1902 0800 8000 4000 4000 4100 \n < 5 1a02 0200 0000"},
		{name: "ECFC/BI-03-C a smaller MTU", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100" +
			"\n > 5 1902 0600 8000 4000 4000 \n < 5 1a02 0200 0000 \n > 5 1903 0800 7f00 4000 4000 4100 \n < 5 1a03 0200 0100 \n < 5 0601 0400 4000 4000 \n < 5 0602 0400 4100 4100" +
			"\n > 5 0701 0400 4000 4000 \n > 5 0702 0400 4100 4100 \n accept \n read end"},
		{name: "ECFC/BI-04-C a smaller MPS of two", listen: small, script: "> 5 1701 0c00 8000 4000 5000 0100 4000 4100 \n < 5 1801 0c00 4000 4000 0200 0000 4000 4100" +
			"\n > 5 1902 0800 4000 4000 4000 4100 \n < 5 1a02 0200 0200"},
		{name: "ECFC/BI-05-C a CID that there is not", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100 \n > 5 1902 0600 8000 4000 4200 \n < 5 1a02 0200 0300"},
		{name: "ECFC/BV-33-C more than the MTU", listen: small, script: enhanced + "< 5 1801 0c00 4000 4000 0200 0000 4000 4100 \n > 40 4100 01 \n < 5 0601 0400 4000 4000"},
	} {
		t.Run(q.name, q.run)
	}
}
