package harness

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// NewMessage is one webhook, which may be sent again and again.
func NewMessage(t testing.TB, kind workspace.EventType, data workspace.Data) service.Message {
	t.Helper()
	m, err := service.NewMessage(kind, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Data is the content of a workspace with members of two roles.
func Data(id string, version int64) workspace.Data {
	return workspace.Data{
		WorkspaceID: id, Version: version, Name: "Team " + id, Description: "made by a test", Owner: "ana@company.com",
		Quota: v1alpha1.Quota{CPU: "20", Memory: "64Gi", GPU: "2"},
		Members: []v1alpha1.Member{
			{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
			{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
		},
		Labels: map[string]string{"cost-center": "42"},
	}
}

// Send posts the message once to the service, which must answer.
func (e *Env) Send(t testing.TB, m service.Message) service.Reply {
	t.Helper()
	r, err := e.Service.Post(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Deliver sends the message until the service answers 2xx.
func (e *Env) Deliver(t testing.TB, m service.Message) service.Reply {
	t.Helper()
	return DeliverTo(t, e.Service, m)
}

// DeliverTo sends the message to a replica until that answers 2xx.
func DeliverTo(t testing.TB, to *service.Service, m service.Message) service.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *Patience)
	defer cancel()
	r, err := to.Deliver(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Create delivers version 1 of a workspace and waits until it is Ready.
func (e *Env) Create(t testing.TB, data workspace.Data) *v1alpha1.Workspace {
	t.Helper()
	e.Deliver(t, NewMessage(t, workspace.EventCreated, data))
	return e.AwaitReason(t, data.WorkspaceID, v1alpha1.ReasonReady)
}

// CreateOnTier is [Env.Create] on a new tier, which the edge accepts as soon as its cache has the tier.
func (e *Env) CreateOnTier(t testing.TB, data workspace.Data, tier string) {
	t.Helper()
	e.DeliverOnTier(t, data, tier)
	e.AwaitReason(t, data.WorkspaceID, v1alpha1.ReasonReady)
}

// DeliverOnTier delivers version 1 of a workspace on a new tier.
func (e *Env) DeliverOnTier(t testing.TB, data workspace.Data, tier string) {
	t.Helper()
	data.Tier = tier
	m := NewMessage(t, workspace.EventCreated, data)
	//nolint:contextcheck // Send has the test's context
	Eventually(t, "the edge to know the tier "+tier, func(context.Context) bool { return e.Send(t, m).Status < http.StatusMultipleChoices })
}

// Ask sends a GET to a replica.
func Ask(ctx context.Context, s *service.Service, path string) (service.Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		return service.Reply{}, err
	}
	return service.Do(request)
}

// AwaitAnswer waits until a replica answers a GET with this status and a body that contains text.
func AwaitAnswer(t testing.TB, s *service.Service, path string, status int, text string) {
	t.Helper()
	Eventually(t, path+" to answer "+text, func(ctx context.Context) bool {
		r, err := Ask(ctx, s, path)
		return err == nil && r.Status == status && strings.Contains(r.Body, text)
	})
}
