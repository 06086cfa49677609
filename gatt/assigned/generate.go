//go:build ignore

// Command generate writes services.txt and characteristics.txt from the tables of tinygo.org/x/bluetooth, which the Go module
// proxy has: go run generate.go
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const module = "tinygo.org/x/bluetooth@v0.17.0"

func main() {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		log.Fatal(err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		log.Fatal(err)
	}
	for kind, file := range map[string]string{"Service": "service", "Characteristic": "characteristic"} {
		src, err := os.ReadFile(filepath.Join(found.Dir, file+"_uuids.go"))
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(file+"s.txt", []byte(table(string(src), kind)), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// missing are numbers that the tables have not.
var missing = map[string]map[string]string{"Characteristic": {
	"2b89": "Apparent Energy 32", "2b8a": "Apparent Power", "2b8b": "Live Health Observations", "2b8c": "CO2 Concentration", "2b8d": "Cosine of the Angle",
}}

// table is a line for each UUID, the short ones first: its text, its name. What the Bluetooth SIG has assigned goes without saying what kind it is.
func table(src, kind string) string {
	entry := regexp.MustCompile(`// ` + kind + `UUID\w+ - (.*)\n\s*` + kind + `UUID\w+ = New(?:16Bit)?UUID\((?:0x|\[16\]byte\{)(.*?)\}?\)`)
	names := map[string]string{}
	for _, m := range entry.FindAllStringSubmatch(src, -1) {
		digits := strings.NewReplacer("0x", "", ", ", "").Replace(strings.ToLower(m[2]))
		if len(digits) > 4 {
			digits = fmt.Sprintf("%s-%s-%s-%s-%s", digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
		}
		name := strings.TrimSpace(m[1])
		if _, twice := names[digits]; twice {
			name = strings.TrimRight(name, " 12") // the table counts what has one number
		}
		names[digits] = name
	}
	for digits, name := range missing[kind] {
		if names[digits] == "" {
			names[digits] = name
		}
	}
	assigned := regexp.MustCompile(`^(18|2a|2b)[0-9a-f]{2}$`)
	var lines []string
	for digits, name := range names {
		if assigned.MatchString(digits) {
			name = strings.TrimSuffix(name, " "+kind)
		}
		lines = append(lines, digits+" "+name+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int {
		short := func(s string) int { return strings.IndexByte(s, ' ') }
		return cmp.Or(cmp.Compare(short(a), short(b)), cmp.Compare(a, b))
	})
	return strings.Join(lines, "")
}
