package gap

import (
	"fmt"
	"testing"
)

// The link is slowed while values or PDUs wait and nobody waits for an answer; the controller is told of changes only.
func TestBrake(t *testing.T) {
	var told []bool
	b := &brake{throttle: func(on bool) { told = append(told, on) }}
	for i, step := range []struct {
		do   func()
		want []bool
	}{
		{func() { b.wait(true); b.wait(false) }, nil},
		{func() { b.setSlow(true) }, []bool{true}},
		{func() { b.setHeld(true) }, nil},
		{func() { b.setSlow(false) }, nil},
		{func() { b.setHeld(false) }, []bool{false}},
		{func() { b.wait(true); b.setSlow(true) }, nil},
		{func() { b.wait(true); b.wait(false) }, nil},
		{func() { b.wait(false) }, []bool{true}},
		{func() { done := b.waiting(); done() }, []bool{false, true}},
		{func() { b.setSlow(false) }, []bool{false}},
	} {
		told = nil
		if step.do(); fmt.Sprint(told) != fmt.Sprint(step.want) {
			t.Errorf("step %d: told %v, want %v", i, told, step.want)
		}
	}
}
