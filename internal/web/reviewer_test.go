package web_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/web"
)

// apiServer answers reviews, and keeps the specs.
type apiServer struct {
	client.Client

	token  authenticationv1.TokenReview
	access authorizationv1.SubjectAccessReview
	fault  error
}

func (s *apiServer) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	switch review := o.(type) {
	case *authenticationv1.TokenReview:
		s.token.Spec = review.Spec
		review.Status = s.token.Status
	case *authorizationv1.SubjectAccessReview:
		s.access.Spec = review.Spec
		review.Status = s.access.Status
	}
	return s.fault
}

func TestKubernetesReviewer_PassesTheUserOnUnchanged(t *testing.T) {
	server := &apiServer{}
	user := &authenticationv1.UserInfo{
		Username: "ana", UID: "1", Groups: []string{"ml-team", "system:authenticated"},
		Extra: map[string]authenticationv1.ExtraValue{"scopes": {"read", "write"}},
	}
	server.token.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: *user}
	server.access.Status.Allowed = true
	reviewer := web.KubernetesReviewer{Client: server}
	found, err := reviewer.Authenticate(t.Context(), "token")
	if diff := cmp.Diff(user, found); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(authenticationv1.TokenReviewSpec{Token: "token"}, server.token.Spec); diff != "" {
		t.Errorf("the TokenReview (-want +got):\n%s", diff)
	}
	allowed, err := reviewer.Allowed(t.Context(), found, web.Access{Verb: "get", Resource: "workspaces", Name: "fraud"})
	if !allowed || err != nil {
		t.Errorf("allowed: %t, %v", allowed, err)
	}
	want := authorizationv1.SubjectAccessReviewSpec{
		User: "ana", UID: "1", Groups: user.Groups, Extra: map[string]authorizationv1.ExtraValue{"scopes": {"read", "write"}},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: "platform.company.com", Version: "v1alpha1", Verb: "get", Resource: "workspaces", Name: "fraud",
		},
	}
	if diff := cmp.Diff(want, server.access.Spec); diff != "" {
		t.Errorf("the SubjectAccessReview (-want +got):\n%s", diff)
	}
}

func TestKubernetesReviewer_Refuses(t *testing.T) {
	server := &apiServer{}
	reviewer := web.KubernetesReviewer{Client: server}
	server.token.Status = authenticationv1.TokenReviewStatus{User: authenticationv1.UserInfo{Username: "ana"}, Error: "expired"}
	if user, err := reviewer.Authenticate(t.Context(), "token"); user != nil || err != nil {
		t.Errorf("an expired token: %v, %v", user, err)
	}
	server.access.Status = authorizationv1.SubjectAccessReviewStatus{Allowed: true, Denied: true}
	if allowed, err := reviewer.Allowed(t.Context(), &authenticationv1.UserInfo{}, web.Access{}); allowed || err != nil {
		t.Errorf("denied: %t, %v", allowed, err)
	}
	server.fault = errors.New("down")
	if _, err := reviewer.Authenticate(t.Context(), "token"); err == nil {
		t.Error("no error of a TokenReview")
	}
	if _, err := reviewer.Allowed(t.Context(), &authenticationv1.UserInfo{}, web.Access{}); err == nil {
		t.Error("no error of a SubjectAccessReview")
	}
}
