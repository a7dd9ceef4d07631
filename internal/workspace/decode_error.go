package workspace

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

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
