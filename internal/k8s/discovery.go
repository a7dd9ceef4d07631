package k8s

import (
	"context"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

const (
	// discoveryInterval is how often the API server is asked which kinds it serves.
	discoveryInterval = 10 * time.Second
	// firstAnswerTimeout is how long a new leader waits until that is known for the first time.
	firstAnswerTimeout = 10 * time.Second
)

// servedResources are the resources of an API that the API server serves; none if it does not serve the API. Asking needs no rights.
func servedResources(
	ctx context.Context, asks discovery.ServerResourcesInterfaceWithContext, api schema.GroupVersion,
) ([]metav1.APIResource, error) {
	found, err := asks.ServerResourcesForGroupVersionWithContext(ctx, api.String())
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return found.APIResources, nil
}

// resourceOf is the resource of a kind, not one of its subresources, or nil.
func resourceOf(resources []metav1.APIResource, kind string) *metav1.APIResource {
	for i := range resources {
		if r := &resources[i]; r.Kind == kind && !strings.Contains(r.Name, "/") {
			return r
		}
	}
	return nil
}
