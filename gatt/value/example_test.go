package value_test

import (
	"fmt"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt/value"
)

func ExampleDecode() {
	temperature := att.UUID16(0x2A1C)
	fields, err := value.Decode(temperature, []byte{0x04, 0x6E, 0x01, 0x00, 0xFF, 0x03})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(fields)
	fmt.Println(fields.Get("temperature"))
	// Output:
	// temperature 36.6 °C, type ear
	// 36.6
}
