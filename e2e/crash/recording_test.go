package crash

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/model"
)

// recording is every state of some workspaces that a watch showed, one after the other.
type recording struct {
	histories map[string][]delivery
	// others are the workspaces that were there before, and writes how many the audit log had.
	others map[string]bool
	writes int
	// over is closed when err has been set.
	over chan struct{}
	err  error

	mu     sync.Mutex
	states map[string][]*v1alpha1.Workspace
	gone   []string
}

// record begins before anything of these histories is sent.
func record(t *testing.T, histories map[string][]delivery) *recording {
	t.Helper()
	env := shared.Env()
	r := &recording{
		histories: histories, others: map[string]bool{}, writes: len(env.Writes(t)),
		over: make(chan struct{}), states: map[string][]*v1alpha1.Workspace{},
	}
	var all v1alpha1.WorkspaceList
	if err := env.Admin.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for i := range all.Items {
		r.others[all.Items[i].Name] = true
	}
	go func() {
		defer close(r.over)
		r.err = r.follow(t.Context(), all.ResourceVersion)
	}()
	return r
}

// follow watches from that version on. An API server may end a watch at any time, for example if the watch falls behind. The next watch
// begins where the last one ended, so that no state is missing.
func (r *recording) follow(ctx context.Context, from string) error {
	env := shared.Env()
	for ctx.Err() == nil {
		options := &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: from}}
		events, err := env.Admin.Watch(ctx, &v1alpha1.WorkspaceList{}, options)
		if err != nil {
			return err
		}
		for event := range events.ResultChan() {
			w, ok := event.Object.(*v1alpha1.Workspace)
			if !ok {
				events.Stop()
				return apierrors.FromObject(event.Object)
			}
			from = w.ResourceVersion
			r.note(event.Type, w)
		}
	}
	return nil
}

func (r *recording) note(kind watch.EventType, w *v1alpha1.Workspace) {
	if r.histories[w.Name] == nil {
		return
	}
	w.ManagedFields = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[w.Name] = append(r.states[w.Name], w)
	if kind == watch.Deleted {
		r.gone = append(r.gone, w.Name)
	}
}

// check waits until the watch has shown the last state, compares each state with the model, and returns how many there were.
func (r *recording) check(t *testing.T) (seen int) {
	t.Helper()
	env := shared.Env()
	for id := range r.histories {
		harness.Eventually(t, "the watch to show the last state of "+id, func(context.Context) bool {
			select {
			case <-r.over:
				t.Fatalf("the watch has ended: %v", r.err)
			default:
			}
			return r.last(id) == harness.Get(t, env, &v1alpha1.Workspace{}, "", id).ResourceVersion
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, history := range r.histories {
		r.checkStates(t, id, history)
		seen += len(r.states[id])
	}
	if len(r.gone) > 0 {
		t.Errorf("Workspaces were deleted: %v", r.gone)
	}
	r.checkWrites(t)
	return seen
}

func (r *recording) last(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.states[id]); n > 0 {
		return r.states[id][n-1].ResourceVersion
	}
	return ""
}

// checkStates checks that each state is the model of the events that had taken effect, that these only become more, and that each raises a
// register and lowers none.
func (r *recording) checkStates(t *testing.T, id string, history []delivery) {
	t.Helper()
	var before v1alpha1.WorkspaceSpec
	var noted []string
	for i, w := range r.states[id] {
		m := effective(t, w, history)
		m.Check(t, w)
		if w.Spec.Version < before.Version || w.Spec.StateVersion < before.StateVersion {
			t.Errorf("%s went back from %d, %d to %d, %d", id, before.Version, before.StateVersion, w.Spec.Version, w.Spec.StateVersion)
		}
		if len(m) > len(noted) && w.Spec.Version == before.Version && w.Spec.StateVersion == before.StateVersion {
			t.Errorf("%s was written without a newer version: state %d", id, i)
		}
		for _, d := range noted {
			if _, still := m[d]; !still {
				t.Errorf("%s has lost %s in state %d", id, d, i)
			}
		}
		reason := harness.Ready(w).Reason
		for state, reached := range reasonOf {
			if reason == reached && state != w.Spec.State {
				t.Errorf("%s is to be %s, and says %s of it", id, w.Spec.State, reason)
			}
		}
		before, noted = w.Spec, model.Deliveries(t, w)
	}
}

// effective is the model of the deliveries that a Workspace has recorded.
func effective(t *testing.T, w *v1alpha1.Workspace, history []delivery) model.Model {
	t.Helper()
	m := model.Model{}
	for _, id := range model.Deliveries(t, w) {
		i := slices.IndexFunc(history, func(d delivery) bool { return d.message.ID == id })
		if i < 0 {
			t.Errorf("%s has recorded %s, which was not sent to it", w.Name, id)
			continue
		}
		m[id] = history[i].event
	}
	return m
}

// checkWrites checks in the audit log that the service wrote only its lease, the status of tiers, and objects of workspaces that were sent.
func (r *recording) checkWrites(t *testing.T) {
	t.Helper()
	env := shared.Env()
	for _, entry := range env.Writes(t)[r.writes:] {
		ref := entry.ObjectRef
		switch {
		case ref.Resource == "leases" && ref.Namespace == service.Namespace && ref.Name == "workspace-flyte-integration":
		case ref.Resource == "workspacetiers" && ref.Subresource == "status" && entry.Verb == "patch":
		case ref.Resource == "workspaces" && r.sent(ref.Name):
		case ref.Resource == "namespaces" && r.sent(ownerOf(t, ref.Name)):
		case ref.Resource == "clusterqueues" && r.sent(strings.TrimPrefix(ref.Name, "workspace-")):
		case ref.Resource != "namespaces" && ref.Namespace != "" && r.sent(ownerOf(t, ref.Namespace)):
		default:
			t.Errorf("wrote what is not its own: %s %+v", entry.Verb, ref)
		}
	}
}

func (r *recording) sent(id string) bool { return r.histories[id] != nil || r.others[id] }

// ownerOf is the workspace of a namespace by its label, which must agree with its name; by its name alone if the namespace is gone.
func ownerOf(t *testing.T, namespace string) string {
	t.Helper()
	env := shared.Env()
	byName := strings.TrimPrefix(namespace, "flyte-")
	var n corev1.Namespace
	switch err := env.Admin.Get(t.Context(), harness.Key(namespace), &n); {
	case apierrors.IsNotFound(err), err == nil && n.Labels[v1alpha1.LabelWorkspace] == byName:
		return byName
	case err != nil:
		t.Error(err)
	}
	return ""
}
