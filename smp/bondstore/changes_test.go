package bondstore

import "testing"

func TestChanges(t *testing.T) {
	s := openModel(t, newModel())
	seen := map[uint64]bool{s.Changes(): true}
	for i, change := range []func() error{
		func() error { return s.Save(oximeter(t)) },
		func() error { return s.Save(oximeter(t)) },
		func() error { return s.Delete(host, peerA) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if n := s.Changes(); seen[n] {
			t.Errorf("change %d has the number of another, %d", i, n)
		}
		seen[s.Changes()] = true
	}
	if s.Load(host, peerA); !seen[s.Changes()] {
		t.Error("to look changes the number")
	}
}
