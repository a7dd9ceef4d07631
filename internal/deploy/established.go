package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The API server's handlers and its discovery have an informer of their own, which is some milliseconds behind the condition
// Established. The API server also delays creations for two seconds after that, in case a second API server has not seen the CRD
// yet (apiextensions-apiserver/pkg/apiserver/customresource_handler.go).
const (
	servedTimeout = 10 * time.Second
	servedCheck   = 10 * time.Millisecond
)

// awaitServed returns when the API server serves the kinds of the CRD.
func (a *applier) awaitServed(ctx context.Context, name string) error {
	crd, err := a.awaitEstablished(ctx, name)
	if err != nil {
		return fmt.Errorf("waiting until it is established: %w", err)
	}
	list := listOf(crd)
	err = wait.PollUntilContextTimeout(ctx, servedCheck, servedTimeout, true, func(ctx context.Context) (bool, error) {
		err := a.client.List(ctx, list, client.Limit(1))
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return fmt.Errorf("waiting until its kind is served: %w", err)
	}
	a.awaitCreation(ctx, list)
	return nil
}

// listOf is an empty list of the objects of a CRD.
func listOf(crd *apiextensionsv1.CustomResourceDefinition) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{
		Group: crd.Spec.Group, Version: crd.Spec.Versions[0].Name, Kind: crd.Spec.Names.ListKind,
	})
	return list
}

// awaitCreation waits out that delay by an invalid creation: the API server refuses it when it would accept a valid one.
func (a *applier) awaitCreation(ctx context.Context, list *metav1.PartialObjectMetadataList) {
	invalid := &unstructured.Unstructured{}
	invalid.SetGroupVersionKind(list.GroupVersionKind().GroupVersion().WithKind(strings.TrimSuffix(list.Kind, "List")))
	invalid.SetName("invalid")
	_ = a.client.Create(ctx, invalid, client.DryRunAll)
}

func (a *applier) awaitEstablished(ctx context.Context, name string) (*apiextensionsv1.CustomResourceDefinition, error) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	return crd, wait.PollUntilContextCancel(ctx, servedCheck, true, func(ctx context.Context) (bool, error) {
		if err := a.client.Get(ctx, client.ObjectKey{Name: name}, crd); err != nil {
			return false, err
		}
		return isEstablished(crd)
	})
}

func isEstablished(crd *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	for _, c := range crd.Status.Conditions {
		if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
			return true, nil
		}
		if c.Type == apiextensionsv1.NamesAccepted && c.Status == apiextensionsv1.ConditionFalse {
			return false, fmt.Errorf("the API server refuses its names, which another CRD has: %s", c.Message)
		}
	}
	return false, nil
}
