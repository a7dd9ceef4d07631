package remedy

import (
	"regexp"
	"strings"
)

// Text is one line of Markdown that has only plain text, `code` and [text](link). A link is relative to docs/operations.md.
type Text string

// Span is a part of a Text. At most one of Code and Link is set.
type Span struct {
	Text string
	Code bool
	// Link is the target relative to docs/, such as "flyte.md#what-a-project-is".
	Link string
}

var markup = regexp.MustCompile("`([^`]+)`|\\[([^]]+)]\\(([^)]+)\\)")

// Spans returns the parts of the text in their order.
func (t Text) Spans() (spans []Span) {
	text, end := string(t), 0
	for _, at := range markup.FindAllStringSubmatchIndex(text, -1) {
		spans = appendPlain(spans, text[end:at[0]])
		if at[2] >= 0 {
			spans = append(spans, Span{Text: text[at[2]:at[3]], Code: true})
		} else {
			spans = append(spans, Span{Text: text[at[4]:at[5]], Link: target(text[at[6]:at[7]])})
		}
		end = at[1]
	}
	return appendPlain(spans, text[end:])
}

func appendPlain(spans []Span, text string) []Span {
	if text == "" {
		return spans
	}
	return append(spans, Span{Text: text})
}

func target(link string) string {
	if strings.HasPrefix(link, "#") {
		return "operations.md" + link
	}
	return link
}

// Plain returns the text for a terminal: code as it is, and links with their target in parentheses.
func (t Text) Plain() string {
	var plain strings.Builder
	for _, span := range t.Spans() {
		plain.WriteString(span.Text)
		if span.Link != "" {
			plain.WriteString(" (docs/" + span.Link + ")")
		}
	}
	return plain.String()
}
