package bondstore

import (
	"encoding/hex"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/smp"
)

// secretKey is a key of which four octets in a row are found in any text.
func secretKey(first byte) (k smp.Key) {
	for i := range k {
		k[i] = first + byte(7*i)
	}
	return k
}

// leaks is the part of a key that a text holds: four octets as hexadecimal digits or as numbers.
func leaks(text string, k smp.Key) string {
	text = strings.ToLower(text)
	for i := range len(k) - 3 {
		part := k[i : i+4]
		for _, form := range []string{
			hex.EncodeToString(part), fmt.Sprintf("% x", part), fmt.Sprintf("%d", part), strings.Trim(fmt.Sprintf("%d", part), "[]"), fmt.Sprintf("%q", string(part)),
		} {
			if strings.Contains(text, strings.ToLower(form)) {
				return form
			}
		}
	}
	return ""
}

// TestKeysStayHidden damages, fails and prints what it can, and looks for keys in all that is said.
func TestKeysStayHidden(t *testing.T) {
	ltk, irk, own := secretKey(0x81), secretKey(0x92), secretKey(0xA3)
	r := bond(peerA, 1)
	r.Keys.Peer.Key, r.Keys.PeerIRK = ltk, &irk
	random := func(b []byte) { copy(b, own[:]) }

	m := newModel()
	var said []string
	say := func(what ...any) { said = append(said, fmt.Sprint(what...)) }
	log, h := logger()
	config := Config{Log: log, Random: random, Report: func(p Problem) { say(p); said = append(said, fmt.Sprintf("%+v %#v", p, p)) }}
	text := func() []byte {
		b, err := marshalBond(r)
		if err != nil {
			t.Fatal(err)
		}
		if leaks(string(b), ltk) == "" {
			t.Fatal("the search does not find the key in the file")
		}
		return b
	}()

	for _, damage := range [][]byte{nil, text[:len(text)/2], text[:len(text)-1], sealed(text[:len(text)-sealLength-20]), []byte(hex.EncodeToString(ltk[:]))} {
		s, err := open(modelDir, config, m, false)
		if err != nil {
			t.Fatal(err)
		}
		say(s.Save(r))
		_, err = s.LocalIRK(host)
		say(err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			said = append(said, fmt.Sprintf(verb, s), fmt.Sprintf(verb, []any{s}), fmt.Sprintf(verb, keyText(ltk)))
		}
		m.fail = always(syscall.EIO)
		r.History.Lost++
		say(s.Save(r), s.Delete(host, peerA), s.Err())
		m.fail = nil
		say(s.Save(r), s.Close())
		alter(t, m, s.shelf.path(pair{host, peerA}), damage)
		alter(t, m, modelIdentity, damage)
	}
	said = append(said, h.lines...)
	if len(h.lines) < 10 {
		t.Errorf("only %d lines were logged", len(h.lines))
	}
	for _, line := range said {
		for _, k := range []smp.Key{ltk, irk, own} {
			if part := leaks(line, k); part != "" {
				t.Errorf("%q holds %q of a key", line, part)
			}
		}
	}
}
