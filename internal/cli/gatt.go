package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/assigned"
	"github.com/jelling-ble/jelling/gatt/profile"
	"github.com/jelling-ble/jelling/gatt/value"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
)

func newGATT(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gatt",
		Short: "A peer's attributes: list, read, write, subscribe",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTree(e), newRead(e), newWrite(e), newSubscribe(e))
	return cmd
}

const characteristicForms = `CHARACTERISTIC is a number (2a37), a UUID of 128 bits, or an assigned name ("heart rate measurement",
heart_rate_measurement); where several services have it, SERVICE.CHARACTERISTIC (180d.2a37). --handle does instead.`

// errNotDone is the cause of a context that --timeout ended.
var errNotDone = errors.New("it was not done within --timeout")

// connected connects to a peer, does something, and disconnects. All of it is bounded by --timeout.
func (e *env) connected(ctx context.Context, peer string, do func(ctx context.Context, c *gap.Conn) error) error {
	t, err := parseTarget(peer)
	if err != nil {
		return err
	}
	h, err := e.openHost(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	limit := e.timeout
	if !e.timeoutOn {
		limit = time.Minute
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errNotDone)
		defer cancel()
	}
	address, err := h.resolve(ctx, t)
	if err != nil {
		return err
	}
	c, err := h.Connect(ctx, address, gap.ConnectConfig{Security: e.security})
	if err != nil {
		return err
	}
	defer c.Disconnect(hci.RemoteUserTerminatedConnection)
	defer e.securing.wait(ctx, c.Done())
	if err := e.openBearers(ctx, c); err != nil {
		return err
	}
	return do(ctx, c)
}

// openBearers opens the enhanced bearers that --bearers asks for. A peer without them is talked to on the one there is.
func (e *env) openBearers(ctx context.Context, c *gap.Conn) error {
	if e.bearers == 0 {
		return nil
	}
	n, err := c.OpenBearers(ctx, e.bearers)
	var result l2cap.Result
	if errors.Is(err, gap.ErrNoBearers) || errors.As(err, &result) {
		e.log.Infof("%v: %v", c.Peer(), err)
		return nil
	}
	if err == nil {
		e.log.Infof("%v: %d enhanced bearers", c.Peer(), n)
	}
	return err
}

// securing is what a peer has begun by asking for security, and what is not over yet. Who hangs up in the middle of it has failed to pair, as far as the
// peer and the policy can tell, and is made to wait the next time.
type securing struct {
	mu   sync.Mutex
	over chan struct{} // closed when it is over; nil while there is nothing
}

// securingPatience is how long that may take before the link is ended all the same.
const securingPatience = 5 * time.Second

// note takes an event of the host.
func (s *securing) note(detail any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch detail.(type) {
	case gap.SecurityRequested:
		if s.over == nil {
			s.over = make(chan struct{})
		}
	case gap.Encrypted, gap.PairingFailed, gap.Disconnected:
		if s.over != nil {
			close(s.over)
			s.over = nil
		}
	}
}

// wait waits until there is nothing, or the link has ended.
func (s *securing) wait(ctx context.Context, ended <-chan struct{}) {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if over == nil {
		return
	}
	select {
	case <-over:
	case <-ended:
	case <-ctx.Done():
	case <-time.After(securingPatience):
	}
}

// selection is which characteristic a command is about.
type selection struct {
	service att.UUID // zero for any
	uuid    att.UUID
	handle  uint16 // if not 0, the only thing that counts
}

// handleFlag adds --handle, whose text becomes a selection's handle.
func handleFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "handle", "", "the handle of a value or descriptor, like 0x0023, in the place of CHARACTERISTIC")
}

// parseSelection reads CHARACTERISTIC, or the text of --handle.
func parseSelection(characteristic, handle string) (s selection, err error) {
	if handle != "" {
		if s.handle, err = profile.ParseHandle(handle); err != nil || s.handle == 0 {
			err = fmt.Errorf("--handle %s: want a number from 1 to 65535, like 0x0023", handle)
		}
	} else if s.uuid, err = assigned.UUID(assigned.Characteristic, characteristic); err != nil {
		for at := strings.IndexByte(characteristic, '.'); at >= 0; {
			var service, own error
			s.service, service = assigned.UUID(assigned.Service, characteristic[:at])
			s.uuid, own = assigned.UUID(assigned.Characteristic, characteristic[at+1:])
			if service == nil && own == nil {
				return s, nil
			}
			next := strings.IndexByte(characteristic[at+1:], '.')
			if err = errors.Join(service, own); next < 0 {
				break
			}
			at += 1 + next
		}
	}
	if err != nil {
		err = usageError{err}
	}
	return s, err
}

// isOf tells whether a characteristic of a service is meant.
func (s selection) isOf(service gatt.RemoteService, ch gatt.RemoteCharacteristic) bool {
	if s.handle != 0 {
		return ch.ValueHandle == s.handle || ch.Handle == s.handle
	}
	return ch.UUID == s.uuid && (s.service == att.UUID{} || s.service == service.UUID)
}

// String is what is missing where nothing is found.
func (s selection) String() string {
	switch {
	case s.handle != 0:
		return fmt.Sprintf("characteristic at the handle 0x%04x", s.handle)
	case s.service != att.UUID{}:
		return fmt.Sprintf("characteristic %v in a service %v", s.uuid, s.service)
	}
	return fmt.Sprintf("characteristic %v", s.uuid)
}

// find finds the characteristics that are meant: at least one.
func (s selection) find(ctx context.Context, c *gap.Conn) (found []gatt.RemoteCharacteristic, err error) {
	if s.handle == 0 && s.service == (att.UUID{}) {
		found, err = c.Client().FindCharacteristics(ctx, s.uuid)
	} else {
		var services []gatt.RemoteService
		services, err = c.Client().Discover(ctx)
		for _, service := range services {
			for _, ch := range service.Characteristics {
				if s.isOf(service, ch) {
					found = append(found, ch)
				}
			}
		}
	}
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%v has no %v", c.Peer(), s)
	}
	return found, err
}

// one is the value that is meant: a characteristic's, or by its handle a descriptor's as well.
func (s selection) one(ctx context.Context, c *gap.Conn) (remote, error) {
	if s.handle != 0 {
		uuid, err := typeOf(ctx, c, s.handle)
		return remote{handle: s.handle, uuid: uuid}, err
	}
	found, err := s.find(ctx, c)
	if err != nil {
		return remote{}, err
	}
	if len(found) > 1 {
		var handles []string
		for _, ch := range found {
			handles = append(handles, fmt.Sprintf("0x%04x", ch.ValueHandle))
		}
		return remote{}, fmt.Errorf("%v has more than one %v: say --handle %s, or SERVICE.CHARACTERISTIC", c.Peer(), s, strings.Join(handles, " or "))
	}
	return remote{found[0].ValueHandle, found[0].UUID, found[0].Properties}, nil
}

// remote is a value of a peer. Its UUID is zero for a declaration.
type remote struct {
	handle     uint16
	uuid       att.UUID
	properties gatt.Properties // 0 where they are not known
}

// typeOf asks what type the attribute with a handle has: zero for a declaration.
func typeOf(ctx context.Context, c *gap.Conn, handle uint16) (att.UUID, error) {
	found, err := c.Client().DiscoverDescriptors(ctx, gatt.RemoteCharacteristic{ValueHandle: handle - 1, End: handle})
	if err != nil || len(found) == 0 {
		return att.UUID{}, err
	}
	return found[0].UUID, nil
}

// about are the fields that say which value it is.
func (r remote) about() fields {
	uuid := ""
	if r.uuid != (att.UUID{}) {
		uuid = r.uuid.String()
	}
	return fields{{"handle", r.handle}, {"uuid", uuid}, {"name", assigned.Name(r.uuid)}}
}

// valueFields are a value as --json has it: its octets, and what they mean where that is known.
func valueFields(uuid att.UUID, octets []byte) fields {
	f := fields{{"value", hex.EncodeToString(octets)}, {"text", value.Text(uuid, octets)}}
	if decoded, err := value.Decode(uuid, octets); err == nil {
		f = append(f, field{"fields", decoded})
	}
	return f
}

// valueText is a value for people: its octets, and what they mean.
func valueText(uuid att.UUID, octets []byte) string {
	digits, text := hex.EncodeToString(octets), value.Text(uuid, octets)
	switch {
	case len(octets) == 0:
		return "(empty)"
	case text == digits:
		return digits
	}
	return digits + "  " + text
}

// called is a UUID with its name.
func called(uuid att.UUID) string {
	if uuid == (att.UUID{}) {
		return "declaration"
	}
	return strings.TrimSpace(uuid.String() + " " + assigned.Name(uuid))
}
