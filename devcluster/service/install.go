package service

import (
	"context"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// release is the name of the Helm release and of its ServiceAccount.
const release = "workspace-flyte-integration"

// applyChart installs the chart without its Deployment, since there is no node, and returns the environment of its ConfigMap.
func applyChart(ctx context.Context, o Options) (map[string]string, error) {
	values := map[string]any{
		"flyte":   map[string]any{"consoleURL": "https://flyte.company.com"},
		"webhook": map[string]any{"existingSecret": "not-used-here"},
	}
	maps.Copy(values, o.Values)
	objects, err := deploy.Render(deploy.Options{Release: release, Namespace: Namespace, Values: values})
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	var kept []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() == "ConfigMap" {
			env, _, err = unstructured.NestedStringMap(object.Object, "data")
			if err != nil {
				return nil, fmt.Errorf("reading the chart's ConfigMap: %w", err)
			}
		}
		if object.GetKind() != "Deployment" {
			kept = append(kept, object)
		}
	}
	return env, deploy.Apply(ctx, o.Admin, kept)
}
