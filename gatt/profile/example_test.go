package profile_test

import (
	"fmt"

	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/profile"
)

// A server from a file: its characteristics are found by name, and their values set as any other server's.
func Example() {
	p, err := profile.Parse([]byte(`{"services": [{"id": "hr", "uuid": "heart rate", "handle": 32, "characteristics": [
		{"uuid": "2a37", "properties": ["read", "notify"], "value": {"hex": "0048"}}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := p.NewServer(gatt.ServerConfig{}) // which a host takes as gap.Config.Server
	if err != nil {
		fmt.Println(err)
		return
	}
	rate, err := p.Find("hr.2a37")
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := profile.ParseValue("hex", "0050")
	if err == nil {
		err = server.SetValue(rate.Declared, value)
	}
	fmt.Printf("%s at 0x%04x: %x, %v\n", rate.Name(), server.Handle(rate.Declared), server.Value(rate.Declared), err)
	// Output: hr.2a37 at 0x0022: 0050, <nil>
}
