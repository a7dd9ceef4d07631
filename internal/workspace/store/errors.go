package store

import (
	"errors"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// asWorkspaceError turns an error of the API server into one for the sender. A sender can correct what the API server's
// validation refuses. After any other error, a repeat may succeed.
func asWorkspaceError(err error) error {
	if err == nil || workspace.KindOf(err) != workspace.KindInternal {
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code != http.StatusUnprocessableEntity {
		return &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't store it now", Err: err}
	}
	return &workspace.Error{Kind: workspace.KindInvalid, Detail: "the Kubernetes API refuses it: " + causes(status.Status()), Err: err}
}

// causes lists the fields that the API server refuses, under their names in the Workspace.
func causes(status metav1.Status) string {
	if status.Details == nil {
		return status.Message
	}
	texts := make([]string, len(status.Details.Causes))
	for i, cause := range status.Details.Causes {
		texts[i] = cause.Field + " " + cause.Message
	}
	return strings.Join(texts, "; ")
}
