package main

import (
	"errors"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// hintFor says what to do about an error of the API server or the kubeconfig, or returns "".
func hintFor(err error) string {
	switch {
	case errors.Is(err, errKubeconfig):
		return "choose the cluster with --kubeconfig and --context; `kubectl config get-contexts` lists the contexts"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: start the cluster, or choose another one with --context or --kubeconfig"
	case apierrors.IsUnauthorized(err):
		return "the API server does not accept your credentials: renew them, or choose others with --context or --user"
	case apierrors.IsForbidden(err):
		return "you lack that right: ask an administrator for it, or act as somebody else with --as"
	case meta.IsNoMatchError(err), isNoResource(err):
		return "this cluster has no Workspaces: install the chart, or choose another cluster with --context or --kubeconfig"
	case isMissingWorkspace(err):
		return "no event of it was accepted here: the answer to the sender says why; `" + programName + " get workspaces` lists those that exist"
	case apierrors.IsConflict(err):
		return "somebody else changed the object meanwhile: look at it, and try again"
	}
	return ""
}

func isMissingWorkspace(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	return ok && apierrors.IsNotFound(err) && status.ErrStatus.Details != nil && status.ErrStatus.Details.Kind == "workspaces"
}

// isNoResource reports whether the API server does not know the kind of the object that it was asked for.
func isNoResource(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || !apierrors.IsNotFound(err) {
		return false
	}
	details := status.ErrStatus.Details
	return details == nil || details.Name == ""
}
