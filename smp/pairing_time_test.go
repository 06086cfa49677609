package smp

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// codesOf is the codes that a side sends in a pairing with nothing wrong.
func codesOf(t *testing.T, sides [2]pairingParameters, role hci.Role) (codes []code) {
	t.Helper()
	c, p := newAir(nil).run(t.Context(), sides[0], sides[1])
	if c.err != nil || p.err != nil {
		t.Fatal(c.err, p.err)
	}
	for _, pdu := range [2]outcome{c, p}[role].sent {
		codes = append(codes, code(pdu[0]))
	}
	return codes
}

// 30 s without an answer: no further SMP, both roles. The nth PDU of either side is lost, for every n: who
// waits for it gives up after exactly that time, and says nothing.
func TestSilence(t *testing.T) {
	for name, sides := range pairings() {
		for _, silent := range []hci.Role{hci.Central, hci.Peripheral} {
			for n := range codesOf(t, sides, silent) {
				if silent == hci.Central && n == 0 {
					continue // nobody knows of that pairing
				}
				synctest.Test(t, func(t *testing.T) { silence(t, name, sides, silent, n) })
			}
		}
	}
}

func silence(t *testing.T, name string, sides [2]pairingParameters, silent hci.Role, n int) {
	sent := 0
	a := newAir(func(_ int, from hci.Role, pdu []byte) [][]byte {
		if from != silent {
			return [][]byte{pdu}
		}
		if sent++; sent > n {
			return [][]byte{} // from here on there is nothing more
		}
		return [][]byte{pdu}
	})
	start := time.Now()
	c, p := a.run(t.Context(), sides[0], sides[1])
	waiting := [2]outcome{c, p}[1-silent]
	failed, _ := errors.AsType[*PairingError](waiting.err)
	if failed == nil || !failed.Timeout || failed.Reason != 0 || !errors.Is(waiting.err, ErrTimeout) || waiting.failed() != 0 {
		t.Errorf("%s, %v silent after %d PDUs: %v, told %v", name, silent, n, waiting.err, waiting.failed())
	}
	if took := time.Since(start); took != pairingTimeout {
		t.Errorf("%s, %v silent after %d PDUs: took %v", name, silent, n, took)
	}
}

// What is ignored does not keep a pairing open, and what takes its time but less than 30 s does not end it.
func TestChatterAndPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		a := newAir(func(_ int, from hci.Role, pdu []byte) [][]byte {
			if code(pdu[0]) == codePairingConfirm && from == hci.Peripheral {
				return [][]byte{}
			}
			return [][]byte{pdu}
		})
		var chatter sync.WaitGroup
		chatter.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(time.Second)
				a.mu.Lock()
				for _, pdu := range [][]byte{{byte(codeKeypress), 1}, {0x20}, {byte(codeSecurityRequest), 1}} {
					a.ends[hci.Central].hear(wireEvent{pdu: pdu})
				}
				a.mu.Unlock()
			}
		})
		start := time.Now()
		central, peripheral := bondingSides(false)
		c, _ := a.run(t.Context(), central, peripheral)
		took := time.Since(start)
		stop()
		chatter.Wait()
		if !errors.Is(c.err, ErrTimeout) || took != pairingTimeout {
			t.Errorf("%v after %v", c.err, took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		central, peripheral := bondingSides(true, yes{io: DisplayYesNo}, slow{yes{io: DisplayYesNo}, pairingTimeout - time.Nanosecond})
		start := time.Now()
		c, p := newAir(nil).run(t.Context(), central, peripheral)
		if c.err != nil || p.err != nil || time.Since(start) < pairingTimeout-time.Nanosecond {
			t.Errorf("%v, %v after %v", c.err, p.err, time.Since(start))
		}
	})
}

// Each step has 30 s of its own: a person, the peer's answer, encryption, every key. All of them together may
// take longer.
func TestSlowButSteady(t *testing.T) {
	const long = pairingTimeout - time.Second
	for _, x := range []struct {
		name       string
		secure     bool
		person     time.Duration
		encrypting time.Duration
		keys       KeyDistribution // of the peripheral
		late       []code          // PDUs of the peripheral, each that much later than the one before
	}{
		{name: "a person, then the peer", secure: true, person: long, late: []code{codeDHKeyCheck}},
		{name: "encryption, then a key", secure: true, encrypting: long, keys: DistributeSign, late: []code{codeSigningInformation}},
		{name: "key after key", keys: everyKey, late: []code{codeEncryptionInformation, codeCentralIdentification,
			codeIdentityInformation, codeIdentityAddress, codeSigningInformation}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var a *air
			a = newAir(func(_ int, from hci.Role, pdu []byte) [][]byte {
				n := slices.Index(x.late, code(pdu[0]))
				if from == hci.Central || n < 0 {
					return [][]byte{pdu}
				}
				time.AfterFunc(time.Duration(n+1)*long, func() {
					a.mu.Lock()
					defer a.mu.Unlock()
					a.ends[hci.Central].hear(wireEvent{pdu: pdu})
				})
				return [][]byte{}
			})
			a.encrypting = x.encrypting
			central, peripheral := bondingSides(x.secure, slow{yes{io: DisplayYesNo}, x.person}, yes{io: DisplayYesNo})
			central.mitm = x.secure
			central.initiatorKeys, central.responderKeys = 0, x.keys
			start := time.Now()
			c, p := a.run(t.Context(), central, peripheral)
			want := time.Duration(len(x.late))*long + x.person + x.encrypting
			if took := time.Since(start); c.err != nil || p.err != nil || took != want {
				t.Errorf("%s: %v, %v after %v, want %v", x.name, c.err, p.err, took, want)
			}
		})
	}
}

// slow is a person who takes that long to answer.
type slow struct {
	delegate
	takes time.Duration
}

func (s slow) wait(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slow) compare(ctx context.Context, number uint32) error {
	return errors.Join(s.wait(ctx), s.delegate.compare(ctx, number))
}

func (s slow) enter(ctx context.Context, press func(Keypress)) (uint32, error) {
	if err := s.wait(ctx); err != nil {
		return 0, err
	}
	return s.delegate.enter(ctx, press)
}

// Whoever called has had enough: the peer is told, at every point.
func TestCallerGivesUp(t *testing.T) {
	for name, sides := range pairings() {
		for n := range codesOf(t, sides, hci.Peripheral) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				sent := 0
				a := newAir(func(_ int, from hci.Role, pdu []byte) [][]byte {
					if from == hci.Peripheral {
						if sent++; sent > n {
							return [][]byte{}
						}
					}
					return [][]byte{pdu}
				})
				central, peripheral := sides[0], sides[1]
				central.role, central.local, central.peer = hci.Central, airCentral, airPeripheral
				done := make(chan error)
				go func() {
					_, err := pair(ctx, a.ends[hci.Central], central)
					done <- err
				}()
				go func() {
					ev, err := a.ends[hci.Peripheral].next(t.Context())
					if err != nil {
						return
					}
					peripheral.role, peripheral.local, peripheral.peer, peripheral.request = hci.Peripheral, airPeripheral, airCentral, ev.pdu
					_, _ = pair(t.Context(), a.ends[hci.Peripheral], peripheral)
				}()
				synctest.Wait()
				cancel()
				err := <-done
				last := slices.Clone(a.ends[hci.Central].sent)
				if !errors.Is(err, context.Canceled) || !bytes.Equal(last[len(last)-1], []byte{0x05, 0x08}) {
					t.Errorf("%s, after %d PDUs: %v, and %x was sent", name, n, err, last[len(last)-1])
				}
			})
		}
	}
}
