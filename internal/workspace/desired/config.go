package desired

import (
	"encoding/json"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// configName is the ConfigMap that describes the workspace to its pods.
const configName = "workspace-config"

// Config is the ConfigMap workspace-config. Its key labels has the workspace's own labels as a JSON object. ConfigMaps
// are not pruned: they grant and limit nothing, and members may create them.
func (p *Plan) Config() Part { return Part{Objects: []client.Object{p.configMap()}} }

func (p *Plan) configMap() *corev1.ConfigMap {
	spec := p.Workspace.Spec
	return &corev1.ConfigMap{ObjectMeta: p.metadata(configName), Data: map[string]string{
		"workspace-id": p.Workspace.Name,
		"project":      p.Workspace.Name,
		"console-url":  p.ConsoleURL,
		"tier":         spec.Tier,
		"owner":        string(spec.Owner),
		"version":      strconv.FormatInt(spec.Version, 10),
		"labels":       labelsJSON(spec.Labels),
	}}
}

func labelsJSON(labels map[string]v1alpha1.LabelValue) string {
	if labels == nil {
		return "{}"
	}
	text, err := json.Marshal(labels)
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	return string(text)
}
