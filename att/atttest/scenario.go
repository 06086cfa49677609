package atttest

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Scenario is a script in a text: a name, settings, and steps.
type Scenario struct {
	Name     string
	Settings map[string]string // by the word that begins the line
	Steps    []Step
}

// A Step is one line of a Scenario.
type Step struct {
	Verb   string // what begins the line: ">" is said by the tester, "<" is heard by it, "silence" is nothing heard; others mean what the test has them mean
	Words  string // what stands between, for other verbs
	Octets []byte // of ">" and "<", and the last of what stands behind other verbs
}

// Says and Hears are the verbs of the PDUs.
const (
	Says    = ">"
	Hears   = "<"
	Silence = "silence"
)

// ParseScenarios reads a text of scripts. A line "= NAME" begins one; one of the settings is a word and what follows; every other line is a step.
// Lines that begin with # are comments. The error names the line.
func ParseScenarios(text string, settings ...string) (all []Scenario, err error) {
	line := 0
	for l := range strings.Lines(text) {
		line++
		l = strings.TrimSpace(l)
		verb, rest, _ := strings.Cut(l, " ")
		switch {
		case l == "" || strings.HasPrefix(l, "#"):
		case verb == "=":
			all = append(all, Scenario{Name: rest, Settings: map[string]string{}})
		case len(all) == 0:
			err = fmt.Errorf("a step before the first script")
		default:
			err = all[len(all)-1].add(verb, rest, settings)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	return all, nil
}

// add adds a line.
func (s *Scenario) add(verb, rest string, settings []string) (err error) {
	if slices.Contains(settings, verb) {
		s.Settings[verb] = rest
		return nil
	}
	step := Step{Verb: verb}
	switch verb {
	case Says, Hears:
		step.Octets, err = Octets(rest)
	case Silence:
	default:
		var octets string
		step.Words, octets, _ = strings.Cut(rest, " ")
		step.Octets, err = Octets(octets)
	}
	s.Steps = append(s.Steps, step)
	return err
}

// Octets are what hexadecimal stands for: digits in pairs, with spaces where they are liked; aa*3 is aaaaaa, and @7+3 is 070809, which goes on with 00 after ff.
func Octets(text string) (b []byte, err error) {
	for word := range strings.FieldsSeq(text) {
		first, times, repeated := strings.Cut(word, "*")
		from, count, counted := strings.Cut(strings.TrimPrefix(word, "@"), "+")
		var n, start int
		switch {
		case repeated:
			var part []byte
			if part, err = hex.DecodeString(first); err == nil {
				n, err = number(times)
			}
			for range n {
				b = append(b, part...)
			}
		case counted && strings.HasPrefix(word, "@"):
			if start, err = number(from); err == nil {
				n, err = number(count)
			}
			for i := range n {
				b = append(b, byte(start+i))
			}
		default:
			var part []byte
			part, err = hex.DecodeString(word)
			b = append(b, part...)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", word, err)
		}
	}
	return b, nil
}

// number reads a count of octets, of which no test needs many.
func number(text string) (int, error) {
	const most = 1 << 16
	n, err := strconv.ParseUint(text, 10, 32)
	if err == nil && n > most {
		err = fmt.Errorf("more than %d", most)
	}
	return int(n), err
}
