package workspace

import (
	"errors"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// Kind says who can fix the error. The HTTP edge maps it to a status, in one place.
type Kind int

// The kinds of errors.
const (
	// KindInternal: the service itself failed. Senders don't see the text.
	KindInternal Kind = iota
	// KindMalformed: the body is not a JSON document, or a query parameter can't be used.
	KindMalformed
	// KindInvalid: the request is well-formed and breaks a rule. Fields says where.
	KindInvalid
	// KindUnauthorized: the signature or the token is missing, wrong or expired.
	KindUnauthorized
	// KindForbidden: the user may not read this.
	KindForbidden
	// KindNotFound: there is no such object.
	KindNotFound
	// KindConflict: the request conflicts with an earlier event, or with an object of another owner.
	KindConflict
	// KindLimited: a limit is reached. A repeat may succeed later.
	KindLimited
	// KindUnavailable: the Kubernetes API can't store or answer it now. A repeat will succeed.
	KindUnavailable
)

// FieldError is one field of the request that breaks a rule.
type FieldError struct {
	// Field is the path from the root of the request's body, such as data.members[0].name.
	Field string `json:"field"`
	// Message is a sentence without a subject: "must be a DNS label".
	Message string `json:"message"`
}

// Error is a refusal. Its Detail and Fields are safe to show to the sender; Err, the cause, is for the log.
type Error struct {
	Kind   Kind
	Detail string
	Fields []FieldError
	Err    error
}

// Error joins the detail, the fields and the cause.
func (e *Error) Error() string {
	parts := []string{e.Detail}
	for _, f := range e.Fields {
		parts = append(parts, f.Field+" "+f.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain, else KindInternal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// Below returns err with its fields moved below a member of the body.
func Below(member string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = make([]FieldError, len(e.Fields))
	for i, f := range e.Fields {
		moved.Fields[i] = FieldError{Field: member + "." + f.Field, Message: f.Message}
	}
	return &moved
}

// invalid returns a KindInvalid error for these fields, or nil if there are none.
func invalid(fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: KindInvalid, Detail: "the request is invalid", Fields: fields}
}

// joinInvalid joins KindInvalid errors into one. It leaves out a field of a later error if an earlier error has the field itself,
// or an object or array around it.
func joinInvalid(errs ...error) error {
	var fields []FieldError
	for _, err := range errs {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			continue
		}
		earlier := fields
		for _, f := range e.Fields {
			if !slices.ContainsFunc(earlier, func(known FieldError) bool { return isWithin(f.Field, known.Field) }) {
				fields = append(fields, f)
			}
		}
	}
	return invalid(fields)
}

// isWithin reports whether a field is outer, or part of it.
func isWithin(field, outer string) bool {
	rest, found := strings.CutPrefix(field, outer)
	return outer == wholeBody || found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// maxQuoted bounds what an error repeats of a sender's own text, in bytes.
const maxQuoted = 100

// quoted returns what an error repeats of a sender's text.
func quoted(text string) string { return printable.Text(text, maxQuoted) }
