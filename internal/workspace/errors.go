package workspace

import (
	"errors"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// Kind says whose turn it is after an error; the HTTP edge maps it to a status in one place.
type Kind int

// The kinds of errors.
const (
	// KindInternal is a fault of the service itself; its text is not shown to senders.
	KindInternal Kind = iota
	// KindMalformed: the request is no JSON document of the expected form.
	KindMalformed
	// KindInvalid: well-formed, but a rule refuses it; Fields says where.
	KindInvalid
	// KindUnauthorized: missing, wrong or expired signature.
	KindUnauthorized
	// KindConflict: it contradicts something that is there and is not ours to change.
	KindConflict
	// KindLimited: there are too many already; later there may be room.
	KindLimited
	// KindUnavailable: the Kubernetes API can't store it now; a repeat will succeed.
	KindUnavailable
)

// FieldError says which field of the request breaks which rule.
type FieldError struct {
	// Field is the path from the root of the request's body, such as data.members[0].name.
	Field string `json:"field"`
	// Message is a sentence without a subject: "must be a DNS label".
	Message string `json:"message"`
}

// Error is a refusal whose Detail and Fields are safe to show to the sender; Err, the cause, is for the log.
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

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first Error in err's chain, else KindInternal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// Below is err with its fields moved below a member of the body.
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

// invalid is a KindInvalid error for these fields, or nil if there are none.
func invalid(fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: KindInvalid, Detail: "the request breaks a rule", Fields: fields}
}

// allFaults joins KindInvalid errors into one with the fields of all. A field of a later error is left out where an
// earlier error already names the field itself or an object or array around it.
func allFaults(errs ...error) error {
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
