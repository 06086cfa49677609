package att

// HandleValueNotification tells a value without being confirmed (ATT_HANDLE_VALUE_NTF; Vol 3, Part F, 3.4.7.1).
type HandleValueNotification struct {
	Handle uint16
	Value  []byte // or its first ATT_MTU-3 octets
}

// Opcode is OpHandleValueNotification.
func (HandleValueNotification) Opcode() Opcode { return OpHandleValueNotification }

// AppendTo writes the PDU.
func (n HandleValueNotification) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpHandleValueNotification, n.Handle), n.Value...)
}

// ParseHandleValueNotification reads at least 3 octets.
func ParseHandleValueNotification(b []byte) (HandleValueNotification, error) {
	if err := check(b, OpHandleValueNotification, 3, anyLen); err != nil {
		return HandleValueNotification{}, err
	}
	return HandleValueNotification{Handle: le.Uint16(b[1:]), Value: b[3:]}, nil
}

// HandleValueIndication tells a value and waits for a confirmation (ATT_HANDLE_VALUE_IND; Vol 3, Part F, 3.4.7.2).
type HandleValueIndication struct {
	Handle uint16
	Value  []byte // or its first ATT_MTU-3 octets
}

// Opcode is OpHandleValueIndication.
func (HandleValueIndication) Opcode() Opcode { return OpHandleValueIndication }

// AppendTo writes the PDU.
func (i HandleValueIndication) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpHandleValueIndication, i.Handle), i.Value...)
}

// ParseHandleValueIndication reads at least 3 octets.
func ParseHandleValueIndication(b []byte) (HandleValueIndication, error) {
	if err := check(b, OpHandleValueIndication, 3, anyLen); err != nil {
		return HandleValueIndication{}, err
	}
	return HandleValueIndication{Handle: le.Uint16(b[1:]), Value: b[3:]}, nil
}

// HandleValueConfirmation answers an indication (ATT_HANDLE_VALUE_CFM; Vol 3, Part F, 3.4.7.3).
type HandleValueConfirmation struct{}

// Opcode is OpHandleValueConfirmation.
func (HandleValueConfirmation) Opcode() Opcode { return OpHandleValueConfirmation }

// AppendTo writes the PDU.
func (HandleValueConfirmation) AppendTo(b []byte) []byte {
	return append(b, byte(OpHandleValueConfirmation))
}

// ParseHandleValueConfirmation reads exactly 1 octet.
func ParseHandleValueConfirmation(b []byte) (HandleValueConfirmation, error) {
	return HandleValueConfirmation{}, check(b, OpHandleValueConfirmation, 1, 1)
}

// A HandleValue is one value of a [MultipleHandleValueNotification].
type HandleValue struct {
	Handle uint16
	Value  []byte
}

// MultipleHandleValueNotification tells several values without being confirmed
// (ATT_MULTIPLE_HANDLE_VALUE_NTF; Vol 3, Part F, 3.4.7.4).
type MultipleHandleValueNotification struct {
	Values []HandleValue // at least two, none of them cut
}

// Opcode is OpMultipleHandleValueNotification.
func (MultipleHandleValueNotification) Opcode() Opcode { return OpMultipleHandleValueNotification }

// AppendTo writes the PDU. Values are cut at the 65,535 octets that a length can tell.
func (n MultipleHandleValueNotification) AppendTo(b []byte) []byte {
	b = append(b, byte(OpMultipleHandleValueNotification))
	for _, v := range n.Values {
		value := v.Value[:min(len(v.Value), 1<<16-1)]
		b = le.AppendUint16(le.AppendUint16(b, v.Handle), uint16(len(value)))
		b = append(b, value...)
	}
	return b
}

// ParseMultipleHandleValueNotification reads two or more values, and nothing left over.
func ParseMultipleHandleValueNotification(b []byte) (MultipleHandleValueNotification, error) {
	list, err := checkHandleValues(b, 2)
	if err != nil {
		return MultipleHandleValueNotification{}, err
	}
	var n MultipleHandleValueNotification
	for len(list) > 0 {
		var v HandleValue
		v, list = nextHandleValue(list)
		n.Values = append(n.Values, v)
	}
	return n, nil
}

// handleValueHeader is the handle and length before each value of a MultipleHandleValueNotification, in octets.
const handleValueHeader = 4

// checkHandleValues finds the list in a MultipleHandleValueNotification and walks it once, so that nextHandleValue can't fail:
// the list is delivered whole or not at all, without being copied. It holds at least so many.
func checkHandleValues(b []byte, least int) (list []byte, err error) {
	const op = OpMultipleHandleValueNotification
	if err := check(b, op, 1+least*handleValueHeader, anyLen); err != nil {
		return nil, err
	}
	count := 0
	for rest := b[1:]; len(rest) > 0; count++ {
		if len(rest) < handleValueHeader || len(rest)-handleValueHeader < int(le.Uint16(rest[2:])) {
			return nil, malformed(b, op, "a value is cut")
		}
		_, rest = nextHandleValue(rest)
	}
	if count < least {
		return nil, malformed(b, op, "too few values")
	}
	return b[1:], nil
}

// nextHandleValue takes the first value off a list that checkHandleValues has seen.
func nextHandleValue(list []byte) (v HandleValue, rest []byte) {
	end := handleValueHeader + int(le.Uint16(list[2:]))
	return HandleValue{Handle: le.Uint16(list), Value: list[handleValueHeader:end]}, list[end:]
}
