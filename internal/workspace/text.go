package workspace

import "unicode/utf8"

// Truncate is text in at most limit bytes, cut between two characters.
func Truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
