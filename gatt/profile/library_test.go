package profile_test

import (
	"encoding/hex"
	"strings"
)

// small is a database that fits a few PDUs: a secondary service, a primary one that includes it, and one at the last handle.
//
//	0001 secondary service 180a, to 0010        e000 service 1800, to e008
//	0002   characteristic 2a29                  e001   include 0001-0010
//	0003     "Jelling": read, write             e002   characteristic 2a00
//	0004     CCCD                               e003     "Stone": read
//	0005     description "Maker"                e004   characteristic 0b5e0001-…
//	0006     extended properties 0001           e005     07: read, write
//	ffff service 180a                           e006     extended properties 0001
//	                                            e007   characteristic 2a01
//	                                            e008     0000: read
const small = `{ "builtin": false, "mtu": 512, "services": [
  { "uuid": "1800", "handle": "0xe000", "handles": 9, "includes": ["maker"], "characteristics": [
    { "uuid": "2a00", "properties": ["read"], "value": "Stone" },
    { "uuid": "0b5e0001-6a6c-4c6c-8e67-6a656c6c696e", "properties": ["read", "extended"], "permissions": ["read", "write"], "value": {"uint8": 7},
      "descriptors": [ { "uuid": "2900", "permissions": ["read"], "value": {"uint16": 1} } ] },
    { "uuid": "2a01", "properties": ["read"], "value": {"uint16": 0} } ] },
  { "uuid": "180a", "handle": "0xffff", "handles": 1 },
  { "id": "maker", "uuid": "180a", "primary": false, "handle": 1, "handles": 16, "characteristics": [
    { "uuid": "2a29", "properties": ["read", "notify", "indicate", "extended"], "permissions": ["read", "write"], "value": "Jelling",
      "descriptors": [ { "uuid": "2902", "permissions": ["read", "write"], "value": {"uint16": 0} }, { "uuid": "2901", "value": "Maker" },
        { "uuid": "2900", "permissions": ["read"], "value": {"uint16": 1} } ] } ] } ] }`

// large is a database with everything that there can be, its services in no order.
//
//	0001 secondary service fff2, to 0006        0040 service fff1, to 004b
//	0002   include 0040-004b fff1               0041   characteristic c006: all but broadcast and extended
//	0003   characteristic c00c                  0042     06: read, write; no CCCD
//	0004     0c: read                           0043   characteristic c007
//	0005   characteristic 0b5e000b-…            0044     07: read, write, encrypted
//	0006     0b: read                           0045   characteristic c008
//	0010 service 1801, to 0013                  0046     08: read, write, authenticated
//	0011   characteristic 2a05                  0047   characteristic c009
//	0012     0100 ffff: read                    0048     12: read, write, signed write
//	0013     CCCD                               0049   characteristic c00a
//	0020 service fff0, to 002f                  004a     0a: read, write, to be authorized
//	0021   include 0001-0006 fff2               0060 service fff1, to 0067
//	0022   include 0090-0097                    0061   characteristic c00b
//	0023   characteristic c001                  0062     0b: read, write
//	0024     01: read                           0063     extended properties 0003
//	0025   characteristic c002                  0064     description "A" to "Z": read, write
//	0026     512 octets: read, write            0065     presentation format, no permission
//	0027   characteristic c002                  0066     0b5e00d4-…: 44, read
//	0028     50 octets: write                   0080 service fff3, to 008b, of integers and their aggregate
//	0029   characteristic c003                  0090 service 0b5e0000-…, to 0097
//	002a     03: write                          0091   include 0001-0006 fff2
//	002b   characteristic c004                  0092   characteristic 0b5e0009-…
//	002c     04: no permission                  0093     09: read, write
//	002d   characteristic c005                  0094     extended properties 0001
//	002e     512 octets: read                   0095     0b5e00d2-…: 22, read, write
//	00a0 service 0b5e0000-…, to 00bd            0096     0b5e00d3-…: 33, write
//	00a1   characteristic c00d, read, write, and a descriptor d001, read, write, each of 21, 22, 23, 43, 44, 45 octets
//	00c0 service fff1, to 00c3
//	00c1   characteristic c00e: notify
//	00c2     0e: read, encrypted
//	00c3     CCCD: read, write
var large = strings.NewReplacer(
	"V512", hex.EncodeToString(count(512)), "V50", hex.EncodeToString(count(50)), "LONGS", longs(),
	"U00", "0b5e00", "U-", "-6a6c-4c6c-8e67-6a656c6c696e",
).Replace(`{ "builtin": false, "mtu": 512, "services": [
  { "id": "l", "uuid": "U0000U-", "handle": 144, "handles": 8, "includes": ["s"], "characteristics": [
    { "uuid": "U0009U-", "properties": ["read", "write", "extended"], "value": {"uint8": 9}, "descriptors": [
      { "uuid": "2900", "value": {"uint16": 1} },
      { "uuid": "U00d2U-", "permissions": ["read", "write"], "value": {"hex": "22"} },
      { "uuid": "U00d3U-", "permissions": ["write"], "value": {"hex": "33"} } ] } ] },
  { "uuid": "fff1", "handle": 96, "handles": 8, "characteristics": [
    { "uuid": "c00b", "properties": ["read", "write", "extended"], "value": {"uint8": 11}, "descriptors": [
      { "uuid": "2900", "value": {"uint16": 3} },
      { "uuid": "2901", "permissions": ["read", "write"], "value": "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
      { "uuid": "2904", "permissions": [], "value": {"hex": "04000130011131"} },
      { "uuid": "U00d4U-", "value": {"hex": "44"} } ] } ] },
  { "id": "s", "uuid": "fff2", "primary": false, "handle": 1, "handles": 6, "includes": ["c"], "characteristics": [
    { "uuid": "c00c", "properties": ["read"], "value": {"uint8": 12} },
    { "uuid": "U000bU-", "properties": ["read"], "value": {"uint8": 11} } ] },
  { "uuid": "1801", "handle": 16, "handles": 4, "characteristics": [
    { "uuid": "2a05", "properties": ["indicate"], "permissions": ["read"], "value": {"hex": "0100ffff"}, "descriptors": [ { "uuid": "2902", "permissions": ["read", "write"] } ] } ] },
  { "uuid": "fff0", "handle": 32, "handles": 16, "includes": ["s", "l"], "characteristics": [
    { "uuid": "c001", "properties": ["read"], "value": {"uint8": 1} },
    { "uuid": "c002", "properties": ["read", "write"], "value": {"hex": "V512"} },
    { "uuid": "c002", "properties": ["write"], "value": {"hex": "V50"} },
    { "uuid": "c003", "properties": ["write"], "value": {"uint8": 3} },
    { "uuid": "c004", "permissions": [], "value": {"uint8": 4} },
    { "uuid": "c005", "properties": ["read"], "value": {"hex": "V512"} } ] },
  { "id": "c", "uuid": "fff1", "handle": 64, "handles": 12, "characteristics": [
    { "uuid": "c006", "handle": 65, "properties": ["read", "write-without-response", "write", "notify", "indicate"], "value": {"uint8": 6} },
    { "uuid": "c007", "permissions": ["read-encrypted", "write-encrypted"], "value": {"uint8": 7} },
    { "uuid": "c008", "permissions": ["read-authenticated", "write-authenticated"], "value": {"uint8": 8} },
    { "uuid": "c009", "properties": ["read", "write", "signed-write"], "value": {"hex": "12"} },
    { "uuid": "c00a", "permissions": ["read", "write", "authorize"], "value": {"uint8": 10} } ] },
  { "uuid": "fff1", "handle": 192, "characteristics": [
    { "uuid": "c00e", "properties": ["notify"], "permissions": ["read-encrypted"], "value": {"uint8": 14}, "descriptors": [ { "uuid": "2902", "permissions": ["read", "write"] } ] } ] },
  { "uuid": "U0000U-", "handle": 160, "handles": 30, "characteristics": [ LONGS ] },
  { "uuid": "fff3", "handle": 128, "handles": 12, "characteristics": [
    { "uuid": "c010", "properties": ["read"], "value": {"uint8": 101}, "descriptors": [ { "uuid": "2904", "value": {"hex": "04000127010100"} } ] },
    { "uuid": "c011", "properties": ["read"], "value": {"uint16": 4660}, "descriptors": [ { "uuid": "2904", "value": {"hex": "06001027010200"} } ] },
    { "uuid": "c012", "properties": ["read"], "value": {"hex": "653412"}, "descriptors": [ { "uuid": "2905", "value": {"hex": "83008600"} } ] } ] } ] }`)

// count is n octets: 0, 1, 2, …
func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// longs are characteristics around what one and two PDUs hold.
func longs() string {
	var list []string
	for _, n := range []int{21, 22, 23, 43, 44, 45} {
		list = append(list, strings.ReplaceAll(`{ "uuid": "c00d", "properties": ["read", "write"], "value": {"hex": "V"},
      "descriptors": [ { "uuid": "d001", "permissions": ["read", "write"], "value": {"hex": "V"} } ] }`, "V", hex.EncodeToString(count(n))))
	}
	return strings.Join(list, ",\n    ")
}

// Parts of PDUs: a UUID of this library in on-air order, octets of count, and octets that are all the same.
func long(uuid string) string {
	return "6e696c6c656a678e6c4c6c6a" + uuid[6:8] + uuid[4:6] + uuid[2:4] + uuid[:2]
}
func octets(from, to int) string      { return hex.EncodeToString(count(to)[from:]) }
func same(octet string, n int) string { return strings.Repeat(octet, n) }
func text(s string) string            { return hex.EncodeToString([]byte(s)) }
