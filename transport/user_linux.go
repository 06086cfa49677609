package transport

import "context"

func openUser(_ context.Context, s Spec, _ Options) (Conn, error) { return nil, nil }

// Adapters lists the controllers that the kernel knows, in its order. It needs no privilege. The error is an *OpenError.
func Adapters() ([]Adapter, error) { return nil, nil }
