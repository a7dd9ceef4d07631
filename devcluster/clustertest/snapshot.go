package clustertest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// volatile is what two equal workspaces differ in: times, what the API server counts, and a hash of their id.
var volatile = regexp.MustCompile(
	`"(uid|resourceVersion|creationTimestamp|lastTransitionTime|generation|observedGeneration|project(Digest|Hash)|\w+At|at|since)":` +
		`("[^"]*"|\d+),?` +
		`|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// Snapshot is a Workspace and all objects with its label, by kind and name, as JSON without its id and what is volatile, so that the
// snapshots of two workspaces can be compared. Annotations of the Workspace are left out, since each delivery has an id of its own.
func Snapshot(t testing.TB, c client.Client, id string) map[string]string {
	t.Helper()
	w := &v1alpha1.Workspace{}
	Must(t, c.Get(t.Context(), client.ObjectKey{Name: id}, w))
	w.Annotations, w.Labels = nil, nil
	all := map[string]string{"Workspace": withoutVolatile(t, w, id)}
	for _, list := range []client.ObjectList{
		&corev1.NamespaceList{}, &corev1.ResourceQuotaList{}, &corev1.LimitRangeList{}, &corev1.ServiceAccountList{},
		&corev1.ConfigMapList{}, &rbacv1.RoleBindingList{}, &networkingv1.NetworkPolicyList{},
	} {
		Must(t, c.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelWorkspace: id}))
		Must(t, meta.EachListItem(list, func(item runtime.Object) error {
			o := item.(client.Object)
			if quota, ok := o.(*corev1.ResourceQuota); ok {
				quota.Status = corev1.ResourceQuotaStatus{} // the controller manager writes it
			}
			name := strings.ReplaceAll(fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName()), id, "ID")
			all[name] = withoutVolatile(t, o, id)
			return nil
		}))
	}
	return all
}

func withoutVolatile(t testing.TB, o client.Object, id string) string {
	t.Helper()
	o.SetManagedFields(nil)
	text, err := json.Marshal(o)
	Must(t, err)
	return strings.ReplaceAll(volatile.ReplaceAllString(string(text), ""), id, "ID")
}
