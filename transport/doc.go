// Package transport moves whole HCI packets in and out of a controller.
package transport
