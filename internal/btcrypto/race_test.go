//go:build race

package btcrypto

const race = true // the race detector allocates
