package k8s

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// What a tier gave is not known any more once the tier is gone. TierlessNamespace and TierlessQuota keep what exists
// from becoming weaker than what is known without a tier, and leave the rest as it is.

// TierlessNamespace is the Namespace of a plan without a tier: its Pod Security Standard is at least baseline, and what
// the tier put there stays. It is nil where there is no such Namespace.
func (a *Applier) TierlessNamespace(ctx context.Context, p *Plan) (*corev1.Namespace, error) {
	live := &corev1.Namespace{}
	err := a.Live.Get(ctx, client.ObjectKey{Name: p.Namespace.Name}, live)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading Namespace %q: %w", p.Namespace.Name, err)
	}
	want := p.namespace(v1alpha1.PodSecurity{
		Enforce: atLeastBaseline(live, "enforce", v1alpha1.PodSecurityBaseline),
		Warn:    atLeastBaseline(live, "warn", v1alpha1.PodSecurityRestricted),
		Audit:   atLeastBaseline(live, "audit", v1alpha1.PodSecurityRestricted),
	})
	keys := extraKeysOf(live)
	kept := extras{labels: map[string]string{}, annotations: map[string]string{}}
	for _, key := range keys.Labels {
		if value, has := live.Labels[key]; has {
			kept.labels[key] = value
		}
	}
	for _, key := range keys.Annotations {
		if value, has := live.Annotations[key]; has {
			kept.annotations[key] = value
		}
	}
	kept.addTo(want)
	return want, nil
}

// atLeastBaseline is the Pod Security Standard of the Namespace in one mode, or otherwise where it has none or a weaker one.
func atLeastBaseline(live *corev1.Namespace, mode string, otherwise v1alpha1.PodSecurityLevel) v1alpha1.PodSecurityLevel {
	level := v1alpha1.PodSecurityLevel(live.Labels[podSecurityPrefix+mode])
	if level == v1alpha1.PodSecurityBaseline || level == v1alpha1.PodSecurityRestricted {
		return level
	}
	return otherwise
}

// TierlessQuota is the ResourceQuota of a plan without a tier: what the workspace itself asks for is the most that it
// gets, and other amounts stay. A locked workspace, and one whose ResourceQuota was deleted, starts nothing new.
func (a *Applier) TierlessQuota(ctx context.Context, p *Plan) (*corev1.ResourceQuota, error) {
	if p.locked() {
		return p.LockObject(), nil
	}
	live, want := &corev1.ResourceQuota{}, &corev1.ResourceQuota{ObjectMeta: p.object(quotaName)}
	err := a.Live.Get(ctx, client.ObjectKeyFromObject(want), live)
	switch {
	case apierrors.IsNotFound(err):
		return p.LockObject(), nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", describe(want), err)
	}
	want.Spec.Hard = live.Spec.Hard.DeepCopy()
	if want.Spec.Hard == nil {
		want.Spec.Hard = corev1.ResourceList{}
	}
	maps.Copy(want.Spec.Hard, closed())
	asked, _ := workspace.EffectiveQuota(p.Workspace.Spec.Quota, &v1alpha1.WorkspaceTier{}, "")
	for key, amount := range asked {
		for _, name := range quotaKeys(defaultGPU)[key] {
			lower(want.Spec.Hard, name, amount)
		}
	}
	return want, nil
}

// lower makes the amount the most that the list has of the resource. The GPU resource of the tier is not known, and
// that of another one is not added.
func lower(hard corev1.ResourceList, name corev1.ResourceName, most resource.Quantity) {
	amount, has := hard[name]
	if isGPU := name == gpuKey(defaultGPU); !has && isGPU || has && amount.Cmp(most) <= 0 {
		return
	}
	hard[name] = most
}
