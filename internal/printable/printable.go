// Package printable guards the places where people read text that others wrote: logs, conditions, answers, terminals.
package printable

import (
	"strings"
	"unicode/utf8"
)

const ellipsis = "…"

// Is reports whether text is UTF-8 without the characters that [Text] replaces.
func Is(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, isControl)
}

// Text returns text as valid UTF-8 in one line of at most limit bytes. A space stands for each tab and line break, U+FFFD
// for any other character that can forge lines or reverse text, and "…" for what is cut off.
func Text(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return ' '
		case isControl(r):
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	switch {
	case len(text) <= limit:
		return text
	case limit < len(ellipsis):
		return ""
	}
	return strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
}

// isControl reports whether r is a C0 or C1 control, U+2028, U+2029 or a bidirectional control (Unicode Standard Annex 9).
func isControl(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r == 0x61c || r == 0x200e || r == 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
