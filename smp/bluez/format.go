package bluez

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// Check tells why BlueZ can't have a record, nil if it can: ErrNoKey, ErrKeySize or ErrAddress, with detail.
func Check(r smp.Record) error {
	k := r.Keys
	switch {
	case !r.Bonded:
		return fmt.Errorf("%w: there is no bond", ErrNoKey)
	case k.SecureConnections && k.SC == nil, !k.SecureConnections && k.Peer == nil && k.Local == nil:
		return ErrNoKey
	case k.KeySize < 7 || k.KeySize > 16:
		return fmt.Errorf("%w: it has %d", ErrKeySize, k.KeySize)
	case !r.Peer.IsIdentity():
		return fmt.Errorf("%w: %s", ErrAddress, r.Peer.Text())
	case !r.Local.IsIdentity():
		return fmt.Errorf("%w: our own %s", ErrAddress, r.Local.Text())
	}
	return nil
}

// AppendInfo appends the info file of a record, with everything of the old file that is not a key of LE; old is
// nil where there is none. Errors are those of Check, and ErrDamaged of an old file.
func AppendInfo(b []byte, r smp.Record, old []byte) ([]byte, error) {
	if err := Check(r); err != nil {
		return b, err
	}
	f := keyFile{groups: []group{{}}}
	if old != nil {
		var err error
		if f, err = parseKeyFile(old); err != nil {
			return b, err
		}
	} else {
		f.set(general, "Trusted", "false")
		f.set(general, "Blocked", "false")
	}
	f.set(general, "AddressType", typeName(r.Peer.Type))
	addTechnology(&f)
	putLTKs(&f, r.Keys)
	f.replace(peerIRK, keyEntry(r.Keys.PeerIRK)...)
	f.replace(localCSRK, signEntries(r.Keys.LocalCSRK, r.Keys.LocalSignCounter, r.Keys.Authenticated)...)
	f.replace(peerCSRK, signEntries(r.Keys.PeerCSRK, r.Keys.PeerSignCounter, r.Keys.Authenticated)...)
	return append(b, f.text()...), nil
}

func typeName(t hci.AddressType) string {
	if t == hci.Public {
		return "public"
	}
	return "static"
}

// addTechnology adds LE to what the peer is known to speak.
func addTechnology(f *keyFile) {
	const key = "SupportedTechnologies"
	text, _ := f.get(general, key)
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ';' })
	if !slices.Contains(list, "LE") {
		list = append(list, "LE")
	}
	f.set(general, key, strings.Join(list, ";")+";")
}

// putLTKs replaces the long term keys. One of Secure Connections goes to every group, for both roles.
func putLTKs(f *keyFile, k smp.Keys) {
	fromPeer, fromUs := k.Peer, k.Local
	how := legacyKind
	if k.SecureConnections {
		fromPeer, fromUs, how = k.SC, k.SC, secureKind
	}
	if k.Authenticated {
		how++
	}
	f.replace(peerLTK, ltkEntries(fromPeer, how, k.KeySize)...)
	f.replace(localLTK, ltkEntries(fromUs, how, k.KeySize)...)
	f.replace(localLTKOlder, ltkEntries(fromUs, how, k.KeySize)...)
}

func ltkEntries(k *smp.LTK, how kind, size int) []entry {
	if k == nil {
		return nil
	}
	rand := uint64(0)
	for i, octet := range k.Rand {
		rand |= uint64(octet) << (8 * i)
	}
	return append(keyEntry(&k.Key),
		entry{"Authenticated", strconv.Itoa(int(how))},
		entry{"EncSize", strconv.Itoa(size)},
		entry{"EDiv", strconv.Itoa(int(k.EDIV))},
		entry{"Rand", strconv.FormatUint(rand, 10)})
}

func keyEntry(k *smp.Key) []entry {
	if k == nil {
		return nil
	}
	return []entry{{"Key", strings.ToUpper(hex.EncodeToString(k[:]))}}
}

func signEntries(k *smp.Key, counter uint32, authenticated bool) []entry {
	if k == nil {
		return nil
	}
	return append(keyEntry(k),
		entry{"Counter", strconv.FormatUint(uint64(counter), 10)},
		entry{"Authenticated", strconv.FormatBool(authenticated)})
}
