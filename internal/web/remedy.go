package web

import (
	"regexp"
	"strings"

	"platform.company.com/workspace-flyte-integration/docs"
)

// remedy is the row of a reason in the tables of docs/operations.md.
type remedy struct{ means, action []span }

// span is a part of a sentence. Code is to be shown as it would be typed.
type span struct {
	text string
	code bool
}

var (
	linkAside    = regexp.MustCompile(` \(\[[^\]]*\]\([^)]*\)\)`)
	markdownLink = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	reasonName   = regexp.MustCompile("`([A-Z][A-Za-z]+)`")
)

// readRemedies returns the rows of the tables of reasons, by reason.
func readRemedies() map[string]remedy {
	remedies, inTable := map[string]remedy{}, false
	for line := range strings.Lines(docs.Operations) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case len(cells) == 3 && strings.HasSuffix(strings.TrimSpace(cells[0]), "reason") && strings.TrimSpace(cells[1]) == "means":
			inTable = true
		case inTable && len(cells) == 3:
			row := remedy{means: spans(cells[1]), action: spans(cells[2])}
			for _, name := range reasonName.FindAllStringSubmatch(cells[0], -1) {
				remedies[name[1]] = row
			}
		}
	}
	return remedies
}

// spans reads the code and the text in a cell as a sentence. Links lose their target: the pages of the documentation are not served
// here.
func spans(cell string) (parts []span) {
	text := linkAside.ReplaceAllString(strings.TrimSpace(cell), "")
	text = markdownLink.ReplaceAllString(text, "$1")
	text = strings.ToUpper(text[:1]) + text[1:] + "."
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			parts = append(parts, span{text: part, code: i%2 == 1})
		}
	}
	return parts
}
