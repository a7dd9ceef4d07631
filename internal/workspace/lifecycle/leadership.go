package lifecycle

import (
	"context"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// Acquired queues every Workspace again, and namespaces without one, and lists Flyte's projects: while another replica led, this
// one did nothing, and while none did, Flyte may have become another. A spec that was not reconciled yet goes first.
func (c *Controller) Acquired(ctx context.Context) {
	c.tiers.reset()
	var all v1alpha1.WorkspaceList
	var namespaces corev1.NamespaceList
	if c.listUntilDone(ctx, &all, &namespaces) != nil {
		return // the lease was lost again
	}
	for i := range all.Items {
		if w := &all.Items[i]; w.Status.ObservedGeneration != w.Generation {
			c.queue.add(request(w.Name)...)
		} else {
			c.queue.addLow(request(w.Name)...)
		}
	}
	c.ListProjectsSoon()
	for id := range withoutWorkspace(namespaces.Items, all.Items) {
		c.queue.add(request(id)...)
	}
}

// listUntilDone lists Workspaces and Namespaces, and retries until both succeed or ctx ends.
func (c *Controller) listUntilDone(ctx context.Context, all *v1alpha1.WorkspaceList, namespaces *corev1.NamespaceList) error {
	return wait.PollUntilContextCancel(ctx, firstRetry, true, func(ctx context.Context) (bool, error) {
		err := c.client.List(ctx, all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency)
		if err == nil {
			err = c.client.List(ctx, namespaces, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency)
		}
		if err != nil {
			log.FromContext(ctx).Error(err, "listing Workspaces and Namespaces")
		}
		return err == nil, nil
	})
}

// withoutWorkspace are the ids of namespaces whose Workspace is gone.
func withoutWorkspace(namespaces []corev1.Namespace, workspaces []v1alpha1.Workspace) sets.Set[string] {
	ids := sets.New[string]()
	for i := range namespaces {
		ids.Insert(k8s.WorkspaceOf(&namespaces[i]))
	}
	for i := range workspaces {
		ids.Delete(workspaces[i].Name)
	}
	return ids.Delete("")
}

// orphans remember which namespaces without a Workspace were reported, by workspace id, so that each change is logged once.
type orphans struct{ reported sync.Map }

// changed reports whether the orphans of a workspace id are others than those reported last.
func (o *orphans) changed(id string, names []string) bool {
	if len(names) == 0 {
		_, had := o.reported.LoadAndDelete(id)
		return had
	}
	text := strings.Join(names, ",")
	was, _ := o.reported.Swap(id, text)
	return was != text
}

// reportOrphans logs the namespaces of a workspace that does not exist. They are released: only an event of the workspace,
// or a user, changes them again.
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
