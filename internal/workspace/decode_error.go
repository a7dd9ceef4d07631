package workspace

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// decodeError is the KindMalformed error for a document that is not JSON.
func decodeError(err error, at string) error {
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

// path turns a JSON pointer below at into the path that field errors use, such as data.members[0].name or
// data.labels[cost-center]. The root is called [wholeBody].
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
		return wholeBody
	}
	return quoted(text)
}

// wholeBody is the field that stands for all of a body.
const wholeBody = "body"

func isIndex(token string) bool { return token != "" && strings.Trim(token, "0123456789") == "" }
