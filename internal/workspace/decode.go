package workspace

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxTypeFaults bounds how many members of the wrong type are reported for one document.
const maxTypeFaults = 100

// decode reads a JSON document. Members of the wrong type don't end it: all of them are reported together, as one
// KindInvalid error, and value holds what could be read. A syntax error is KindMalformed, and value is empty.
func decode[T any](body []byte, at string) (value T, err error) {
	faults := typeFaults{at: at}
	if err := json.Unmarshal(body, &value, json.WithUnmarshalers(json.UnmarshalFromFunc(faults.unmarshal))); err != nil {
		var none T
		return none, decodeError(err, at)
	}
	return value, invalid(faults.fields)
}

// typeFaults collects the members of a document that have the wrong type.
type typeFaults struct {
	at     string
	fields []FieldError
}

// unmarshal skips a value whose JSON type does not fit target, and records it. It leaves a fitting value to the json
// package, except for integers: see [parseInteger].
func (f *typeFaults) unmarshal(d *jsontext.Decoder, target any) error {
	got := d.PeekKind()
	want, word := jsonKind(reflect.TypeOf(target).Elem())
	if got == jsontext.KindInvalid || got == jsontext.KindNull || want == jsontext.KindInvalid {
		return errors.ErrUnsupported
	}
	if got != want {
		return f.skip(d, word)
	}
	integer, ok := target.(*int64)
	if !ok {
		return errors.ErrUnsupported
	}
	text, err := d.ReadValue()
	if err != nil {
		return err
	}
	if *integer, ok = parseInteger(string(text)); !ok {
		f.add(d, word)
	}
	return nil
}

func (f *typeFaults) skip(d *jsontext.Decoder, word string) error {
	if err := d.SkipValue(); err != nil {
		return err
	}
	f.add(d, word)
	return nil
}

// add records the value that d has just read.
func (f *typeFaults) add(d *jsontext.Decoder, word string) {
	if len(f.fields) < maxTypeFaults {
		f.fields = append(f.fields, FieldError{Field: path(f.at, d.StackPointer()), Message: "must be " + word})
	}
}

// jsonKind is the JSON type of a Go type, and how a sender would call it. It is KindInvalid for raw JSON and for types
// that unmarshal themselves.
func jsonKind(t reflect.Type) (kind jsontext.Kind, word string) {
	switch {
	case t == reflect.TypeFor[jsontext.Value]():
		return jsontext.KindInvalid, ""
	case t.Kind() == reflect.String:
		return jsontext.KindString, "a string"
	case t.Kind() == reflect.Int64:
		return jsontext.KindNumber, "a whole number"
	case t.Kind() == reflect.Slice:
		return jsontext.KindBeginArray, "an array"
	}
	return jsontext.KindBeginObject, "an object"
}

// parseInteger reads a JSON number that is exactly an integer, however it is written: 7, 7.0 and 70e-1 are the same
// number to JSON Schema. The cost is bounded by the length of the text, not by the exponent.
func parseInteger(text string) (integer int64, ok bool) {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return 0, true
	}
	scale := 0
	if hasExponent {
		var err error
		if scale, err = strconv.Atoi(exponent); err != nil {
			return 0, false
		}
	}
	significant := strings.TrimRight(digits, "0")
	zeros := scale - len(fraction) + len(digits) - len(significant)
	if zeros < 0 || zeros > maxInt64Digits-len(significant) {
		return 0, false
	}
	if negative {
		significant = "-" + significant
	}
	integer, err := strconv.ParseInt(significant+strings.Repeat("0", zeros), 10, 64)
	return integer, err == nil
}

// maxInt64Digits is the number of digits of the largest int64.
const maxInt64Digits = 19
