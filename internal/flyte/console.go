package flyte

import (
	"net/url"
	"strings"
)

// ConsoleURL is the page of a project in the Flyte console: its workflows or runs in one domain or, with an empty domain, the
// project. Flyte 2 has no page of a project without a domain: then it is the console's first page. The base may end in a slash
// or already in the console's own path.
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
