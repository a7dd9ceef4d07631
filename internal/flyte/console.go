package flyte

import (
	"net/url"
	"strings"
)

// ConsoleURL is the page of a project in the Flyte console: its workflows in one domain or, with an empty domain, the project.
// The base may end in a slash or already in the console's own path.
func ConsoleURL(base, project, domain string) string {
	base = strings.TrimRight(base, "/")
	page := strings.TrimSuffix(base, "/console") + "/console/projects/" + url.PathEscape(project)
	if domain == "" {
		return page
	}
	return page + "/workflows?domain=" + url.QueryEscape(domain)
}
