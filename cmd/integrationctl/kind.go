package main

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// kind is a kind of object that "get" shows.
type kind struct {
	plural  string // as people say it
	names   []string
	gvr     schema.GroupVersionResource
	kindGVK schema.GroupVersionKind
}

func kinds() []kind {
	return []kind{
		{
			plural: "workspaces", names: []string{"workspaces", "workspace", "ws"},
			gvr: v1alpha1.GroupVersion.WithResource("workspaces"), kindGVK: v1alpha1.GroupVersion.WithKind("Workspace"),
		},
		{
			plural: "tiers", names: []string{"tiers", "tier", "workspacetiers", "workspacetier", "wst"},
			gvr: v1alpha1.GroupVersion.WithResource("workspacetiers"), kindGVK: v1alpha1.GroupVersion.WithKind("WorkspaceTier"),
		},
	}
}

// parseKind returns the kind that a word names.
func parseKind(word string) (kind, error) {
	for _, k := range kinds() {
		if slices.Contains(k.names, word) {
			return k, nil
		}
	}
	return kind{}, usagef("%q is neither workspaces nor tiers", word)
}
