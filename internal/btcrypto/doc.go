// Package btcrypto is the cryptography that Bluetooth LE hosts share: the block cipher and its message
// authentication code, the functions of the Security Manager's toolbox (Vol 3, Part H, 2.2) and the P-256
// key agreement.
//
// Every array is in on-air order, least significant octet first, as HCI and SMP carry it. The specification
// writes the same values the other way round.
//
//	supported                                          not supported
//	e, AES-CMAC, ah, c1, s1, f4, f5, f6, g2            AES-CCM: the link layer's, in hardware
//	h6, h7, h8, signatures                             the BR/EDR functions E0 to E3, h2 to h5
//	P-256: public keys of 64 octets, DHKey, debug key  P-192
package btcrypto
