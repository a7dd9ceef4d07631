// Package crd compares the CRDs of a cluster with those of this version, and upgrades them.
package crd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/charts"
)

// FieldOwner is the field manager of upgrades.
const FieldOwner = "workspace-flyte-integration-crds"

// The API server serves a changed schema some moments after it was stored.
const (
	servedTimeout  = time.Minute
	servedInterval = 100 * time.Millisecond
)

// Embedded returns the CRDs of this version, in the order of their names.
func Embedded() ([]*unstructured.Unstructured, error) {
	crds, err := parsed()
	if err != nil {
		return nil, err
	}
	copies := make([]*unstructured.Unstructured, len(crds))
	for i, crd := range crds {
		copies[i] = crd.DeepCopy()
	}
	return copies, nil
}

// parsed parses the CRDs once: they are large.
var parsed = sync.OnceValues(parse)

func parse() (crds []*unstructured.Unstructured, err error) {
	files, err := charts.CRDs()
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(text, &crd.Object); err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		crds = append(crds, crd)
	}
	return crds, nil
}

// Upgrade gives the CRDs of the cluster the schema of this version, and returns their names when the API server serves it. It
// overrides other field managers, since Helm, kubectl and GitOps tools all install CRDs. It creates no CRD that does not exist.
func Upgrade(ctx context.Context, c client.Client, served OpenAPI) (upgraded []string, err error) {
	crds, err := Embedded()
	if err != nil {
		return nil, err
	}
	for _, crd := range crds {
		exists, err := upgrade(ctx, c, crd)
		if err != nil {
			return upgraded, fmt.Errorf("upgrading CRD %q: %w", crd.GetName(), err)
		}
		if exists {
			upgraded = append(upgraded, crd.GetName())
		}
	}
	if len(upgraded) == 0 {
		return nil, nil
	}
	return upgraded, awaitServed(ctx, served, upgraded)
}

func upgrade(ctx context.Context, c client.Client, crd *unstructured.Unstructured) (exists bool, err error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(crd.GroupVersionKind())
	err = c.Get(ctx, client.ObjectKeyFromObject(crd), live)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	}
	// An earlier chart had the CRDs among its templates: Helm deletes them with the Workspaces unless they carry this.
	crd.SetAnnotations(map[string]string{"helm.sh/resource-policy": "keep"})
	return true, c.Apply(ctx, client.ApplyConfigurationFromUnstructured(crd), client.FieldOwner(FieldOwner), client.ForceOwnership)
}

// awaitServed returns when the API server serves all fields of the upgraded CRDs.
func awaitServed(ctx context.Context, served OpenAPI, upgraded []string) error {
	var missing []string
	err := wait.PollUntilContextTimeout(ctx, servedInterval, servedTimeout, true, func(ctx context.Context) (bool, error) {
		all, err := MissingFields(ctx, served)
		missing = slices.DeleteFunc(all, func(field string) bool {
			crd, _, _ := strings.Cut(field, ": ")
			return !slices.Contains(upgraded, crd)
		})
		return len(missing) == 0, err
	})
	if errors.Is(err, context.DeadlineExceeded) && len(missing) > 0 {
		return fmt.Errorf("the API server does not serve the upgraded CRDs: it lacks %s", strings.Join(missing, ", "))
	}
	return err
}
