package webhook_test

import (
	"context"
	"maps"
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// memory is a Store that merges events as the real one does, and keeps what follows in memory.
type memory struct {
	// fault, where set, is returned before an event is recorded.
	fault func(context.Context) error
	// controller, where set, is told of every stored Workspace and may change its status.
	controller func(*v1alpha1.Workspace)
	// awaiting, where set, is called when a wait begins.
	awaiting func()
	awaitErr error

	mu         sync.Mutex
	changed    chan struct{}
	workspaces map[string]*v1alpha1.Workspace
	tiers      map[string]*v1alpha1.WorkspaceTier
}

func newMemory() *memory {
	standard := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultTier}}
	standard.Spec.Quota.Maximum.Quota = v1alpha1.Quota{CPU: "40", GPU: "4"}
	return &memory{
		changed:    make(chan struct{}),
		workspaces: map[string]*v1alpha1.Workspace{},
		tiers:      map[string]*v1alpha1.WorkspaceTier{standard.Name: standard},
	}
}

func (m *memory) Record(ctx context.Context, e workspace.Event, d workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error) {
	if m.fault != nil {
		if err := m.fault(ctx); err != nil {
			return nil, "", err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w := workspace.New(e.Data.WorkspaceID)
	if stored, ok := m.workspaces[w.Name]; ok {
		w = stored.DeepCopy()
	}
	raises, before := workspace.RaisesContent(w, e), w.DeepCopy()
	outcome, err := workspace.Record(w, e, d)
	if err != nil || outcome != workspace.OutcomeAccepted {
		return w, outcome, err
	}
	if raises {
		if err := workspace.Admit(before, w, m.tiers[w.Spec.Tier]); err != nil {
			return nil, "", err
		}
	}
	w.Generation++
	w.ResourceVersion = strconv.FormatInt(w.Generation, 10)
	if m.controller != nil {
		m.controller(w)
	}
	m.put(w)
	return w.DeepCopy(), outcome, nil
}

func (m *memory) put(w *v1alpha1.Workspace) {
	m.workspaces[w.Name] = w
	close(m.changed)
	m.changed = make(chan struct{})
}

// update changes a stored Workspace, as the controller would.
func (m *memory) update(id string, change func(*v1alpha1.Workspace)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.workspaces[id].DeepCopy()
	change(w)
	m.put(w)
}

func (m *memory) Await(ctx context.Context, id string, done func(*v1alpha1.Workspace) bool) (*v1alpha1.Workspace, error) {
	if m.awaiting != nil {
		m.awaiting()
	}
	for {
		m.mu.Lock()
		w, changed, err := m.workspaces[id].DeepCopy(), m.changed, m.awaitErr
		m.mu.Unlock()
		if err != nil || done(w) {
			return w, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return w, ctx.Err()
		}
	}
}

// stored are all Workspaces by id.
func (m *memory) stored() map[string]*v1alpha1.Workspace {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.workspaces)
}

// setsReady returns a controller that sets this condition Ready at once.
func setsReady(status metav1.ConditionStatus, reason string) func(*v1alpha1.Workspace) {
	return func(w *v1alpha1.Workspace) {
		w.Status.Namespaces = []string{"flyte-" + w.Name}
		w.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: status, Reason: reason, ObservedGeneration: w.Generation,
		}}
	}
}
