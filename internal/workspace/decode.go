package workspace

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxTypeErrors bounds how many members of the wrong type are reported for one document.
const maxTypeErrors = 100

// decode decodes a JSON document that is the member parent of the body, or the body itself if parent is "". All members of the
// wrong type are reported together, as one KindInvalid error, and value has all other members. A syntax error is KindMalformed,
// and value is empty.
func decode[T any](body []byte, parent string) (value T, err error) {
	wrong := typeErrors{parent: parent}
	if err := json.Unmarshal(body, &value, json.WithUnmarshalers(json.UnmarshalFromFunc(wrong.unmarshal))); err != nil {
		var empty T
		return empty, decodeError(err, parent)
	}
	return value, invalid(wrong.fields)
}

// typeErrors collects the members of a document that have the wrong type.
type typeErrors struct {
	parent string
	fields []FieldError
}

// unmarshal skips and records a value whose JSON type is not that of target. It leaves other values to package json, except for
// integers: see [parseInteger].
func (e *typeErrors) unmarshal(d *jsontext.Decoder, target any) error {
	got := d.PeekKind()
	want, word := jsonKind(reflect.TypeOf(target).Elem())
	if got == jsontext.KindInvalid || got == jsontext.KindNull || want == jsontext.KindInvalid {
		return errors.ErrUnsupported
	}
	if got != want {
		return e.skip(d, word)
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
		e.add(d, word)
	}
	return nil
}

func (e *typeErrors) skip(d *jsontext.Decoder, word string) error {
	if err := d.SkipValue(); err != nil {
		return err
	}
	e.add(d, word)
	return nil
}

// add records the value that d has just decoded.
func (e *typeErrors) add(d *jsontext.Decoder, word string) {
	if len(e.fields) < maxTypeErrors {
		e.fields = append(e.fields, FieldError{Field: fieldPath(e.parent, d.StackPointer()), Message: "must be " + word})
	}
}

// jsonKind returns the JSON type of a Go type, and its name for senders. It is KindInvalid for raw JSON and for types that
// unmarshal themselves.
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

// parseInteger parses a JSON number that is exactly an integer, however it is written: to JSON Schema, 7, 7.0 and 70e-1 are the
// same number. Its cost is bounded by the length of the text, not by the exponent.
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

// decodeError returns the KindMalformed error for a document that is not JSON.
func decodeError(err error, parent string) error {
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return &Error{Kind: KindMalformed, Detail: "the body is not a JSON document", Err: err}
	case errors.Is(err, jsontext.ErrDuplicateName): // err itself repeats the name in full
		return &Error{Kind: KindMalformed, Detail: fmt.Sprintf("the body has the member %q twice", fieldPath(parent, syntactic.JSONPointer))}
	}
	detail := fmt.Sprintf("the body is not a JSON document: at byte %d", syntactic.ByteOffset)
	return &Error{Kind: KindMalformed, Detail: detail, Err: err}
}

// fieldPath turns a JSON pointer below parent into the path of a FieldError, such as data.members[0].name or
// data.labels[cost-center]. The path of the root is [wholeBody].
func fieldPath(parent string, pointer jsontext.Pointer) string {
	text := parent
	for token := range pointer.Tokens() {
		switch {
		case isIndex(token) || strings.HasSuffix(text, "labels"):
			text += "[" + token + "]"
		case text == "":
			text = token
		default:
			text += "." + token
		}
	}
	if text == "" {
		return wholeBody
	}
	return quoted(text)
}

// wholeBody is the path of the whole body.
const wholeBody = "body"

func isIndex(token string) bool { return token != "" && strings.Trim(token, "0123456789") == "" }
