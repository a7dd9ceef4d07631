package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Moved names the workspaces that the naming would move to other namespaces, a line for each, sorted: those that were provisioned in
// a namespace which is still there and theirs, and which they would not get by the naming.
func Moved(ctx context.Context, cached client.Reader, naming *workspace.Naming) (lines []string, err error) {
	var namespaces corev1.NamespaceList
	if err := cached.List(ctx, &namespaces, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Namespaces: %w", err)
	}
	owner := make(map[string]string, len(namespaces.Items))
	for i := range namespaces.Items {
		owner[namespaces.Items[i].Name] = k8s.WorkspaceOf(&namespaces.Items[i])
	}
	var all v1alpha1.WorkspaceList
	if err := cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	for i := range all.Items {
		w := &all.Items[i]
		for _, name := range w.Status.Namespaces {
			if owner[name] == w.Name && !isNamedFor(naming, w.Name, name) {
				lines = append(lines, fmt.Sprintf("workspace %s has the namespace %s, and would get %s", w.Name, name, names(naming, w.Name)))
			}
		}
	}
	slices.Sort(lines)
	return lines, nil
}

func names(naming *workspace.Naming, id string) string {
	var all []string
	for _, namespace := range naming.Namespaces(id) {
		all = append(all, namespace.Name)
	}
	return strings.Join(all, ", ")
}
