package smp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// somebody answers as its fields say, and remembers how long it was shown something.
type somebody struct {
	io        IOCapability
	passkey   uint32
	err       error
	never     bool // never answers
	withdrawn chan struct{}
}

func (p somebody) capabilities() Capabilities { return Capabilities{IO: p.io} }

func (p somebody) answer(ctx context.Context) error {
	if p.withdrawn != nil {
		context.AfterFunc(ctx, func() { close(p.withdrawn) })
	}
	if p.never {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.err
}

func (p somebody) display(ctx context.Context, proposed uint32, _ <-chan Keypress) (uint32, error) {
	if p.passkey == 0 {
		return proposed, p.answer(ctx)
	}
	return p.passkey, p.answer(ctx)
}

func (p somebody) enter(ctx context.Context, press func(Keypress)) (uint32, error) {
	return p.passkey, p.answer(ctx)
}
func (p somebody) compare(ctx context.Context, _ uint32) error { return p.answer(ctx) }

func TestPersonRefuses(t *testing.T) {
	no := errors.New("no")
	enters := somebody{io: KeyboardOnly, passkey: 1}
	for _, x := range []struct {
		name                string
		secure              bool
		central, peripheral delegate
		victim              hci.Role
		want                Reason
	}{
		{"does not enter, legacy", false, somebody{io: KeyboardOnly, err: no}, somebody{io: DisplayOnly}, hci.Central, PasskeyEntryFailed},
		{"does not enter, as responder", true, somebody{io: DisplayOnly}, somebody{io: KeyboardOnly, err: no}, hci.Peripheral, PasskeyEntryFailed},
		{"has nowhere to display", true, somebody{io: DisplayOnly, err: no}, enters, hci.Central, PasskeyEntryFailed},
		{"enters seven digits", true, somebody{io: KeyboardOnly, passkey: digits}, somebody{io: DisplayOnly}, hci.Central, PasskeyEntryFailed},
		{"displays seven digits", false, enters, somebody{io: DisplayOnly, passkey: digits}, hci.Peripheral, PasskeyEntryFailed},
		{"sees another number", true, somebody{io: DisplayYesNo, err: no}, somebody{io: DisplayYesNo, never: true}, hci.Central, NumericComparisonFailed},
		{"sees another number, as responder", true, somebody{io: DisplayYesNo, never: true}, somebody{io: DisplayYesNo, err: no}, hci.Peripheral, NumericComparisonFailed},
		{"has a reason of its own", true, somebody{io: DisplayYesNo, err: fmt.Errorf("gone: %w", Busy)}, somebody{io: DisplayYesNo, never: true}, hci.Central, Busy},
		{"enters another passkey, legacy", false, somebody{io: KeyboardOnly, passkey: 2}, somebody{io: DisplayOnly, passkey: 3}, hci.Peripheral, ConfirmValueFailed},
		{"enters another passkey", true, somebody{io: KeyboardOnly, passkey: 2}, somebody{io: DisplayOnly, passkey: 3}, hci.Peripheral, ConfirmValueFailed},
		{"enters another passkey, of which the last bit differs", true, somebody{io: KeyboardOnly, passkey: 1}, somebody{io: DisplayOnly, passkey: 1 + 1<<19}, hci.Peripheral, ConfirmValueFailed},
	} {
		t.Run(x.name, func(t *testing.T) {
			attack{name: x.name, secure: x.secure, victim: x.victim, want: x.want, sides: func(c, p *pairingParameters) {
				c.delegate, p.delegate, c.mitm = x.central, x.peripheral, true
			}}.run(t)
		})
	}
}

// One bit of the passkey is proven in each round: a guess is found out at its first wrong bit.
func TestWrongPasskeyIsFoundOutBitByBit(t *testing.T) {
	for bit := range 19 {
		c, _ := attack{name: "guess", secure: true, victim: hci.Peripheral, want: ConfirmValueFailed, sides: func(c, p *pairingParameters) {
			c.delegate, p.delegate, c.mitm = somebody{io: KeyboardOnly, passkey: 1<<19 ^ 1<<bit}, somebody{io: DisplayOnly, passkey: 1 << 19}, true
		}}.run(t)
		if rounds := (len(c.sent) - 2) / 2; rounds != bit+1 {
			t.Errorf("bit %d is wrong, and %d rounds were run", bit, rounds)
		}
	}
}

// What is displayed and what is asked ends with the pairing, however that ends.
func TestQuestionsAreWithdrawn(t *testing.T) {
	for _, x := range []struct {
		name                string
		central, peripheral somebody
		want                error
		takes               time.Duration
	}{
		{name: "when it is complete", central: somebody{io: DisplayOnly}, peripheral: somebody{io: KeyboardOnly}},
		{name: "when the peer gives up", central: somebody{io: DisplayYesNo, never: true}, peripheral: somebody{io: DisplayYesNo, err: Busy}, want: Busy},
		{name: "when nobody answers", central: somebody{io: DisplayYesNo, never: true}, peripheral: somebody{io: DisplayYesNo, never: true},
			want: ErrTimeout, takes: pairingTimeout},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x.central.withdrawn, x.central.passkey, x.peripheral.passkey = make(chan struct{}), 7, 7
				central, peripheral := bondingSides(true, x.central, x.peripheral)
				start := time.Now()
				c, _ := newAir(nil).run(t.Context(), central, peripheral)
				if !errors.Is(c.err, x.want) || (c.err == nil) != (x.want == nil) || time.Since(start) != x.takes {
					t.Errorf("%v after %v", c.err, time.Since(start))
				}
				<-x.central.withdrawn
			})
		})
	}
}

// While a person is asked the peer has one more PDU to send; what follows it is out of order.
func TestWhileAPersonIsAsked(t *testing.T) {
	asks := func(c, p *pairingParameters) {
		c.delegate, p.delegate, c.mitm = yes{io: DisplayYesNo}, slow{yes{io: DisplayYesNo}, time.Second}, true
	}
	attack{name: "one early PDU", secure: true, victim: hci.Peripheral, sides: asks}.run(t)
	attack{name: "two early PDUs", secure: true, victim: hci.Peripheral, want: UnspecifiedReason, sides: asks,
		c: codeDHKeyCheck, becomes: func(_ *air, pdu []byte) [][]byte { return [][]byte{pdu, pdu} }}.run(t)
	attack{name: "the wrong one early", secure: true, victim: hci.Peripheral, want: UnspecifiedReason, sides: asks,
		c: codeDHKeyCheck, becomes: becomesPDU("04" + sixteen)}.run(t)
	attack{name: "old encryption", secure: true, victim: hci.Peripheral, sides: asks,
		c: codeDHKeyCheck, becomes: func(a *air, pdu []byte) [][]byte {
			a.ends[hci.Peripheral].hear(wireEvent{encryption: true})
			return [][]byte{pdu}
		}}.run(t)
	c, p := attack{name: "the link goes", secure: true, victim: hci.Central, sides: func(c, p *pairingParameters) {
		c.delegate, p.delegate, c.mitm = somebody{io: DisplayYesNo, never: true}, somebody{io: DisplayYesNo, never: true}, true
	}, c: codePairingRandom, becomes: func(a *air, pdu []byte) [][]byte {
		time.AfterFunc(time.Second, a.disconnect)
		return [][]byte{pdu}
	}, want: 0}.gone(t)
	if c.err != errGone || p.err != errGone {
		t.Errorf("%v, %v", c.err, p.err)
	}
}

// gone runs an attack that ends the link.
func (x attack) gone(t *testing.T) (c, p outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var a *air
		a = newAir(func(_ int, from hci.Role, pdu []byte) [][]byte {
			if from == x.victim || code(pdu[0]) != x.c {
				return [][]byte{pdu}
			}
			return x.becomes(a, pdu)
		})
		central, peripheral := bondingSides(x.secure)
		x.sides(&central, &peripheral)
		c, p = a.run(t.Context(), central, peripheral)
	})
	return c, p
}

// A proposed passkey has six digits and is not always the same.
func TestProposedPasskeys(t *testing.T) {
	seen := map[uint32]bool{}
	for range 20 {
		shown := &remembers{}
		central, peripheral := bondingSides(false, shown, somebody{io: KeyboardOnly})
		c, _ := newAir(nil).run(t.Context(), central, peripheral)
		if c.err == nil || shown.passkey >= digits {
			t.Errorf("%v, shown %d", c.err, shown.passkey)
		}
		seen[shown.passkey] = true
	}
	if len(seen) < 10 {
		t.Errorf("%d passkeys in 20 pairings", len(seen))
	}
}

// remembers displays what is proposed.
type remembers struct {
	yes
	passkey uint32
}

func (r *remembers) capabilities() Capabilities { return Capabilities{IO: DisplayOnly} }
func (r *remembers) display(_ context.Context, proposed uint32, _ <-chan Keypress) (uint32, error) {
	r.passkey = proposed
	return proposed, nil
}
