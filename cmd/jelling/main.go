// Command jelling is a Bluetooth LE host that owns its controller and its keys.
package main

import (
	"os"

	"github.com/jelling-ble/jelling/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)) }
