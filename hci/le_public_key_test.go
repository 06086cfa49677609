package hci

import "testing"

func TestPublicKey(t *testing.T) {
	const x, y = octets16 + octets16, octets8 + octets8 + octets8 + octets8
	key := PublicKey{[32]byte(unhex(t, x)), [32]byte(unhex(t, y))}
	const coordinates = "Key_X_Coordinate " + x + " Key_Y_Coordinate " + y
	runCodec(t, []codecCase{
		{name: "LE Generate DHKey", layout: coordinates, value: LEGenerateDHKey{key}, parse: parser(ParseLEGenerateDHKey)},
		{name: "LE Generate DHKey [v2]", layout: coordinates + " Key_Type 01", value: LEGenerateDHKeyV2{LEGenerateDHKey{key}, true}, parse: parser(ParseLEGenerateDHKeyV2)},
		{name: "LE Read Local P-256 Public Key Complete", prefix: "08", layout: "Status 00 " + coordinates,
			value: LEReadLocalP256PublicKeyComplete{Success, key}, parse: parser(ParseLEReadLocalP256PublicKeyComplete)},
		{name: "LE Generate DHKey Complete", prefix: "09", layout: "Status 00 DH_Key " + x,
			value: LEGenerateDHKeyComplete{Success, key.X}, parse: parser(ParseLEGenerateDHKeyComplete)},
	})
}
