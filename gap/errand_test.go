package gap

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// Errands are done one at a time, those that wait in their order whatever order they came in, and each once.
func TestErrands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done []errand
		turn := make(chan struct{})
		e := newErrands(func(what errand) { <-turn; done = append(done, what) })
		if err := e.wait(t.Context(), nil); err != nil {
			t.Errorf("wait for nothing: %v", err)
		}
		e.add(errandSubscribe)
		synctest.Wait() // it is being done
		for _, what := range []errand{errandSubscribe, errandKnow, errandSubscribe, errandKnow, errandForget} {
			e.add(what)
		}
		waited := make(chan error, 2)
		for range 2 {
			go func() { waited <- e.wait(t.Context(), nil) }()
		}
		for range 3 {
			turn <- struct{}{}
			synctest.Wait()
		}
		select {
		case <-waited:
			t.Error("waited for less than all")
		default:
		}
		turn <- struct{}{}
		for range 2 {
			if err := <-waited; err != nil {
				t.Error(err)
			}
		}
		if want := []errand{errandSubscribe, errandForget, errandKnow, errandSubscribe}; !slices.Equal(done, want) {
			t.Errorf("did %v, want %v", done, want)
		}
		e.close()
	})
}

// The wait ends with its context and with the link; the goroutine after what is there.
func TestErrandsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done []errand
		turn := make(chan struct{})
		e := newErrands(func(what errand) { <-turn; done = append(done, what) })
		e.add(errandForget)
		e.add(errandKnow)
		ctx, cancel := context.WithCancelCause(t.Context())
		impatient := errors.New("impatient")
		cancel(impatient)
		if err := e.wait(ctx, nil); !errors.Is(err, impatient) {
			t.Errorf("wait: %v", err)
		}
		gone := make(chan struct{})
		close(gone)
		if err := e.wait(t.Context(), gone); err != nil {
			t.Errorf("wait on a link that has ended: %v", err)
		}
		close(turn)
		e.close()
		if want := []errand{errandForget, errandKnow}; !slices.Equal(done, want) {
			t.Errorf("did %v, want %v", done, want)
		}
		e.add(errandRenew) // comes too late
		synctest.Wait()
		if len(done) != 2 {
			t.Errorf("did %v after the end", done)
		}
	})
}
