package gap

import (
	"strings"
	"unicode/utf8"
)

// uriSchemes are the scheme names that one character stands for, from U+0002 (Assigned Numbers, 2.7). U+0001 stands
// for none: the URI is written out.
var uriSchemes = strings.Fields(`aaa aaas about acap acct cap cid coap coaps crid data dav dict dns file ftp geo go gopher h323
	http https iax icap im imap info ipp ipps iris iris.beep iris.xpc iris.xpcs iris.lwz jabber ldap mailto mid msrp msrps mtqp mupdate
	news nfs ni nih nntp opaquelocktoken pop pres reload rtsp rtsps rtspu service session shttp sieve sip sips sms snmp soap.beep
	soap.beeps stun stuns tag tel telnet tftp thismessage tn3270 tip turn turns tv urn vemmi ws wss xcon xcon-userid xmlrpc.beep
	xmlrpc.beeps xmpp`)

// noScheme begins a URI that is written out.
const noScheme = 1

// URI is the first URI, its scheme written out, and with what a terminal should not be shown taken out. One whose
// scheme is not known here is passed over; it is in Lookup (Supplement, Part A, 1.18).
func (s ADStructures) URI() (string, bool) {
	for t, data := range s.All {
		if t != ADURI {
			continue
		}
		scheme, n := utf8.DecodeRune(data)
		rest := printable(string(data[n:]))
		switch at := int(scheme) - noScheme - 1; {
		case scheme == noScheme:
			return rest, true
		case at >= 0 && at < len(uriSchemes):
			return uriSchemes[at] + ":" + rest, true
		}
	}
	return "", false
}

// encodeURI is the data of a URI structure.
func encodeURI(uri string) []byte {
	if name, rest, ok := strings.Cut(uri, ":"); ok {
		for i, known := range uriSchemes {
			if strings.EqualFold(name, known) {
				return append(utf8.AppendRune(nil, rune(i+noScheme+1)), rest...)
			}
		}
	}
	return append([]byte{noScheme}, uri...)
}
