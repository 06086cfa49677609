//go:build !race

package btcrypto

const race = false
