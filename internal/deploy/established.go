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
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
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
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{
		Group: crd.Spec.Group, Version: crd.Spec.Versions[0].Name, Kind: crd.Spec.Names.ListKind,
	})
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

// awaitCreation waits out that delay by an invalid creation: the API server refuses it when it would accept a valid one.
func (a *applier) awaitCreation(ctx context.Context, list *metav1.PartialObjectMetadataList) {
	invalid := &unstructured.Unstructured{}
	invalid.SetGroupVersionKind(list.GroupVersionKind().GroupVersion().WithKind(strings.TrimSuffix(list.Kind, "List")))
	invalid.SetName("invalid")
	_ = a.client.Create(ctx, invalid, client.DryRunAll)
}

// awaitEstablished is told by a watch.
func (a *applier) awaitEstablished(ctx context.Context, name string) (*apiextensionsv1.CustomResourceDefinition, error) {
	byName := client.MatchingFields{metav1.ObjectNameField: name}
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := &apiextensionsv1.CustomResourceDefinitionList{}
			return list, a.client.List(ctx, list, byName, &client.ListOptions{Raw: &o})
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return a.client.Watch(ctx, &apiextensionsv1.CustomResourceDefinitionList{}, byName, &client.ListOptions{Raw: &o})
		},
	}
	event, err := watchtools.UntilWithSync(ctx, source, &apiextensionsv1.CustomResourceDefinition{}, nil, established)
	if err != nil {
		return nil, err
	}
	return event.Object.(*apiextensionsv1.CustomResourceDefinition), nil
}

func established(e watch.Event) (bool, error) {
	crd, ok := e.Object.(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return false, nil
	}
	for _, c := range crd.Status.Conditions {
		if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
			return true, nil
		}
		if c.Type == apiextensionsv1.NamesAccepted && c.Status == apiextensionsv1.ConditionFalse {
			return false, fmt.Errorf("the API server refuses its names: %s", c.Message)
		}
	}
	return false, nil
}
