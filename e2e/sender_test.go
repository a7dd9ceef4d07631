package e2e

import (
	"context"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// message is one webhook, for the shared service unless said otherwise.
type message struct{ service.Message }

func newMessage(t testing.TB, kind workspace.EventType, data workspace.Data) message {
	t.Helper()
	m, err := service.NewMessage(kind, data)
	if err != nil {
		t.Fatal(err)
	}
	return message{m}
}

// team is a workspace of two roles and a bit of everything.
func team(id string, version int64) workspace.Data {
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

// send posts the message once to the shared service, which must answer.
func (m message) send(t testing.TB) service.Reply {
	t.Helper()
	r, err := world.service.Post(t.Context(), m.Message)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// deliverTo sends until the answer is a 2xx, for no longer than a story waits for anything.
func (m message) deliverTo(ctx context.Context, to *service.Service) (service.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, *patience)
	defer cancel()
	return to.Deliver(ctx, m.Message)
}

// mustDeliver delivers to the shared service.
func (m message) mustDeliver(t testing.TB) service.Reply {
	t.Helper()
	r, err := m.deliverTo(t.Context(), world.service)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
