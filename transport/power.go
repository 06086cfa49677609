package transport

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// powerPause is how long a chip is held without power, and how long it may take when it has it again: what
// Broadcom's chips want is 100 ms each.
const powerPause = 100 * time.Millisecond

// ParsePowerLine reads the line of a GPIO chip that switches a controller's power, "gpiochip0:BT_ON" or
// "gpiochip0:42".
func ParsePowerLine(text string) (chip, line string, err error) {
	chip, line, ok := strings.Cut(text, ":")
	if !ok || !strings.HasPrefix(chip, "gpiochip") || strings.ContainsAny(chip, "/.") || line == "" {
		return "", "", fmt.Errorf("power line %q: want a GPIO chip and the name or number of its line, like gpiochip0:BT_ON", text)
	}
	return chip, line, nil
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
