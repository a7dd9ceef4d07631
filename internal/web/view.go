package web

import (
	"context"
	"net/url"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// workspaceSummary is a workspace in a list. Its names are those of events, where those have one.
type workspaceSummary struct {
	WorkspaceID string                         `json:"workspace_id"`
	Name        string                         `json:"name"`
	Owner       string                         `json:"owner,omitempty"`
	Tier        string                         `json:"tier"`
	Labels      map[string]v1alpha1.LabelValue `json:"labels,omitempty"`
	State       v1alpha1.State                 `json:"state"`
	Ready       bool                           `json:"ready"`
	Reason      string                         `json:"reason,omitempty"`
	Message     string                         `json:"message,omitempty"`
	// ChangedAt is when Ready changed last.
	ChangedAt  *metav1.Time `json:"changed_at,omitempty"`
	CreatedAt  metav1.Time  `json:"created_at"`
	Namespaces []string     `json:"namespaces"`
	ProjectID  string       `json:"project_id,omitempty"`
	ConsoleURL string       `json:"console_url"`
	StatusURL  string       `json:"status_url"`
}

func (a *ReadAPI) summary(w *v1alpha1.Workspace) workspaceSummary {
	condition := w.ReadyCondition()
	s := workspaceSummary{
		WorkspaceID: w.Name, Name: string(w.Spec.DisplayName), Owner: string(w.Spec.Owner), Tier: w.Spec.Tier, Labels: w.Spec.Labels,
		State: w.Spec.State, Ready: isTrue(condition), Reason: condition.Reason, Message: condition.Message, CreatedAt: w.CreationTimestamp,
		Namespaces: append([]string{}, w.Status.Namespaces...), ProjectID: w.Status.ProjectID, ConsoleURL: a.ConsoleURL(w.Name),
		StatusURL: a.PublicURL + "/workspaces/" + url.PathEscape(w.Name),
	}
	if !condition.LastTransitionTime.IsZero() {
		s.ChangedAt = &condition.LastTransitionTime
	}
	return s
}

func isTrue(condition metav1.Condition) bool { return condition.Status == metav1.ConditionTrue }

// workspaceDetail is the whole workspace.
type workspaceDetail struct {
	workspaceSummary

	Description  string            `json:"description,omitempty"`
	Quota        v1alpha1.Quota    `json:"quota,omitzero"`
	Members      []v1alpha1.Member `json:"members"`
	Version      int64             `json:"version"`
	StateVersion int64             `json:"state_version"`
	AppliedTier  string            `json:"applied_tier,omitempty"`
	Conditions   []condition       `json:"conditions"`
	Quotas       []namespaceQuota  `json:"quotas"`
	SharedQuota  *sharedQuota      `json:"shared_quota,omitempty"`
	Queue        *queue            `json:"queue,omitempty"`
	Objects      []Object          `json:"objects,omitzero"`
	ConsoleURLs  map[string]string `json:"console_urls"`
	Deliveries   []delivery        `json:"deliveries"`
	Reported     *reported         `json:"reported,omitempty"`
	Deletion     *deletion         `json:"deletion,omitempty"`

	// events are those about the workspace, and eventsErr says why they are missing.
	events    []event
	eventsErr error
}

type condition struct {
	Type      string                 `json:"type"`
	Status    metav1.ConditionStatus `json:"status"`
	Reason    string                 `json:"reason"`
	Message   string                 `json:"message"`
	ChangedAt metav1.Time            `json:"changed_at"`
}

// delivery is a webhook that the workspace has recorded.
type delivery struct {
	ID string `json:"id"`
	// ReceivedAt is absent if an older version of the service recorded the delivery.
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// reported is the newest report that the workspace service accepted.
type reported struct {
	Version int64       `json:"version"`
	Status  string      `json:"status"`
	Reason  string      `json:"reason,omitempty"`
	Time    metav1.Time `json:"time"`
}

// deletion is what will be removed, and when.
type deletion struct {
	Policy         v1alpha1.DeletionPolicy `json:"policy"`
	RequestedAt    metav1.Time             `json:"requested_at"`
	PurgeAt        *metav1.Time            `json:"purge_at,omitempty"`
	Namespaces     []string                `json:"namespaces"`
	PurgeStartedAt *metav1.Time            `json:"purge_started_at,omitempty"`
	PurgedAt       *metav1.Time            `json:"purged_at,omitempty"`
	ExpiresAt      *metav1.Time            `json:"expires_at,omitempty"`
}

func (a *ReadAPI) detail(ctx context.Context, w *v1alpha1.Workspace) workspaceDetail {
	var events []event
	var eventsErr error
	var reads sync.WaitGroup
	reads.Go(func() { events, eventsErr = a.eventsOf(ctx, w.Name) })
	quotas := a.quotas(ctx, w)
	reads.Wait()
	d := workspaceDetail{
		events: events, eventsErr: eventsErr,
		workspaceSummary: a.summary(w), Description: string(w.Spec.Description), Quota: w.Spec.Quota,
		Members: append([]v1alpha1.Member{}, w.Spec.Members...), Version: w.Spec.Version, StateVersion: w.Spec.StateVersion,
		AppliedTier: w.Status.Tier, Conditions: conditionsOf(w), Quotas: quotas, Objects: a.objects(ctx, w, events),
		ConsoleURLs: a.DomainURLs(w.Name), Deliveries: deliveriesOf(w), Reported: reportedOf(w.Status.Reported),
		Deletion: deletionOf(w.Status.Deletion),
	}
	d.SharedQuota = a.sharedQuota(ctx, w, d.Quotas)
	d.Queue = a.queue(ctx, w)
	return d
}

func conditionsOf(w *v1alpha1.Workspace) []condition {
	conditions := make([]condition, len(w.Status.Conditions))
	for i, c := range w.Status.Conditions {
		conditions[i] = condition{c.Type, c.Status, c.Reason, c.Message, c.LastTransitionTime}
	}
	return conditions
}

func deliveriesOf(w *v1alpha1.Workspace) []delivery {
	deliveries := []delivery{}
	for _, recorded := range workspace.Deliveries(w) {
		deliveries = append(deliveries, delivery{recorded.ID, recorded.Received})
	}
	return deliveries
}

func reportedOf(r *v1alpha1.Reported) *reported {
	if r == nil {
		return nil
	}
	return &reported{r.Version, r.Status, r.Reason, r.Time}
}

func deletionOf(d *v1alpha1.WorkspaceDeletion) *deletion {
	if d == nil {
		return nil
	}
	shown := &deletion{
		Policy: d.Policy, RequestedAt: d.RequestedAt, PurgeAt: d.PurgeAt, Namespaces: []string{},
		PurgeStartedAt: d.PurgeStartedAt, PurgedAt: d.PurgedAt, ExpiresAt: d.ExpiresAt,
	}
	for _, namespace := range d.Namespaces {
		shown.Namespaces = append(shown.Namespaces, namespace.Name)
	}
	return shown
}
