package workspace

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decodeError tells a document that is no JSON (malformed) from one whose members have the wrong type (invalid).
func decodeError(err error, at string) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return invalid([]FieldError{{Field: path(at, semantic.JSONPointer), Message: "must be " + wanted(semantic.GoType)}})
	}
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return &Error{Kind: KindMalformed, Detail: "the body is not a JSON document", Err: err}
	case errors.Is(err, jsontext.ErrDuplicateName): // err itself repeats the name, however long
		return &Error{Kind: KindMalformed, Detail: fmt.Sprintf("the body has the member %q twice", path(at, syntactic.JSONPointer))}
	}
	detail := fmt.Sprintf("the body is not a JSON document: at byte %d", syntactic.ByteOffset)
	return &Error{Kind: KindMalformed, Detail: detail, Err: err}
}

// wanted is how a sender would call the JSON form of a Go type.
func wanted(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Int64:
		return "a whole number, written without fraction or exponent"
	case reflect.Slice:
		return "an array"
	default:
		return "an object"
	}
}

// path turns a JSON pointer below at into the path that field errors use, such as data.members[0].name or
// data.labels[cost-center]. The root is called body.
func path(at string, pointer jsontext.Pointer) string {
	text := at
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
		return "body"
	}
	return presentable(text)
}

func isIndex(token string) bool { return token != "" && strings.Trim(token, "0123456789") == "" }
