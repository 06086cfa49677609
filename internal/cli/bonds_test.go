package cli

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const (
	bluezHost = "00:1D:85:F0:01:77"
	bluezKey  = "A1A2A3A4A5A6A7A8A9AAABACADAEAFB0"
	bluezInfo = `[General]
Name=Nonin3230_502543754
AddressType=public
SupportedTechnologies=LE;
Trusted=false
Blocked=false

[PeripheralLongTermKey]
Key=` + bluezKey + `
Authenticated=2
EncSize=16
EDiv=0
Rand=0
`
)

// bluezTree makes a folder of BlueZ's with one peer, and more files by path.
func bluezTree(t *testing.T, more map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		bluezHost + "/identity":               "[General]\nIdentityResolvingKey=b1b2b3b4b5b6b7b8b9babbbcbdbebfc0\n",
		bluezHost + "/" + address + "/info":   bluezInfo,
		bluezHost + "/00:1C:05:FF:F0:99/info": "[General]\nAddressType=public\n[LinkKey]\nKey=00\n",
	}
	maps.Copy(files, more)
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// wantResult checks the exit status, and that no key was printed.
func wantResult(t *testing.T, r result, status int, words ...string) {
	t.Helper()
	said := r.stdout + r.stderr
	if r.status != status {
		t.Errorf("exit status %d, want %d\n%s", r.status, status, said)
	}
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("%q is missing in\n%s", word, said)
		}
	}
	if said = strings.ToUpper(said); strings.Contains(said, bluezKey[:8]) || strings.Contains(said, "B1B2B3B4") {
		t.Errorf("a key was printed:\n%s", said)
	}
}

func TestImportFromBluez(t *testing.T) {
	dir, from := t.TempDir(), bluezTree(t, nil)
	r := jelling(t, dir, "bonds", "import", "--from-bluez", from, "--dry-run")
	wantResult(t, r, 0, "import   encrypted, Secure Connections", "skip", "our identity resolving key", "nothing was done; it would be: 1 imported, 0 there already, 0 refused")
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		t.Error("a dry run made the folder")
	}
	wantResult(t, jelling(t, dir, "bonds", "import", "--from-bluez="+from), 0, "1 imported")
	wantResult(t, jelling(t, dir, "bonds", "import", "--from-bluez="+from), 0, "0 imported, 1 there already")
	r = jelling(t, dir, "bonds", "show", address, "--json")
	all := r.objects(t)
	if len(all) != 1 || all[0]["bonded"] != true || all[0]["wish"] != "unknown" || all[0]["local"] != bluezHost+"/public" ||
		all[0]["secure_connections"] != true || all[0]["authenticated"] != false || all[0]["key_size"] != 16.0 {
		t.Errorf("the bond is %v", all)
	}
	wantResult(t, r, 0)
}

func TestImportTellsWhyNot(t *testing.T) {
	changed := func(old, new string) string { return strings.ReplaceAll(bluezInfo, old, new) }
	from := bluezTree(t, map[string]string{
		bluezHost + "/00:1C:05:FF:F0:31/info":               changed("Authenticated=2", "Authenticated=4"),
		bluezHost + "/00:1C:05:FF:F0:32/info":               changed("EncSize=16", "EncSize=3"),
		bluezHost + "/00:1C:05:FF:F0:33/info":               changed("AddressType=public", "AddressType=static"),
		bluezHost + "/00:1C:05:FF:F0:34/info":               "",
		"static-C0:00:00:00:00:01/00:1C:05:FF:F0:35/info":   bluezInfo,
		"static-C0:00:00:00:00:01/00:1C:05:FF:F0:36/info":   bluezInfo,
		"static-C0:00:00:00:00:01/cache/00:1C:05:FF:F0:36/": "x",
	})
	dir := t.TempDir()
	r := jelling(t, dir, "bonds", "import", "--from-bluez", from, "--local", bluezHost, "--json")
	why := map[string]string{}
	for _, o := range r.objects(t) {
		if o["what"] == "bond" {
			why[o["address"].(string)] = o["action"].(string) + ": " + o["why"].(string)
		}
	}
	for peer, want := range map[string]string{
		address: "import: ", "00:1C:05:FF:F0:31": "refuse: made with the debug key", "00:1C:05:FF:F0:32": "refuse: a key size",
		"00:1C:05:FF:F0:33": "refuse: not an identity address", "00:1C:05:FF:F0:34": "refuse: damaged: empty",
		"00:1C:05:FF:F0:35": "skip: of another local identity", "00:1C:05:FF:F0:99": "skip: no long term key",
	} {
		if !strings.HasPrefix(why[peer], want) {
			t.Errorf("%s: %q, want %q", peer, why[peer], want)
		}
	}
	wantResult(t, r, 1, "4 could not be imported")
}

func TestImportReplacesOnlyWhenAsked(t *testing.T) {
	dir, from := t.TempDir(), bluezTree(t, nil)
	wantResult(t, jelling(t, dir, "bonds", "import", "--from-bluez", from), 0)
	other := bluezTree(t, map[string]string{
		bluezHost + "/" + address + "/info": strings.ReplaceAll(bluezInfo, "A1A2", "FFFF"),
		bluezHost + "/identity":             "[General]\nIdentityResolvingKey=c1b2b3b4b5b6b7b8b9babbbcbdbebfc0\n",
	})
	for _, more := range [][]string{{"--dry-run"}, nil} {
		r := jelling(t, dir, append([]string{"bonds", "import", "--from-bluez", other}, more...)...)
		wantResult(t, r, 1, "other keys; --replace", "know the host by another", "2 could not be imported")
	}
	r := jelling(t, dir, "bonds", "import", "--from-bluez", other, "--replace", "--repair", address)
	wantResult(t, r, 1, "replace  encrypted", "1 could not be imported") // our key is known to the peer
}

func TestExportAndImport(t *testing.T) {
	dir, there := t.TempDir(), t.TempDir()
	file := filepath.Join(t.TempDir(), "bonds.json")
	wantResult(t, jelling(t, dir, "bonds", "import", "--from-bluez", bluezTree(t, nil)), 0)
	wantResult(t, jelling(t, dir, "bonds", "export", file, "--dry-run"), 0, "bonded, encrypted")
	if _, err := os.Stat(file); err == nil {
		t.Error("a dry run wrote the file")
	}
	wantResult(t, jelling(t, dir, "bonds", "export", file), 0, "holds the keys of 1 bonds (mode 0600)")
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	wantResult(t, jelling(t, dir, "bonds", "export", file), 1, "is there already; --replace")
	wantResult(t, jelling(t, dir, "bonds", "export", file, "--replace"), 0)
	wantResult(t, jelling(t, there, "bonds", "import", file), 0, "1 imported")
	if again := jelling(t, there, "bonds", "import", file); strings.Count(again.stdout, "  same ") != 2 || strings.Contains(again.stdout, "  import ") {
		t.Errorf("imported twice: %+v", again)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".jelling-*")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v", left)
	}

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if r := jelling(t, there, "bonds", "export", "-"); r.status != 0 || r.stdout != string(text) || !strings.Contains(r.stderr, "keys of 1 bonds") {
		t.Errorf("after a round trip another text: exit status %d, %s", r.status, r.stderr)
	}
	var stdout, stderr lines
	if status := run(context.Background(), []string{"bonds", "import", "-", "--state-dir", filepath.Join(t.TempDir(), "x")}, strings.NewReader(string(text)), &stdout, &stderr, func(string) string { return "" }); status != 0 {
		t.Errorf("from standard input: %d, %s", status, stderr.String())
	}
	if err := os.WriteFile(file, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	wantResult(t, jelling(t, there, "bonds", "import", file), 1, "bonds.json: damaged")
}

func TestExportToBluez(t *testing.T) {
	dir, from, to := t.TempDir(), bluezTree(t, nil), filepath.Join(t.TempDir(), "bluetooth")
	wantResult(t, jelling(t, dir, "bonds", "import", "--from-bluez", from), 0)
	wantResult(t, jelling(t, dir, "bonds", "export", "--to-bluez", to, "--dry-run"), 0, "create", "it would be: 2 written")
	wantResult(t, jelling(t, dir, "bonds", "export", "--to-bluez", to), 0, "create", "has to be stopped", "2 written, 0 refused")
	wantResult(t, jelling(t, dir, "bonds", "export", "--to-bluez", to), 0, "same", "0 written")
	text, err := os.ReadFile(filepath.Join(to, bluezHost, address, "info"))
	if err != nil || strings.Count(string(text), "Key="+bluezKey) != 3 {
		t.Errorf("%v, the key stands %d times, want 3", err, strings.Count(string(text), "Key="+bluezKey))
	}
	wantResult(t, jelling(t, t.TempDir(), "bonds", "import", "--from-bluez", to), 0, "1 imported")
	other := bluezTree(t, map[string]string{bluezHost + "/" + address + "/info": strings.ReplaceAll(bluezInfo, "A1A2", "FFFF")})
	wantResult(t, jelling(t, dir, "bonds", "export", "--to-bluez", other), 1, "refuse", "--replace gives them up", "1 could not be written")
	wantResult(t, jelling(t, dir, "bonds", "export", "--to-bluez", other, "--replace"), 0, "replace")
}

func TestImportUsage(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		line   string
		status int
		want   string
	}{
		{"bonds import", 2, "--from-bluez DIR"},
		{"bonds export", 2, "--to-bluez DIR"},
		{"bonds import x --from-bluez y", 2, "one of the two"},
		{"bonds import x --local nonsense", 2, "--local"},
		{"bonds import x --repair nonsense", 2, "--repair"},
		{"bonds import " + filepath.Join(dir, "none"), 1, "no such file"},
		{"bonds import --from-bluez " + filepath.Join(dir, "none"), 1, "bluez: "},
		{"bonds import --from-bluez " + dir, 1, "keeps nothing there"},
	} {
		if r := jelling(t, dir, strings.Fields(c.line)...); r.status != c.status || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: %d, %s", c.line, r.status, r.stderr)
		}
	}
}
