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

// laggingCache is a client whose cache never shows its own writes.
type laggingCache struct{ client.Client }

func (c laggingCache) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if !(&client.GetOptions{}).ApplyOptions(opts).DisableReadYourWritesConsistency {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.Client.Get(ctx, key, o, opts...)
}

func TestApplier_AppliesWhenCacheMissesOwnWrite(t *testing.T) {
	t.Parallel()
	env, p := newTestEnv(t), desiredtest.Plan("lagging")
	apply(t, env.applier(), p.NamespaceObject())
	want := child("workspace-editor")(p)
	apply(t, env.applier(), want)
	updateAndSync(t, env, want, func(o client.Object) { o.SetLabels(nil) })

	apply(t, NewApplier(laggingCache{env.Client}, env.Live, desired.Owns), want)
	live := newOfKind(want)
	must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
	if live.GetLabels()[v1alpha1.LabelWorkspace] == "" {
		t.Errorf("the labels are %v", live.GetLabels())
	}
}

func TestApplier_GetReadsLiveAfterTimeout(t *testing.T) {
	t.Parallel()
	env, p := newTestEnv(t), desiredtest.Plan("lagging-namespace")
	apply(t, env.applier(), p.NamespaceObject())
	lagging := NewApplier(laggingCache{env.Client}, env.Live, desired.Owns)
	var namespace corev1.Namespace
	must(t, lagging.Get(t.Context(), client.ObjectKey{Name: p.Namespace.Name}, &namespace))
	if WorkspaceOf(&namespace) != p.Workspace.Name || namespace.Spec.Finalizers == nil { // cached objects have no spec
		t.Errorf("Get returned %+v", namespace)
	}
}
