package gatt

import (
	"errors"
	"testing"

	"github.com/jelling-ble/jelling/att/atttest"
)

// Complaint 15: what belongs to a link that has ended lingers.
func TestServerKeepsNothingOfALinkThatHasEnded(t *testing.T) {
	s, err := NewServer(ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		a, b := atttest.NewBearers(atttest.Options{})
		c := NewConn(a, Config{Server: s})
		a.Attach(c)
		if len(s.conns) != 1 {
			t.Errorf("%d clients while there is one", len(s.conns))
		}
		b.Disconnect(errors.New("gone"))
		a.Wait()
		c.Wait()
	}
	if len(s.conns) != 0 {
		t.Errorf("%d clients left", len(s.conns))
	}
}
