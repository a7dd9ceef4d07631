package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
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

// passing is what two equal workspaces differ in: times, what the API server counts, and a digest over their id.
var passing = regexp.MustCompile(
	`"(uid|resourceVersion|creationTimestamp|lastTransitionTime|generation|observedGeneration|projectDigest|\w+At|at|since)":("[^"]*"|\d+),?`)

// snapshot is everything that a workspace is, by kind and name, as JSON without the id and what passes. Deliveries are left
// out, since each has ids of its own, and the Flyte project is the double's.
func snapshot(t *testing.T, id string) map[string]string {
	t.Helper()
	w := live(t, &v1alpha1.Workspace{}, "", id)
	w.Annotations = nil
	all := map[string]string{"Workspace": plain(t, w, id)}
	for _, o := range childrenOf(t, id) {
		name := strings.ReplaceAll(o.GetObjectKind().GroupVersionKind().Kind+" "+o.GetNamespace()+"/"+o.GetName(), id, "ID")
		all[name] = plain(t, o, id)
	}
	if project, ok := findProject(id); ok {
		text, err := json.Marshal(project)
		if err != nil {
			t.Fatal(err)
		}
		all["project"] = strings.ReplaceAll(string(text), id, "ID")
	}
	return all
}

func plain(t *testing.T, o client.Object, id string) string {
	t.Helper()
	o.SetManagedFields(nil)
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(passing.ReplaceAllString(string(text), ""), id, "ID")
}

// childrenOf are the objects with the workspace's label, of all kinds that it may have.
func childrenOf(t *testing.T, id string) (all []client.Object) {
	t.Helper()
	lists := []client.ObjectList{
		&corev1.NamespaceList{}, &corev1.ResourceQuotaList{}, &corev1.LimitRangeList{}, &corev1.ServiceAccountList{},
		&corev1.ConfigMapList{}, &rbacv1.RoleBindingList{}, &networkingv1.NetworkPolicyList{},
	}
	for _, list := range lists {
		if err := world.admin.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelWorkspace: id}); err != nil {
			t.Fatal(err)
		}
		all = slices.Concat(all, itemsOf(t, list))
	}
	return all
}

// itemsOf are the objects of a list, with their kinds.
func itemsOf(t *testing.T, list client.ObjectList) (items []client.Object) {
	t.Helper()
	err := meta.EachListItem(list, func(item runtime.Object) error {
		o, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("%T has no metadata", item)
		}
		gvk, err := world.admin.GroupVersionKindFor(o)
		o.GetObjectKind().SetGroupVersionKind(gvk)
		if quota, ok := o.(*corev1.ResourceQuota); ok {
			quota.Status = corev1.ResourceQuotaStatus{} // the controller manager's
		}
		items = append(items, o)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return items
}
