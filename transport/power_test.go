package transport

import "testing"

func TestParsePowerLine(t *testing.T) {
	for _, c := range []struct {
		text, chip, line string
	}{
		{"gpiochip0:BT_ON", "gpiochip0", "BT_ON"},
		{"gpiochip4:17", "gpiochip4", "17"},
		{"gpiochip0:A:B", "gpiochip0", "A:B"},
		{"", "", ""}, {"gpiochip0", "", ""}, {"gpiochip0:", "", ""}, {"BT_ON", "", ""}, {"sda:1", "", ""},
		{"gpiochip/../sda:1", "", ""}, {"../gpiochip0:1", "", ""},
	} {
		chip, line, err := ParsePowerLine(c.text)
		if chip != c.chip || line != c.line || (err == nil) != (c.chip != "") {
			t.Errorf("%q: %q %q %v", c.text, chip, line, err)
		}
	}
}
