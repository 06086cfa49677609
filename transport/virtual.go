package transport

import "context"

type virtualKind struct{}

func (virtualKind) name() Kind                       { return Virtual }
func (virtualKind) form() string                     { return "virtual:" }
func (virtualKind) parse(rest string) (Spec, string) { return Spec{Rest: rest}, "" }
func (virtualKind) format(s Spec) string             { return s.Rest }

// open refuses: this package lies below the virtual radio and can't import it.
func (virtualKind) open(_ context.Context, s Spec, _ Options) (Conn, error) {
	return nil, &OpenError{Op: opOpen, Spec: s, Err: ErrVirtual, Cause: "not a controller that can be opened here",
		Remedy: "attach to a virtual radio, or name a real controller: user:0, unix:/path or tcp:host:port"}
}
