package flyte

import (
	"net/url"
	"strings"
)

// ConsoleURL is the address of a project's page in the Flyte console: the workflows (Flyte 1) or runs (Flyte 2) in a domain, or the
// project itself if domain is empty. Flyte 2 has no page for a project in all domains, so there it is the console's start page. The
// base may end in a slash or in the console's own path.
func ConsoleURL(api API, base, project, domain string) string {
	base = strings.TrimRight(base, "/")
	project = url.PathEscape(project)
	switch {
	case api == V2 && domain == "":
		return strings.TrimSuffix(base, "/v2") + "/v2"
	case api == V2: // flyte-sdk, src/flyte/remote/_client/controlplane.py
		return strings.TrimSuffix(base, "/v2") + "/v2/domain/" + url.PathEscape(domain) + "/project/" + project + "/runs"
	case domain == "":
		return strings.TrimSuffix(base, "/console") + "/console/projects/" + project
	}
	return strings.TrimSuffix(base, "/console") + "/console/projects/" + project + "/workflows?domain=" + url.QueryEscape(domain)
}
