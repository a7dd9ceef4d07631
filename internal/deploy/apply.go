package deploy

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldOwner is the field manager of Apply.
const FieldOwner = "integrationctl"

// Apply applies the objects in their order, by server-side apply as FieldOwner. It creates missing namespaces, and waits until the API
// server serves a CRD before it applies the next object. A field that the API server doesn't know is an error. To apply the same
// objects again changes nothing.
func Apply(ctx context.Context, cfg *rest.Config, objects []*unstructured.Unstructured) error {
	a, err := newApplier(cfg)
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	if err := a.createNamespaces(ctx, objects); err != nil {
		return err
	}
	for _, object := range objects {
		if err := a.apply(ctx, object); err != nil {
			return fmt.Errorf("applying %s %q: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

type applier struct{ client client.Client }

func newApplier(cfg *rest.Config) (*applier, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	return &applier{client: c}, err
}

// createNamespaces creates the missing namespaces of the objects, and changes no existing one.
func (a *applier) createNamespaces(ctx context.Context, objects []*unstructured.Unstructured) error {
	seen := map[string]bool{"": true}
	for _, object := range objects {
		name := object.GetNamespace()
		if seen[name] {
			continue
		}
		seen[name] = true
		err := a.client.Get(ctx, client.ObjectKey{Name: name}, &corev1.Namespace{})
		if apierrors.IsNotFound(err) {
			err = a.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating the namespace %q: %w", name, err)
		}
	}
	return nil
}

func (a *applier) apply(ctx context.Context, object *unstructured.Unstructured) error {
	wanted := client.ApplyConfigurationFromUnstructured(object.DeepCopy())
	if err := a.client.Apply(ctx, wanted, client.FieldOwner(FieldOwner), client.ForceOwnership); err != nil {
		return err
	}
	if object.GetKind() == "CustomResourceDefinition" {
		return a.awaitServed(ctx, object.GetName())
	}
	return nil
}
