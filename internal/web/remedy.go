package web

import (
	"regexp"
	"strings"

	reasons "platform.company.com/workspace-flyte-integration/internal/remedy"
)

// remedy is what a reason means, and what to do.
type remedy struct{ means, action []span }

// span is a part of a sentence. Code is to be shown as it would be typed.
type span struct {
	text string
	code bool
}

var linkAside = regexp.MustCompile(` \(\[[^\]]*\]\([^)]*\)\)`)

// readRemedies returns the remedies, by reason.
func readRemedies() map[string]remedy {
	remedies := map[string]remedy{}
	for _, row := range append(reasons.Ready(), reasons.WorkspaceService()...) {
		for _, reason := range row.Reasons {
			remedies[reason] = remedy{means: sentenceOf(row.Means), action: sentenceOf(row.Do)}
		}
	}
	return remedies
}

// sentenceOf makes a sentence. Links lose their target: the pages of the documentation are not served here.
func sentenceOf(text reasons.Text) (parts []span) {
	bare := linkAside.ReplaceAllString(string(text), "")
	bare = strings.ToUpper(bare[:1]) + bare[1:] + "."
	for _, part := range reasons.Text(bare).Spans() {
		parts = append(parts, span{text: part.Text, code: part.Code})
	}
	return parts
}
