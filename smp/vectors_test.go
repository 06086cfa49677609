package smp

import (
	"context"
	"crypto/ecdh"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// vector is one session of testdata/pairings.json. All octets are in on-air order, but private keys are
// numbers.
type vector struct {
	Name               string
	SecureConnections  bool `json:"secure_connections"`
	Model              string
	Initiator          vectorAddress
	Responder          vectorAddress
	KeySize            int `json:"key_size"`
	STK, LTK           string
	Passkey            uint32
	TK                 string
	Compare            string
	InitiatorLTK       *vectorLTK      `json:"initiator_ltk"`
	ResponderLTK       *vectorLTK      `json:"responder_ltk"`
	InitiatorIdentity  *vectorIdentity `json:"initiator_identity"`
	ResponderIdentity  *vectorIdentity `json:"responder_identity"`
	InitiatorCSRK      string          `json:"initiator_csrk"`
	ResponderCSRK      string          `json:"responder_csrk"`
	InitiatorPrivate   string          `json:"initiator_private_key"`
	ResponderPrivate   string          `json:"responder_private_key"`
	InitiatorOutOfBand *vectorOOB      `json:"initiator_oob"`
	ResponderOutOfBand *vectorOOB      `json:"responder_oob"`
	PDUs               [][2]string
}

type vectorAddress struct {
	Address string
	Type    hci.AddressType
}

type vectorLTK struct {
	LTK  string
	EDIV uint16
	Rand string
}

type vectorIdentity struct {
	IRK string
	vectorAddress
}

type vectorOOB struct{ Random, Confirm string }

// vectorSide is what a session says of one of its sides.
type vectorSide struct {
	letter, private, csrk string
	address               vectorAddress
	ltk                   *vectorLTK
	identity              *vectorIdentity
	oob                   *vectorOOB
}

func (v vector) sides() (initiator, responder vectorSide) {
	return vectorSide{"i", v.InitiatorPrivate, v.InitiatorCSRK, v.Initiator, v.InitiatorLTK, v.InitiatorIdentity, v.InitiatorOutOfBand},
		vectorSide{"r", v.ResponderPrivate, v.ResponderCSRK, v.Responder, v.ResponderLTK, v.ResponderIdentity, v.ResponderOutOfBand}
}

func (a vectorAddress) hci(t *testing.T) hci.Address { return address(t, a.Address, a.Type) }

func vectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/pairings.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 17 {
		t.Fatalf("%d sessions, want 17", len(all))
	}
	return all
}

// steps is the session as one side sees it. Keys are distributed once the link is encrypted.
func (v vector) steps(t *testing.T, letter string) []step {
	var steps []step
	encrypted := false
	for _, p := range v.PDUs {
		pdu := unhex(t, p[1])
		switch code(pdu[0]) {
		case codeEncryptionInformation, codeIdentityInformation, codeSigningInformation:
			if !encrypted {
				steps = append(steps, step{encrypted: true})
			}
			encrypted = true
		}
		steps = append(steps, step{ours: p[0] == letter, pdu: pdu})
	}
	if !encrypted {
		steps = append(steps, step{encrypted: true})
	}
	return steps
}

// random is what a side drew, in order.
func (v vector) random(t *testing.T, side vectorSide) [][]byte {
	var drawn [][]byte
	for _, p := range v.PDUs {
		if pdu := unhex(t, p[1]); p[0] == side.letter && code(pdu[0]) == codePairingRandom {
			drawn = append(drawn, pdu[1:])
		}
	}
	if side.ltk != nil {
		drawn = append(drawn, unhex(t, side.ltk.LTK), []byte{byte(side.ltk.EDIV), byte(side.ltk.EDIV >> 8)}, unhex(t, side.ltk.Rand))
	}
	if side.csrk != "" {
		drawn = append(drawn, unhex(t, side.csrk))
	}
	return drawn
}

// features is a side's Pairing Request or Response.
func (v vector) features(t *testing.T, letter string) features {
	for _, p := range v.PDUs {
		if p[0] == letter {
			b := unhex(t, p[1])
			f, err := parseFeatures(b, code(b[0]))
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatal("no features")
	return features{}
}

func (v vector) parameters(t *testing.T, role hci.Role, ours, theirs vectorSide) pairingParameters {
	f := v.features(t, ours.letter)
	p := pairingParameters{
		role:          role,
		local:         ours.address.hci(t),
		peer:          theirs.address.hci(t),
		bonding:       f.auth.Bonding(),
		mitm:          f.auth.MITM(),
		secure:        f.auth.SecureConnections(),
		maxKeySize:    f.maxKeySize,
		initiatorKeys: f.initiator,
		responderKeys: f.responder,
		random:        drawn(t, v.random(t, ours)...),
	}
	if role == hci.Peripheral {
		p.request = unhex(t, v.PDUs[0][1])
	}
	if v.Model != "just works" && v.Model != "out of band" {
		p.delegate = &answers{t: t, io: f.io, passkey: v.Passkey, compared: v.Compare}
	}
	p.outOfBand = v.outOfBand(t, ours, theirs)
	p.flags = f.auth & authCT2
	if ours.identity != nil {
		p.irk, p.identity = keyOf(t, ours.identity.IRK), ours.identity.hci(t)
	}
	if ours.private != "" {
		p.privateKey = func() (*ecdh.PrivateKey, error) { return ecdh.P256().NewPrivateKey(unhex(t, ours.private)) }
	}
	return p
}

func (v vector) outOfBand(t *testing.T, ours, theirs vectorSide) *outOfBandData {
	switch {
	case v.TK != "":
		return &outOfBandData{tk: optional(t, v.TK)}
	case ours.oob != nil:
		return &outOfBandData{
			random: optional(t, ours.oob.Random),
			peer:   &outOfBandPeer{confirm: keyOf(t, theirs.oob.Confirm), random: keyOf(t, theirs.oob.Random)},
		}
	}
	return nil
}

// answers is a person who knows what the session needs.
type answers struct {
	t        *testing.T
	io       IOCapability
	passkey  uint32
	compared string
}

func (a *answers) capabilities() Capabilities { return Capabilities{IO: a.io} }

func (a *answers) display(_ context.Context, proposed uint32, _ <-chan Keypress) (uint32, error) {
	if a.io == KeyboardOnly || proposed >= digits {
		a.t.Errorf("%v displays %d", a.io, proposed)
	}
	return a.passkey, nil
}

func (a *answers) enter(context.Context, func(Keypress)) (uint32, error) {
	if a.io == DisplayOnly || a.io == DisplayYesNo {
		a.t.Errorf("%v enters", a.io)
	}
	return a.passkey, nil
}

func (a *answers) compare(_ context.Context, number uint32) error {
	if got := fmt.Sprintf("%06d", number); got != a.compared {
		a.t.Errorf("compares %s, want %s", got, a.compared)
	}
	return nil
}

// want is what a side has when the session is over.
func (v vector) want(t *testing.T, ours, theirs vectorSide) pairingResult {
	methods := map[byte]Method{'j': JustWorks, 'p': PasskeyEntry, 'n': NumericComparison, 'o': OutOfBand}
	method := methods[v.Model[0]]
	keys := Keys{
		Authenticated: method != JustWorks, SecureConnections: v.SecureConnections, KeySize: v.KeySize, Method: method,
		Local: ours.ltk.want(t), Peer: theirs.ltk.want(t), LocalCSRK: optional(t, ours.csrk), PeerCSRK: optional(t, theirs.csrk),
	}
	if v.SecureConnections {
		keys.SC = &LTK{Key: keyOf(t, v.LTK)}
	}
	r := pairingResult{keys: keys}
	if theirs.identity != nil {
		r.identity, r.keys.PeerIRK = theirs.identity.hci(t), optional(t, theirs.identity.IRK)
	}
	r.agreement = agreement{
		bonding: v.features(t, "i").auth.Bonding(), method: method,
		security: Security{Encrypted: true, Authenticated: keys.Authenticated, SecureConnections: keys.SecureConnections, KeySize: v.KeySize},
	}
	return r
}

func (l *vectorLTK) want(t *testing.T) *LTK {
	if l == nil {
		return nil
	}
	return &LTK{Key: keyOf(t, l.LTK), EDIV: l.EDIV, Rand: [8]byte(unhex(t, l.Rand))}
}

func optional(t *testing.T, text string) *Key {
	if text == "" {
		return nil
	}
	k := keyOf(t, text)
	return &k
}

// TestVectors runs every session as initiator and as responder, byte for byte.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		initiator, responder := v.sides()
		t.Run(v.Name+", as initiator", func(t *testing.T) { v.run(t, hci.Central, initiator, responder) })
		t.Run(v.Name+", as responder", func(t *testing.T) { v.run(t, hci.Peripheral, responder, initiator) })
	}
}

func (v vector) run(t *testing.T, role hci.Role, ours, theirs vectorSide) {
	w := &recording{t: t, steps: v.steps(t, ours.letter), key: keyOf(t, v.STK+v.LTK)}
	if role == hci.Peripheral {
		w.steps = w.steps[1:] // the request is a parameter
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := pair(ctx, w, v.parameters(t, role, ours, theirs))
	if err != nil {
		t.Fatal(err)
	}
	if len(w.steps) > 0 {
		t.Errorf("%d steps are left", len(w.steps))
	}
	wantResult(t, got, v.want(t, ours, theirs))
}

// wantResult compares with the keys themselves, which no verb of fmt would show.
func wantResult(t *testing.T, got, want pairingResult) {
	t.Helper()
	if a, b := dump(t, got), dump(t, want); a != b {
		t.Errorf("result\n%s\nwant\n%s", a, b)
	}
}

func dump(t *testing.T, r pairingResult) string {
	t.Helper()
	ltk := func(k *LTK) string {
		if k == nil {
			return "none"
		}
		return fmt.Sprintf("%x %04x %x", k.Key[:], k.EDIV, k.Rand)
	}
	key := func(k *Key) string {
		if k == nil {
			return "none"
		}
		return fmt.Sprintf("%x", k[:])
	}
	k := r.keys
	return fmt.Sprintf("%+v identity %s, %+v\nSC %s\nlocal %s\npeer %s\nIRK %s\nlocal CSRK %s\npeer CSRK %s",
		r.agreement, r.identity.Text(), k.public(), ltk(k.SC), ltk(k.Local), ltk(k.Peer), key(k.PeerIRK), key(k.LocalCSRK), key(k.PeerCSRK))
}
