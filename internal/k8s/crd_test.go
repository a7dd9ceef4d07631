package k8s

import (
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// The rules against misuse hold for kubectl apply too, which passes by the edge.
func TestCRD_RefusesWhatTheEdgeRefuses(t *testing.T) {
	k := newKube(t)
	member := func(kind v1alpha1.MemberKind, name v1alpha1.Text) func(*v1alpha1.Workspace) {
		return func(w *v1alpha1.Workspace) {
			w.Spec.Members = []v1alpha1.Member{{Kind: kind, Name: name, Role: v1alpha1.RoleViewer}}
		}
	}
	label := func(key string, value v1alpha1.LabelValue) func(*v1alpha1.Workspace) {
		return func(w *v1alpha1.Workspace) { w.Spec.Labels = map[string]v1alpha1.LabelValue{key: value} }
	}
	tests := map[string]func(*v1alpha1.Workspace){
		"id with a dot":          func(w *v1alpha1.Workspace) { w.Name = "a.b" },
		"everybody":              member(v1alpha1.MemberGroup, "system:unauthenticated"),
		"masters":                member(v1alpha1.MemberUser, "system:masters"),
		"another namespace's SA": member(v1alpha1.MemberServiceAccount, "kube-system:default"),
		"a path as SA":           member(v1alpha1.MemberServiceAccount, "kube-system/default"),
		"no name":                member(v1alpha1.MemberUser, ""),
		"unknown kind":           member("Robot", "a"),
		"unknown role": func(w *v1alpha1.Workspace) {
			w.Spec.Members = []v1alpha1.Member{{Kind: v1alpha1.MemberUser, Name: "a", Role: "owner"}}
		},
		"Pod Security label":     label("pod-security.kubernetes.io/enforce", "privileged"),
		"label under k8s.io":     label("k8s.io/a", "b"),
		"our label":              label(v1alpha1.LabelWorkspace, "b"),
		"label key":              label("-a", "b"),
		"label value":            label("a", "b c"),
		"15 labels":              manyLabels,
		"an exponent":            func(w *v1alpha1.Workspace) { w.Spec.Quota.CPU = "1e2147483647" },
		"a negative quantity":    func(w *v1alpha1.Workspace) { w.Spec.Quota.Memory = "-1" },
		"half a pod":             func(w *v1alpha1.Workspace) { w.Spec.Quota.Pods = "0.5" },
		"a line in the name":     func(w *v1alpha1.Workspace) { w.Spec.DisplayName = "a\nb" },
		"reversed text in owner": func(w *v1alpha1.Workspace) { w.Spec.Owner = "a\u202eb" },
		"a C1 control":           func(w *v1alpha1.Workspace) { w.Spec.Description = "a\u009bb" },
		"tier":                   func(w *v1alpha1.Workspace) { w.Spec.Tier = "../large" },
		"state":                  func(w *v1alpha1.Workspace) { w.Spec.State = "Paused" },
		"version 2^53":           func(w *v1alpha1.Workspace) { w.Spec.Version = 1 << 53 },
		"a negative version":     func(w *v1alpha1.Workspace) { w.Spec.StateVersion = -1 },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "crd-refuses"}}
			change(w)
			if err := k.admin.Create(t.Context(), w, client.DryRunAll); !apierrors.IsInvalid(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func manyLabels(w *v1alpha1.Workspace) {
	w.Spec.Labels = map[string]v1alpha1.LabelValue{}
	for i := range 15 {
		w.Spec.Labels[fmt.Sprint("key-", i)] = ""
	}
}
