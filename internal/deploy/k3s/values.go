package k3s

// Exposure says how senders reach the service through the bundled Traefik.
type Exposure struct {
	// Domain is the host name that senders use; without it, the service is not exposed.
	Domain string
	// TLSSecret is a Secret with the certificate; without it, Traefik's resolver gets one.
	TLSSecret string
}

// Values are the chart's for K3s: an IngressRoute, and images from the nodes themselves. On a single node, there is one replica, and
// nothing that needs a second node.
func Values(e Exposure, nodes int) map[string]any {
	values := map[string]any{"image": map[string]any{"pullPolicy": "IfNotPresent"}}
	if nodes == 1 {
		values["replicas"] = int64(1)
		values["autoscaling"] = map[string]any{"enabled": false}
		values["podDisruptionBudget"] = map[string]any{"enabled": false}
		values["topologySpread"] = []any{}
		values["resources"] = map[string]any{
			"requests": map[string]any{"cpu": "50m", "memory": "128Mi"},
			"limits":   map[string]any{"cpu": "1", "memory": "512Mi"},
		}
	}
	if e.Domain != "" {
		route := map[string]any{"enabled": true, "host": e.Domain, "certResolver": resolverName}
		if e.TLSSecret != "" {
			route["certResolver"], route["tlsSecretName"] = "", e.TLSSecret
		}
		values["exposure"] = map[string]any{"ingressRoute": route}
	}
	return values
}
