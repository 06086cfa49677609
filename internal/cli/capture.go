package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// checkCapture refuses flags of a capture that there is not; given tells which flags there are.
func (e *env) checkCapture(given func(flag string) bool) error {
	switch {
	case e.capture == "" && (given("capture-format") || given("capture-size") || given("capture-count")):
		return usageError{errors.New("--capture-format, --capture-size and --capture-count are of no use without --capture FILE")}
	case e.captureCount < 0:
		return usageError{fmt.Errorf("--capture-count %d: want a number of files", e.captureCount)}
	case given("capture-count") && e.captureSize == 0:
		return usageError{errors.New("--capture-count is of no use without --capture-size")}
	}
	return nil
}

// size is a number of octets as people write it: 65536, 64K, 10M, 1G.
type size int64

var sizeUnits = map[string]int64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

// maxSize bounds what Set takes, in octets.
const maxSize = 1 << 40

// String is part of a flag's value.
func (s *size) String() string {
	for _, unit := range []string{"G", "M", "K"} {
		if n := int64(*s) / sizeUnits[unit]; n > 0 && n*sizeUnits[unit] == int64(*s) {
			return strconv.FormatInt(n, 10) + unit
		}
	}
	if *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set is part of a flag's value.
func (s *size) Set(text string) error {
	digits := strings.TrimRight(strings.ToUpper(text), "KMGB")
	unit, known := sizeUnits[strings.TrimSuffix(strings.ToUpper(text)[len(digits):], "B")]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || !known || n == 0 || int64(n) > maxSize/unit {
		return errors.New("want a number of octets like 500K or 10M")
	}
	*s = size(int64(n) * unit)
	return nil
}

// Type is part of a flag's value.
func (s *size) Type() string { return "size" }
