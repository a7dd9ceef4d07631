package k8s

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// A cached object carries its hash as its generateName, which is a string and not a map, after one of these prefixes.
// They exist in memory only: the API server accepts no such name, so no client can set the hash of an object.
const (
	hashPrefix = "//hash/"
	// ownHashPrefix says that the service alone has written the object.
	ownHashPrefix = "//own-hash/"
)

// apiServerName is the Service of the Kubernetes API in the namespace default, and its EndpointSlice, which the API
// server itself writes.
const apiServerName = "kubernetes"

// APIServerKey names the two objects with the addresses of the Kubernetes API.
func APIServerKey() client.ObjectKey {
	return client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: apiServerName}
}

// APIServerObjects are the kinds of these objects. The cache has one object of each.
func APIServerObjects() []client.Object {
	return []client.Object{&discoveryv1.EndpointSlice{}, &corev1.Service{}}
}

// NewScheme knows Kubernetes' types, ours and Kueue's.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), kueue.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	return scheme, nil
}

// CacheOptions bound what is kept in memory: whole Workspaces and WorkspaceTiers, the two objects that name the API
// server's addresses, and of everything else only what carries our labels, as identity and one hash of what we own.
// Reading another kind is an error. After each relist of one of them, a value is sent to relisted, unless one is pending.
func CacheOptions(scheme *runtime.Scheme, relisted chan<- struct{}) (cache.Options, error) {
	ours := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	ofWorkspaces, err := labels.Parse(v1alpha1.LabelWorkspace)
	if err != nil {
		return cache.Options{}, fmt.Errorf("selecting our namespaces: %w", err)
	}
	byObject := map[client.Object]cache.ByObject{
		&v1alpha1.Workspace{}:     {Label: labels.Everything(), Transform: stripWorkspace},
		&v1alpha1.WorkspaceTier{}: {Label: labels.Everything(), Transform: cache.TransformStripManagedFields()},
		&corev1.Namespace{}:       {Label: ofWorkspaces, Transform: stripToIdentity},
	}
	for _, child := range Children() {
		byObject[child] = cache.ByObject{Label: ours, Transform: stripToIdentity}
	}
	for _, object := range APIServerObjects() { // RBAC gives the service no others
		byObject[object] = cache.ByObject{
			Namespaces: map[string]cache.Config{metav1.NamespaceDefault: {}},
			Label:      labels.Everything(),
			Field:      fields.OneTermEqualSelector(metav1.ObjectNameField, apiServerName),
			Transform:  cache.TransformStripManagedFields(),
		}
	}
	// Queues are not in ByObject, which is for kinds that the cluster has when the cache is made.
	return cache.Options{
		DefaultLabelSelector: ours, DefaultTransform: stripQueue,
		Scheme: scheme, ByObject: byObject, ReaderFailOnMissingInformer: true, NewInformer: newInformer(relisted),
	}, nil
}

// stripWorkspace removes metadata that the service never reads and kubectl makes large.
func stripWorkspace(o any) (any, error) {
	if w, ok := o.(*v1alpha1.Workspace); ok {
		w.ManagedFields = nil
		delete(w.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	return o, nil
}

// stripToIdentity keeps an object's identity, its deletion, the workspace it belongs to, its hash, whether the service alone has
// written it, and who else wrote it last.
func stripToIdentity(o any) (any, error) {
	object, ok := o.(client.Object)
	if !ok {
		return o, nil // a tombstone of the informer
	}
	if cachedHash(object) != "" {
		return o, nil
	}
	return identityOf(object), nil
}

func identityOf(object client.Object) client.Object {
	identity := newOfKind(object)
	identity.SetName(object.GetName())
	identity.SetNamespace(object.GetNamespace())
	identity.SetUID(object.GetUID())
	identity.SetResourceVersion(object.GetResourceVersion())
	identity.SetDeletionTimestamp(object.GetDeletionTimestamp())
	setHash(identity, object)
	if manager := otherWriter(object); manager != "" {
		identity.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager}})
	}
	if object.GetNamespace() == "" {
		identity.SetLabels(only(object.GetLabels(), func(key string) bool {
			return key == v1alpha1.LabelWorkspace || key == v1alpha1.LabelQueue
		}))
	}
	if _, ok := object.(*unstructured.Unstructured); ok && madeByTemplate(object) {
		identity.SetAnnotations(map[string]string{v1alpha1.AnnotationTierObject: ""})
	}
	return identity
}

// setHash stores the hash of an object in its identity, where cachedHash reads it.
func setHash(identity, object client.Object) {
	prefix := hashPrefix
	if isMadeByUs(object) {
		prefix = ownHashPrefix
	}
	identity.SetGenerateName(prefix + hash(object))
}

// cachedHash is the hash that a cached object carries; "" of any other object.
func cachedHash(o client.Object) string {
	for _, prefix := range []string{ownHashPrefix, hashPrefix} {
		if hash, found := strings.CutPrefix(o.GetGenerateName(), prefix); found {
			return hash
		}
	}
	return ""
}

// Changed reports whether an update of a cached object can matter: its owned part or its deletion changed, or it is another
// object of that name.
func Changed(before, after client.Object) bool {
	return cachedHash(before) != cachedHash(after) ||
		before.GetDeletionTimestamp().IsZero() != after.GetDeletionTimestamp().IsZero() ||
		before.GetUID() != after.GetUID()
}

// WorkspaceOf is the id that a Namespace carries, or an object as we want it, or "".
func WorkspaceOf(o metav1.Object) string {
	return o.GetLabels()[v1alpha1.LabelWorkspace]
}
