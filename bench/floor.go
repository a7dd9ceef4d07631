package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// atOnce is the number of concurrent calls of the bare client, as many as the service has workers.
const atOnce = 16

// bareTimes are the times of the bare client: for the Workspace, and for the whole.
type bareTimes struct{ create, whole time.Duration }

// bare is a Workspace with all the objects that the service creates for it.
type bare struct {
	ws *v1alpha1.Workspace
	// namespaces are the objects of each namespace, the Namespace first.
	namespaces [][]client.Object
}

// bareOf renders them with the service's own code.
func (e *environment) bareOf(id string) (bare, error) {
	ws := workspace.New(id)
	if _, err := workspace.Record(ws, workspace.Event{Type: workspace.EventCreated, Data: team(id)}, workspace.Delivery{}); err != nil {
		return bare{}, err
	}
	return bare{ws, e.bareObjects(ws)}, nil
}

// makeBare creates every object with one create, those in a namespace concurrently, and writes the status once. The service must be
// paused or stopped until removeBare; it leaves the other objects alone, since they lack its labels.
func (e *environment) makeBare(ctx context.Context, b bare) (bareTimes, error) {
	start := time.Now()
	if err := e.bare.Create(ctx, b.ws); err != nil {
		return bareTimes{}, fmt.Errorf("making Workspace %q: %w", b.ws.Name, err)
	}
	times := bareTimes{create: time.Since(start)}
	err := forEach(len(b.namespaces), len(b.namespaces), func(i int) error { return e.createNamespace(ctx, b.namespaces[i]) })
	if err == nil {
		err = e.writeBareStatus(ctx, b.ws)
	}
	times.whole = time.Since(start)
	return times, err
}

// removeBare deletes the Workspace, so that the service does not see it.
func (e *environment) removeBare(ctx context.Context, id string) error {
	ws := &v1alpha1.Workspace{}
	ws.Name = id
	if err := e.bare.Delete(ctx, ws); err != nil {
		return fmt.Errorf("removing Workspace %q: %w", id, err)
	}
	return nil
}

func (e *environment) bareObjects(ws *v1alpha1.Workspace) (all [][]client.Object) {
	for _, namespace := range e.naming.Namespaces(ws.Name) {
		plan := &desired.Plan{
			Cluster: &desired.Cluster{FlyteNamespace: "flyte"}, Workspace: ws, Tier: &e.tier, Namespace: namespace,
			ConsoleURL: "https://flyte.company.com/console/projects/" + ws.Name,
		}
		objects := []client.Object{plan.NamespaceObject()}
		for _, part := range []desired.Part{plan.Config(), plan.Network(), plan.Quota(), plan.Access()} {
			objects = append(objects, part.Objects...)
		}
		for _, o := range objects {
			o.SetLabels(foreignLabels(o.GetLabels()))
		}
		all = append(all, objects)
	}
	return all
}

// foreignLabels returns labels of the same length that are not the service's.
func foreignLabels(labels map[string]string) map[string]string {
	others := map[string]string{}
	for key, value := range labels {
		key = strings.Replace(key, "platform.company.com/", "platform.example.com/", 1)
		others[strings.Replace(key, "/managed-by", "/created-by", 1)] = value
	}
	return others
}

func (e *environment) createNamespace(ctx context.Context, objects []client.Object) error {
	if err := e.bare.Create(ctx, objects[0]); err != nil {
		return fmt.Errorf("making Namespace %q: %w", objects[0].GetName(), err)
	}
	inside := objects[1:]
	return forEach(len(inside), len(inside), func(i int) error {
		if err := e.bare.Create(ctx, inside[i]); err != nil {
			return fmt.Errorf("making %T %q: %w", inside[i], inside[i].GetName(), err)
		}
		return nil
	})
}

func (e *environment) writeBareStatus(ctx context.Context, ws *v1alpha1.Workspace) error {
	before := ws.DeepCopy()
	ws.Status = *e.sample.DeepCopy()
	if err := e.bare.Status().Patch(ctx, ws, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("writing the status of %q: %w", ws.Name, err)
	}
	return nil
}

// forEach calls do for 0 to n-1, at most limit at a time, and returns the first error.
func forEach(n, limit int, do func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}
