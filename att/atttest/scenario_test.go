package atttest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att/atttest"
)

func TestParseScenarios(t *testing.T) {
	all, err := atttest.ParseScenarios(`
# a comment
= A first one
  with this and that
> 0a 0300
< 0b aa*3 @254+4
silence
tell 0003 01 02
wait

= Second
`, "with")
	if err != nil || len(all) != 2 || all[0].Name != "A first one" || all[1].Name != "Second" || all[0].Settings["with"] != "this and that" || len(all[1].Steps) != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	var got []string
	for _, s := range all[0].Steps {
		got = append(got, fmt.Sprintf("%s|%s|%x", s.Verb, s.Words, s.Octets))
	}
	if want := ">||0a0300 <||0baaaaaafeff0001 silence|| tell|0003|0102 wait||"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
	for text, says := range map[string]string{
		"> 0a":              "line 1: a step before the first script",
		"= A\n\n> 0":        "line 3",
		"= A\n< zz":         `line 2: "zz"`,
		"= A\n< aa*":        `"aa*"`,
		"= A\n< a*2":        `"a*2"`,
		"= A\n< @1":         `"@1"`,
		"= A\n< @x+1":       `"@x+1"`,
		"= A\n< @1+-1":      `"@1+-1"`,
		"= A\n< @1+99999":   "more than 65536",
		"= A\nwith\nwait q": "",
	} {
		if _, err := atttest.ParseScenarios(text, "with"); says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func FuzzParseScenarios(f *testing.F) {
	f.Add("= A\nwith b\n> 0a*3 @1+2\nsilence\ntell 1 02")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := atttest.ParseScenarios(text, "with")
		if err != nil && all != nil {
			t.Errorf("%+v beside %v", all, err)
		}
	})
}
