package workspace

import "fmt"

// MaxDepth is how deep the arrays and objects of a body may be nested. Ours need four levels.
const MaxDepth = 64

// checkDepth refuses a body that is nested deeper, before it is decoded. It may miscount a body that is not JSON, which is
// malformed either way.
func checkDepth(body []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
		if depth > MaxDepth {
			return &Error{Kind: KindMalformed, Detail: fmt.Sprintf("the body is nested deeper than %d levels", MaxDepth)}
		}
	}
	return nil
}
