package transport

import (
	"context"
	"strconv"
	"strings"
)

// hciPrefix stands before a controller's number in the name that the kernel gives it.
const hciPrefix = "hci"

// maxIndex is the largest number that a controller can have: 0xFFFF means none.
const maxIndex = 0xFFFE

type userKind struct{}

func (userKind) name() Kind   { return User }
func (userKind) form() string { return "user:0 (or hci0)" }

func (userKind) parse(rest string) (Spec, string) {
	n, err := strconv.ParseUint(strings.TrimPrefix(rest, hciPrefix), 10, 16)
	if err != nil || n > maxIndex {
		return Spec{}, "the controller is a number from 0 to 65534, as in user:0"
	}
	return Spec{Index: int(n)}, ""
}

func (userKind) format(s Spec) string { return strconv.Itoa(s.Index) }

func (userKind) open(ctx context.Context, s Spec, o Options) (Conn, error) {
	return openUser(ctx, s, o)
}
