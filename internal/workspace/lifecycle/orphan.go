package lifecycle

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// orphans remember which namespaces were reported, so that the log tells of each change once.
type orphans struct {
	mu       sync.Mutex
	reported map[string][]string // by workspace id
}

// changed tells whether the orphans of a workspace id are others than those reported last.
func (o *orphans) changed(id string, names []string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.Equal(o.reported[id], names) {
		return false
	}
	if o.reported == nil {
		o.reported = map[string][]string{}
	}
	o.reported[id] = names
	if len(names) == 0 {
		delete(o.reported, id)
	}
	return true
}

// reportOrphans logs the namespaces of a workspace that does not exist. They are released: only an event of the workspace,
// or a person, touches them again.
func (c *Controller) reportOrphans(ctx context.Context, id string) error {
	var all corev1.NamespaceList
	err := c.client.List(ctx, &all, client.MatchingLabels{v1alpha1.LabelWorkspace: id}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return err
	}
	var names []string
	for i := range all.Items {
		names = append(names, all.Items[i].Name)
	}
	slices.Sort(names)
	if c.orphans.changed(id, names) && len(names) > 0 {
		log.FromContext(ctx).Info("namespaces belong to no Workspace; they are left as they are", "workspace", id, "namespaces", names)
	}
	return nil
}
