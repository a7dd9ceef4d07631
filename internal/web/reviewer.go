package web

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// The API server says who the user of a token is, and what this user may read. Reviews store nothing.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// KubernetesReviewer is the Reviewer that sends TokenReviews and SubjectAccessReviews.
type KubernetesReviewer struct {
	Client client.Client
}

// Authenticate implements Reviewer. It names no audience: the API server then accepts tokens for its own audiences alone.
func (k KubernetesReviewer) Authenticate(ctx context.Context, token string) (*authenticationv1.UserInfo, error) {
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	if err := k.Client.Create(ctx, review); err != nil {
		return nil, fmt.Errorf("reviewing a token: %w", err)
	}
	if !review.Status.Authenticated {
		return nil, nil
	}
	return &review.Status.User, nil
}

// Allowed implements Reviewer. The user is passed on unchanged.
func (k KubernetesReviewer) Allowed(ctx context.Context, user *authenticationv1.UserInfo, access Access) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extraOf(user),
		ResourceAttributes: resourceAttributes(access),
	}}
	if err := k.Client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("reviewing an access: %w", err)
	}
	return review.Status.Allowed && !review.Status.Denied, nil
}

func resourceAttributes(access Access) *authorizationv1.ResourceAttributes {
	group := v1alpha1.GroupVersion
	if access.Resource == ResourcePods {
		group = corev1.SchemeGroupVersion
	}
	return &authorizationv1.ResourceAttributes{
		Group: group.Group, Version: group.Version,
		Verb: access.Verb, Resource: access.Resource, Name: access.Name, Namespace: access.Namespace,
	}
}

func extraOf(user *authenticationv1.UserInfo) map[string]authorizationv1.ExtraValue {
	if user.Extra == nil {
		return nil
	}
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	return extra
}
