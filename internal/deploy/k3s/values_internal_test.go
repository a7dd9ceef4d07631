package k3s

import (
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k8s"
)

// TestValues_Render: the chart takes the values, with each way to get a certificate.
func TestValues_Render(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"one node":    Values(Exposure{}, 1),
		"three nodes": Values(Exposure{Domain: "d"}, 3),
		"own Secret":  Values(Exposure{Domain: "d", TLSSecret: "s"}, 1),
	} {
		values["flyte"] = map[string]any{"consoleURL": "https://flyte.company.com"}
		values["webhook"] = map[string]any{"existingSecret": k8s.SecretName}
		if _, err := deploy.Render(deploy.Options{Namespace: "n", Values: values}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
