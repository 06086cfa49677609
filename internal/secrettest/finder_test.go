package secrettest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// TestFinder finds a key in every form, or else nothing that does not find one means anything.
func TestFinder(t *testing.T) {
	key := []byte{0xC3, 0x0B, 0x99, 0x41, 0x00, 0xFE, 0x17, 0x6D, 0x02, 0xAA, 0x5C, 0x3E, 0x81, 0xD4, 0x2F, 0x70}
	keys := Finder{}
	keys.Add(key)
	reversed := slices.Clone(key)
	slices.Reverse(reversed)
	encoded, err := json.Marshal([16]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf("%x", key), fmt.Sprintf("%X", reversed), fmt.Sprintf("% x", key[3:]), fmt.Sprintf("%v", key), fmt.Sprintf("%v", [16]byte(reversed)),
		fmt.Sprintf("%#v", key), fmt.Sprintf("%#v", [16]byte(key)), string(encoded), "c3:0b:99:41:00:fe:17:6d", string(key),
	} {
		if keys.In([]byte("some text 00 12 "+text+" and more")) == "" {
			t.Errorf("not found in %q", text)
		}
	}
	if found := keys.In(fmt.Appendf(nil, "%x %d", key[:6], key[7:13])); found != "" {
		t.Errorf("found %s", found)
	}
}
