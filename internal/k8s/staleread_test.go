package k8s

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// neverCaughtUp is a client whose cache will never show an own write.
type neverCaughtUp struct{ client.Client }

func (c neverCaughtUp) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if !(&client.GetOptions{}).ApplyOptions(opts).DisableReadYourWritesConsistency {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.Client.Get(ctx, key, o, opts...)
}

func TestApplier_GoesOnWhereTheCacheNeverShowsAWrite(t *testing.T) {
	t.Parallel()
	k, p := newKube(t), desiredtest.Plan("lagging")
	apply(t, k.applier(), p.NamespaceObject())
	want := childNamed("workspace-editor")(p)
	apply(t, k.applier(), want)
	changeByHand(t, k, want, func(o client.Object) { o.SetLabels(nil) })

	apply(t, NewApplier(neverCaughtUp{k.client}, k.live, desired.Owns), want)
	live := newOfKind(want)
	must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
	if live.GetLabels()[v1alpha1.LabelWorkspace] == "" {
		t.Errorf("the labels are %v", live.GetLabels())
	}
}

func TestApplier_AsksTheAPIServerWhereTheCacheNeverShowsAWrite(t *testing.T) {
	t.Parallel()
	k, p := newKube(t), desiredtest.Plan("lagging-namespace")
	apply(t, k.applier(), p.NamespaceObject())
	lagging := NewApplier(neverCaughtUp{k.client}, k.live, desired.Owns)
	var namespace corev1.Namespace
	must(t, lagging.Get(t.Context(), client.ObjectKey{Name: p.Namespace.Name}, &namespace))
	if WorkspaceOf(&namespace) != p.Workspace.Name || namespace.Spec.Finalizers == nil { // the cache keeps no spec
		t.Errorf("it got %+v", namespace)
	}
}
