// Package docs holds the pages that the service itself shows a part of.
package docs

import _ "embed" // for the pages

// Operations is operations.md. The web page shows the row of a reason beside a failing condition.
//
//go:embed operations.md
var Operations string
