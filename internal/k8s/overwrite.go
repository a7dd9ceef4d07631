package k8s

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operation is one of a JSON patch (RFC 6902). "add" replaces what exists.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// overwrite is the patch that makes the cached object want without reading it, or nil if it must be read. That works if
// it differs only in fields that are ours alone: they are replaced whole, with what others have added there. The patch is
// guarded by resourceVersion, since the cache may lag.
func overwrite(cached, want client.Object, hash string) client.Patch {
	fields := kindOf(want).fields(want)
	if len(fields) == 0 || !cached.GetDeletionTimestamp().IsZero() || !differsInFields(cachedHash(cached), hash) {
		return nil
	}
	patch := []operation{{"replace", "/metadata/resourceVersion", cached.GetResourceVersion()}}
	for _, f := range fields {
		if f.path == "" {
			return nil
		}
		patch = append(patch, operation{"add", f.path, f.value})
	}
	text, err := json.Marshal(patch)
	if err != nil {
		panic(fmt.Sprintf("marshalling a %T: %v", want, err)) // built-in types always marshal
	}
	return client.RawPatch(types.JSONPatchType, text)
}

// patchUnread sends the patch, which undoes what changedBy has written last. If the API server refuses it, the cache lags, or the object
// must be replaced: it is read.
func (a *Applier) patchUnread(ctx context.Context, try attempt, patch client.Patch, changedBy string) error {
	if !try.allowed() {
		return ErrThrottled
	}
	live := newOfKind(try.want)
	live.SetNamespace(try.want.GetNamespace())
	live.SetName(try.want.GetName())
	err := a.Client.Patch(ctx, live, patch)
	switch {
	case err == nil:
		undone := Repair{By: changedBy}
		for _, f := range kindOf(try.want).fields(try.want) {
			undone.Fields = append(undone.Fields, f.path)
		}
		a.repaired(ctx, try, undone)
		return a.written(live, try.hash)
	case apierrors.IsConflict(err), apierrors.IsInvalid(err), apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return a.repair(ctx, try)
	}
	return err
}
