package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// atOnce is how many workspaces the bare client makes, and how many objects it changes, at a time: as many as the
// service has workers.
const atOnce = 16

// bareTimes is how long the bare client took: for the Workspace alone, and for all of it.
type bareTimes struct{ create, whole time.Duration }

// bare is a Workspace and everything that the service makes of it, ready to be sent.
type bare struct {
	wish *v1alpha1.Workspace
	// namespaces are the objects of each namespace, the Namespace first.
	namespaces [][]client.Object
}

// bareOf renders them by the service's own code.
func (w *world) bareOf(id string) (bare, error) {
	wish := workspace.New(id)
	if _, err := workspace.Record(wish, workspace.Event{Type: workspace.EventCreated, Data: team(id)}, workspace.Delivery{}); err != nil {
		return bare{}, err
	}
	return bare{wish, w.bareObjects(wish)}, nil
}

// makeBare makes all of it, each by one create, and writes the status once, which is that of a workspace of the service. The objects
// in a namespace are made at the same time. The service must be paused or stopped until removeBare: the rest bears no label of
// ours.
func (w *world) makeBare(ctx context.Context, b bare) (bareTimes, error) {
	start := time.Now()
	if err := w.bare.Create(ctx, b.wish); err != nil {
		return bareTimes{}, fmt.Errorf("making Workspace %q: %w", b.wish.Name, err)
	}
	times := bareTimes{create: time.Since(start)}
	err := each(len(b.namespaces), len(b.namespaces), func(i int) error { return w.createNamespace(ctx, b.namespaces[i]) })
	if err == nil {
		err = w.writeBareStatus(ctx, b.wish)
	}
	times.whole = time.Since(start)
	return times, err
}

// removeBare removes what the service would find.
func (w *world) removeBare(ctx context.Context, id string) error {
	wish := &v1alpha1.Workspace{}
	wish.Name = id
	if err := w.bare.Delete(ctx, wish); err != nil {
		return fmt.Errorf("removing Workspace %q: %w", id, err)
	}
	return nil
}

func (w *world) bareObjects(wish *v1alpha1.Workspace) (all [][]client.Object) {
	for _, namespace := range w.naming.Namespaces(wish.Name) {
		plan := &k8s.Plan{
			Cluster: &k8s.Cluster{FlyteNamespace: "flyte"}, Workspace: wish, Tier: &w.tier, Namespace: namespace,
			ConsoleURL: "https://flyte.company.com/console/projects/" + wish.Name,
		}
		objects := []client.Object{plan.NamespaceObject(), plan.ConfigObject(), plan.WorkloadIdentity(), plan.NetworkPolicy()}
		quota, _ := plan.QuotaObjects()
		access, _ := plan.AccessObjects()
		for _, more := range [][]client.Object{quota, access} {
			objects = append(objects, more...)
		}
		for _, o := range objects {
			o.SetLabels(notOurs(o.GetLabels()))
		}
		all = append(all, objects)
	}
	return all
}

// notOurs makes labels as long that are not the service's: it leaves alone what bears them.
func notOurs(labels map[string]string) map[string]string {
	others := map[string]string{}
	for key, value := range labels {
		key = strings.Replace(key, "platform.company.com/", "platform.example.com/", 1)
		others[strings.Replace(key, "/managed-by", "/created-by", 1)] = value
	}
	return others
}

func (w *world) createNamespace(ctx context.Context, objects []client.Object) error {
	if err := w.bare.Create(ctx, objects[0]); err != nil {
		return fmt.Errorf("making Namespace %q: %w", objects[0].GetName(), err)
	}
	inside := objects[1:]
	return each(len(inside), len(inside), func(i int) error {
		if err := w.bare.Create(ctx, inside[i]); err != nil {
			return fmt.Errorf("making %T %q: %w", inside[i], inside[i].GetName(), err)
		}
		return nil
	})
}

func (w *world) writeBareStatus(ctx context.Context, wish *v1alpha1.Workspace) error {
	before := wish.DeepCopy()
	wish.Status = *w.sample.DeepCopy()
	if err := w.bare.Status().Patch(ctx, wish, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("writing the status of %q: %w", wish.Name, err)
	}
	return nil
}

// each calls do for 0 to n-1, so many at a time, and joins what went wrong.
func each(n, atOnce int, do func(i int) error) error {
	errs := make([]error, n)
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(i)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
