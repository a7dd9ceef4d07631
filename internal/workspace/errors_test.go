package workspace

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestKindOf_FindsTheKind(t *testing.T) {
	conflict := &Error{Kind: KindConflict}
	tests := []struct {
		name string
		err  error
		want Kind
	}{
		{"nil", nil, KindInternal},
		{"another error", io.EOF, KindInternal},
		{"ours", conflict, KindConflict},
		{"wrapped", fmt.Errorf("storing: %w", conflict), KindConflict},
		{"joined", errors.Join(io.EOF, conflict), KindConflict},
	}
	for _, test := range tests {
		if got := KindOf(test.err); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestError_JoinsDetailFieldsAndCause(t *testing.T) {
	err := &Error{Detail: "it breaks a rule", Fields: []FieldError{{"data.name", "is required"}}, Err: io.EOF}
	if got, want := err.Error(), "it breaks a rule: data.name is required: EOF"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}
