package smp

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// waitStore is a store that keeps waits too.
type waitStore struct {
	*MemoryStore
	mu    sync.Mutex
	waits []Wait
	saves int
	err   error
}

func (w *waitStore) LoadWaits() ([]Wait, error) { return w.waits, w.err }
func (w *waitStore) SaveWaits(all []Wait) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = all
	w.saves++
	return w.err
}

// TestWaitsAreKept over a restart, as remaining time, by a store that can, and written no more often than a disk
// likes.
func TestWaitsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &waitStore{MemoryStore: NewMemoryStore()}
		m := newManager(t, Config{Store: store})
		m.countFailure(numbered(1))
		for n := range 100 {
			m.countFailure(numbered(n + 2))
		}
		if store.saves != 1 || len(store.waits) != 1 {
			t.Errorf("%d saves, %d waits", store.saves, len(store.waits))
		}
		time.Sleep(savedEvery)
		for range 8 {
			m.countFailure(numbered(1))
		}
		if store.saves != 2 || len(store.waits) != 101 {
			t.Errorf("%d saves, %d waits", store.saves, len(store.waits))
		}
		time.Sleep(time.Second)
		if err := m.SaveWaits(); err != nil || store.saves != 3 {
			t.Errorf("%v, %d saves", err, store.saves)
		}
		left := m.waitLeft(numbered(1))
		m = newManager(t, Config{Waits: store}) // it may be named as well
		if got := m.waitLeft(numbered(1)); got != left || got < time.Minute {
			t.Errorf("%v, want %v", got, left)
		}
	})
}

// TestWaitsWithoutStore last as long as the manager.
func TestWaitsWithoutStore(t *testing.T) {
	m := newManager(t, Config{})
	m.countFailure(numbered(1))
	if err := m.SaveWaits(); err != nil || len(m.Waits()) != 1 {
		t.Errorf("%v", err)
	}
}

// TestWaitStoreFails loudly, and pairing waits all the same.
func TestWaitStoreFails(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	store := &waitStore{MemoryStore: NewMemoryStore(), err: errGone}
	m := newManager(t, Config{Store: store, Logger: log})
	m.countFailure(numbered(1))
	if m.waitLeft(numbered(1)) == 0 || !strings.Contains(out.String(), "are lost") || !strings.Contains(out.String(), "in memory only") {
		t.Errorf("%s", &out)
	}
	if err := m.SaveWaits(); !errors.Is(err, errGone) {
		t.Errorf("%v", err)
	}
}
