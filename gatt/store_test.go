package gatt_test

import (
	"fmt"
	"testing"

	"github.com/jelling-ble/jelling/gatt"
)

// A store in memory keeps what it is given, and has a bound.
func TestMemoryStore(t *testing.T) {
	s := gatt.NewMemoryStore()
	const most = 1024
	for i := range most {
		wantNil(t, s.Save(fmt.Sprint(i), []byte("first")))
	}
	if s.Save("another", []byte("first")) == nil {
		t.Error("took more than its bound")
	}
	wantNil(t, s.Save("5", []byte("second")))
	wantNil(t, s.Forget("6"))
	wantNil(t, s.Forget("6"))
	wantNil(t, s.Save("another", []byte("third")))
	for name, want := range map[string]string{"4": "first", "5": "second", "6": "", "another": "third", "nobody": ""} {
		if text, err := s.Load(name); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}
