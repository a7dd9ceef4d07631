package k8s

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Repair is a write that undid what another client had done to an object.
type Repair struct {
	// Object is the object as wanted.
	Object client.Object
	// Deleted says that it was missing.
	Deleted bool
	// By is the field manager of the last write that was not the service's: "kubectl-edit". It is empty if there was none, or if the
	// object was deleted.
	By string
	// Fields are the JSON Pointers of what was written: "/spec", "/metadata".
	Fields []string
}

// Kind is the kind of the object: "NetworkPolicy".
func (r Repair) Kind() string { return KindName(r.Object) }

// String names the object by kind, name and namespace, as with kubectl.
func (r Repair) String() string { return describe(r.Object) }

// repaired calls OnRepair after a write, unless the write followed a change of what is desired.
func (a *Applier) repaired(ctx context.Context, try attempt, r Repair) {
	if a.OnRepair != nil && a.desired.matches(describe(try.want), try.hash) {
		r.Object = try.want
		a.OnRepair(ctx, r)
	}
}

// otherWriter is the field manager that wrote an object last, or "" if the service did. Kubernetes' own updates of a status do not count.
// Managed fields have the time in seconds: of two writes in the same second, the other's is taken for the last.
func otherWriter(o metav1.Object) string {
	var last *metav1.ManagedFieldsEntry
	entries := o.GetManagedFields()
	for i := range entries {
		e := &entries[i]
		if e.Subresource == "" && (last == nil || isLater(e, last)) {
			last = e
		}
	}
	if last == nil || last.Manager == v1alpha1.ManagedBy {
		return ""
	}
	return last.Manager
}

func isLater(a, b *metav1.ManagedFieldsEntry) bool {
	return b.Time.Before(a.Time) || a.Time.Equal(b.Time) && a.Manager != v1alpha1.ManagedBy
}

// differing are the JSON Pointers of what differs between the owned parts of two objects of one kind.
func differing(live, want client.Object) (paths []string) {
	if fingerprint(ownedMetadata(live)) != fingerprint(ownedMetadata(want)) {
		paths = append(paths, "/metadata")
	}
	wanted := kindOf(want).fields(want)
	for i, f := range kindOf(live).fields(live) {
		if fingerprint([]any{f.value}) != fingerprint([]any{wanted[i].value}) {
			paths = append(paths, pathOf(want, f))
		}
	}
	return paths
}

// pathOf is the path of a field. The list of pull secrets has none of its own, nor have the fields that a template states.
func pathOf(of client.Object, f field) string {
	_, isTierObject := of.(*unstructured.Unstructured)
	switch {
	case isTierObject:
		return "the fields of the tier's template"
	case f.path == "":
		return "/imagePullSecrets"
	}
	return f.path
}
