package workspace

import "fmt"

// MaxDepth is how deep arrays and objects of a body may stand in each other. Ours need four levels.
const MaxDepth = 64

// boundDepth refuses what is nested deeper, before anything is decoded. Where the body is no JSON it may count wrongly:
// it is malformed either way.
func boundDepth(body []byte) error {
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
