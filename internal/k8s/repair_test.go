package k8s

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// recordRepairs appends each repair of the Applier from now on.
func recordRepairs(a *Applier) *[]Repair {
	repairs := &[]Repair{}
	a.OnRepair = func(_ context.Context, r Repair) { *repairs = append(*repairs, r) }
	return repairs
}

func TestApplier_DistinguishesRepairsFromWantedChanges(t *testing.T) {
	env := newTestEnv(t)
	a := env.applier()
	repairs := recordRepairs(a)
	p := desiredtest.Plan("repairs")
	apply(t, a, p.NamespaceObject())
	quota := child("workspace-quota")(p)
	apply(t, a, quota)
	if len(*repairs) != 0 {
		t.Errorf("a first creation is a repair: %+v", *repairs)
	}

	must(t, env.Admin.Delete(t.Context(), quota.DeepCopyObject().(client.Object)))
	eventually(t, func(ctx context.Context) error {
		if err := env.Cache.Get(ctx, client.ObjectKeyFromObject(quota), &corev1.ResourceQuota{}); !apierrors.IsNotFound(err) {
			return errNotYet
		}
		return nil
	})
	apply(t, a, quota)
	if len(*repairs) != 1 || !(*repairs)[0].Deleted || (*repairs)[0].Kind() != "ResourceQuota" {
		t.Errorf("after a deletion by hand, reported %+v", *repairs)
	}

	wanted := quota.DeepCopyObject().(*corev1.ResourceQuota)
	wanted.Spec.Hard["count/jobs.batch"] = one()
	apply(t, a, wanted)
	must(t, a.Prune(t.Context(), env.Live, quota.GetNamespace(), []client.Object{&corev1.ResourceQuota{}}, nil))
	eventually(t, func(ctx context.Context) error { return client.IgnoreNotFound(a.Apply(ctx, wanted)) })
	if len(*repairs) != 1 {
		t.Errorf("changes that the service wanted are repairs: %+v", (*repairs)[1:])
	}
}

func TestOtherWriter(t *testing.T) {
	at := func(second int64, manager, subresource string) metav1.ManagedFieldsEntry {
		time := metav1.Unix(second, 0)
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource, Time: &time}
	}
	for name, c := range map[string]struct {
		entries []metav1.ManagedFieldsEntry
		want    string
	}{
		"nobody":             {nil, ""},
		"the service alone":  {[]metav1.ManagedFieldsEntry{at(1, v1alpha1.ManagedBy, "")}, ""},
		"repaired":           {[]metav1.ManagedFieldsEntry{at(1, "kubectl-edit", ""), at(2, v1alpha1.ManagedBy, "")}, ""},
		"changed":            {[]metav1.ManagedFieldsEntry{at(2, "kubectl-edit", ""), at(1, v1alpha1.ManagedBy, "")}, "kubectl-edit"},
		"in the same second": {[]metav1.ManagedFieldsEntry{at(1, v1alpha1.ManagedBy, ""), at(1, "kubectl-edit", "")}, "kubectl-edit"},
		"a status":           {[]metav1.ManagedFieldsEntry{at(1, v1alpha1.ManagedBy, ""), at(2, "kube-controller-manager", "status")}, ""},
		"the newest of two":  {[]metav1.ManagedFieldsEntry{at(3, "b", ""), at(1, v1alpha1.ManagedBy, ""), at(2, "a", "")}, "b"},
	} {
		if got := otherWriter(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ManagedFields: c.entries}}); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestDesiredHashes_AreBounded(t *testing.T) {
	f := newDesiredHashes()
	for i := range maxDesiredHashes + 1 {
		f.record(string(rune(i)), "form")
	}
	if len(f.last) > maxDesiredHashes {
		t.Errorf("remembers %d objects", len(f.last))
	}
}
