package k8s

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operation is one of a JSON patch (RFC 6902). "add" takes the place of what is there.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// overwriting is the patch that makes of have, as the cache shows it, want without a look at it, or nil where that takes
// one. It works where all that differs is content that is ours alone: whatever stands there is replaced whole, also what
// others have added. It is guarded by resourceVersion, since the cache may lag.
func overwriting(have, want client.Object, wish string) client.Patch {
	fields := content(want)
	if len(fields) == 0 || !have.GetDeletionTimestamp().IsZero() || !differsInContent(have.GetAnnotations()[digestAnnotation], wish) {
		return nil
	}
	patch := []operation{{"replace", "/metadata/resourceVersion", have.GetResourceVersion()}}
	for _, f := range fields {
		if f.pointer == "" {
			return nil
		}
		patch = append(patch, operation{"add", f.pointer, f.value})
	}
	text, err := json.Marshal(patch)
	if err != nil {
		panic(fmt.Sprintf("marshalling a %T: %v", want, err)) // built-in types always marshal
	}
	return client.RawPatch(types.JSONPatchType, text)
}

// overwrite sends the patch. What the API server doesn't take takes a look: the cache lags, or the object must be made anew.
func (a *Applier) overwrite(ctx context.Context, try attempt, patch client.Patch) error {
	if !try.allowed() {
		return ErrContested
	}
	live := like(try.want)
	live.SetNamespace(try.want.GetNamespace())
	live.SetName(try.want.GetName())
	err := a.Client.Patch(ctx, live, patch)
	switch {
	case err == nil:
		return a.written(live, try.hash)
	case apierrors.IsConflict(err), apierrors.IsInvalid(err), apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return a.repair(ctx, try)
	}
	return err
}
