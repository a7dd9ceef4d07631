package workspace

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecode_BoundsTheDepth(t *testing.T) {
	nested := func(open, shut string, n int) string { return strings.Repeat(open, n) + "1" + strings.Repeat(shut, n) }
	in := func(value string) string { return `{"workspace_id":"a","x":` + value + `}` }
	tooDeep := &Error{Kind: KindMalformed, Detail: "the body is nested deeper than 64 levels"}
	tests := map[string]struct {
		data string
		want *Error
	}{
		"arrays":                 {in(nested("[", "]", MaxDepth-1)), nil},
		"one array more":         {in(nested("[", "]", MaxDepth)), tooDeep},
		"objects":                {in(nested(`{"x":`, "}", MaxDepth-1)), nil},
		"one object more":        {in(nested(`{"x":`, "}", MaxDepth)), tooDeep},
		"both":                   {in(nested(`[{"x":`, "}]", MaxDepth/2)), tooDeep},
		"many beside each other": {in("[" + strings.Repeat("[],{},", 1000) + "1]"), nil},
		"in a text":              {in(`"` + strings.Repeat(`[{`, 1000) + `"`), nil},
		"after an escaped quote": {in(`"\"` + strings.Repeat(`[{`, 1000) + `"`), nil},
		"after a backslash":      {in(`["\\",` + nested("[", "]", MaxDepth-2) + `]`), nil},
		"too deep after a text":  {in(`["\\",` + nested("[", "]", MaxDepth-1) + `]`), tooDeep},
		"never closed":           {strings.Repeat("[", 200_000), tooDeep},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeData([]byte(test.data))
			if test.want == nil && err == nil {
				return
			}
			if diff := cmp.Diff(error(test.want), err); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := DecodeEvent([]byte(test.data)); cmp.Diff(error(test.want), err) != "" {
				t.Errorf("an event: %v", err)
			}
		})
	}
}
