package k8s

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// digestAnnotation is where a cached object carries its digest. It exists in memory only: the API server takes no
// such key, so nobody can give an object the digest of another.
const digestAnnotation = "//digest"

// NewScheme knows the types that the service works with.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering Kubernetes' types: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering our types: %w", err)
	}
	return scheme, nil
}

// CacheOptions bound what is kept in memory: whole Workspaces and WorkspaceTiers, the two objects that name the API
// server's addresses, and of everything else only what carries our labels, as identity and one digest of what we own.
// Other kinds are never cached, by mistake neither. Each time one of them is listed anew, which is after a watch broke,
// a value is sent to relisted, unless one is still there.
func CacheOptions(scheme *runtime.Scheme, relisted chan<- struct{}) (cache.Options, error) {
	ours, err := labels.NewRequirement(v1alpha1.LabelManagedBy, selection.Equals, []string{v1alpha1.ManagedBy})
	if err != nil {
		return cache.Options{}, fmt.Errorf("selecting our objects: %w", err)
	}
	workspaces, err := labels.NewRequirement(v1alpha1.LabelWorkspace, selection.Exists, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("selecting our namespaces: %w", err)
	}
	byObject := map[client.Object]cache.ByObject{
		&v1alpha1.Workspace{}:     {Transform: stripWorkspace},
		&v1alpha1.WorkspaceTier{}: {Transform: cache.TransformStripManagedFields()},
		&corev1.Namespace{}: {
			Label: labels.NewSelector().Add(*workspaces), Transform: slim,
		},
	}
	for _, child := range Children() {
		byObject[child] = cache.ByObject{Label: labels.NewSelector().Add(*ours), Transform: slim}
	}
	cacheAPIServer(byObject)
	return cache.Options{
		Scheme: scheme, ByObject: byObject, ReaderFailOnMissingInformer: true, NewInformer: newInformer(relisted),
	}, nil
}

// stripWorkspace drops what nobody here reads and kubectl makes large.
func stripWorkspace(o any) (any, error) {
	if w, ok := o.(*v1alpha1.Workspace); ok {
		w.ManagedFields = nil
		delete(w.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	return o, nil
}

// slim keeps an object's identity, its deletion, the workspace it belongs to, its digest, and whether it must go.
func slim(o any) (any, error) {
	object, ok := o.(client.Object)
	if !ok {
		return o, nil // a tombstone of the informer
	}
	if _, done := object.GetAnnotations()[digestAnnotation]; done {
		return o, nil
	}
	thin := like(object)
	thin.SetName(object.GetName())
	thin.SetNamespace(object.GetNamespace())
	thin.SetUID(object.GetUID())
	thin.SetResourceVersion(object.GetResourceVersion())
	thin.SetDeletionTimestamp(object.GetDeletionTimestamp())
	thin.SetAnnotations(map[string]string{digestAnnotation: digest(object)})
	if isRetired(object) {
		thin.GetAnnotations()[retiredAnnotation] = ""
	}
	if id, ok := object.GetLabels()[v1alpha1.LabelWorkspace]; ok && object.GetNamespace() == "" {
		thin.SetLabels(map[string]string{v1alpha1.LabelWorkspace: id})
	}
	return thin, nil
}

// Changed tells whether an update of a cached object can matter: its owned part or its deletion changed.
func Changed(before, after client.Object) bool {
	return !maps.Equal(before.GetAnnotations(), after.GetAnnotations()) ||
		before.GetDeletionTimestamp().IsZero() != after.GetDeletionTimestamp().IsZero() ||
		before.GetUID() != after.GetUID()
}

// WorkspaceOf is the id that a Namespace carries, or an object as we want it, or "".
func WorkspaceOf(o metav1.Object) string {
	return o.GetLabels()[v1alpha1.LabelWorkspace]
}
