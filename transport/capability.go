package transport

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MayAdminister reports whether this process has CAP_NET_ADMIN where the kernel asks for it: in the first user
// namespace, in which a rootless container is not. proc is where the process table is, "/proc". Where nothing can be read
// it says yes: trying will tell.
func MayAdminister(proc string) bool {
	const netAdmin = 12
	text, err := os.ReadFile(filepath.Join(proc, "self/status"))
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(text)) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return err != nil || bits&(1<<netAdmin) != 0 && firstUserNamespace(proc)
		}
	}
	return true
}

// firstUserNamespace reports whether every user number is its own: so it is in the first namespace alone.
func firstUserNamespace(proc string) bool {
	text, err := os.ReadFile(filepath.Join(proc, "self/uid_map"))
	return err != nil || strings.Join(strings.Fields(string(text)), " ") == "0 0 4294967295"
}
