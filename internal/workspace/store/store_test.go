package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func newStore(t testing.TB, k *kube) *Store {
	t.Helper()
	s, err := New(t.Context(), k.Client, k.Live, k.Cache, workspace.NewLimits(1000))
	must(t, err)
	return s
}

func event(kind workspace.EventType, id string, version int64) workspace.Event {
	e := workspace.Event{Type: kind, Data: workspace.Data{WorkspaceID: id, Version: version}}
	if kind.HasContent() {
		e.Data.Name = fmt.Sprint("name ", version)
	}
	return e
}

// delivery is a delivery of e that no other event has.
func delivery(e workspace.Event) workspace.Delivery {
	return workspace.NewDelivery(fmt.Sprint("msg_", e.Data.Version), []byte(e.Type), time.Time{})
}

func (k *kube) workspace(t testing.TB, id string) *v1alpha1.Workspace {
	t.Helper()
	var w v1alpha1.Workspace
	must(t, k.Admin.Get(t.Context(), client.ObjectKey{Name: id}, &w))
	return &w
}

func TestStore_RecordsAnEventOnce(t *testing.T) {
	k := newKube(t)
	s, created, suspended := newStore(t, k), event(workspace.EventCreated, "store-once", 2), event(workspace.EventSuspended, "store-once", 3)
	steps := []struct {
		name     string
		event    workspace.Event
		delivery workspace.Delivery
		want     workspace.Outcome
		kind     workspace.Kind
		requests int64
	}{
		{"created", created, delivery(created), workspace.OutcomeAccepted, 0, 1},
		{"again at once", created, delivery(created), workspace.OutcomeDuplicate, 0, 0},
		{"older", event(workspace.EventUpdated, "store-once", 1), workspace.Delivery{ID: "a"}, workspace.OutcomeStale, 0, 0},
		{"newer", suspended, delivery(suspended), workspace.OutcomeAccepted, 0, 1},
		{"the first again", created, delivery(created), workspace.OutcomeDuplicate, 0, 0},
		{"another body", suspended, workspace.NewDelivery("msg_3", []byte("x"), time.Time{}), "", workspace.KindConflict, 0},
	}
	for _, step := range steps {
		k.Requests.Reset()
		w, outcome, err := s.Record(t.Context(), step.event, step.delivery)
		if step.kind != 0 {
			if workspace.KindOf(err) != step.kind {
				t.Errorf("%s: %v", step.name, err)
			}
			continue
		}
		must(t, err)
		if got := k.Requests.Reset(); outcome != step.want || got != step.requests {
			t.Errorf("%s: %s with %d requests, want %s with %d", step.name, outcome, got, step.want, step.requests)
		}
		if diff := cmp.Diff(k.workspace(t, "store-once").Spec, w.Spec); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
	want := v1alpha1.WorkspaceSpec{DisplayName: "name 2", Tier: "standard", Version: 2, State: "Suspended", StateVersion: 3}
	if diff := cmp.Diff(want, k.workspace(t, "store-once").Spec); diff != "" {
		t.Error(diff)
	}
}

func TestStore_TwentyWritersAtOnce(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	kinds := []workspace.EventType{
		workspace.EventCreated, workspace.EventUpdated, workspace.EventSuspended, workspace.EventResumed, workspace.EventUpdated,
	}
	for round := range 5 {
		id := fmt.Sprint("store-many-", round)
		var writers sync.WaitGroup
		for version := range int64(20) {
			writers.Go(func() {
				e := event(kinds[version%5], id, version+1)
				_, _, err := s.Record(t.Context(), e, delivery(e))
				for workspace.KindOf(err) == workspace.KindUnavailable { // too many were before it
					_, _, err = s.Record(t.Context(), e, delivery(e))
				}
				if err != nil {
					t.Errorf("version %d: %v", version+1, err)
				}
			})
		}
		writers.Wait()
		// 20 is an update, 19 a resumption.
		want := v1alpha1.WorkspaceSpec{DisplayName: "name 20", Tier: "standard", Version: 20, State: "Active", StateVersion: 19}
		if diff := cmp.Diff(want, k.workspace(t, id).Spec); diff != "" {
			t.Error(diff)
		}
	}
}

// The fields of other clients stay: status, their annotations, and fields of a newer version of the service.
func TestStore_WritesOnlyWhatItHasChanged(t *testing.T) {
	k := newKube(t)
	s, id := newStore(t, k), "store-beside"
	e := event(workspace.EventCreated, id, 1)
	_, _, err := s.Record(t.Context(), e, delivery(e))
	must(t, err)
	w := k.workspace(t, id)
	w.Annotations["example.com/theirs"], w.Labels = "a", map[string]string{"example.com/theirs": "b"}
	must(t, k.Admin.Update(t.Context(), w))
	w.Status.ProjectID = id
	must(t, k.Admin.Status().Update(t.Context(), w))
	e = event(workspace.EventUpdated, id, 2)
	_, outcome, err := s.Record(t.Context(), e, delivery(e)) // perhaps from a cache that has not seen it
	must(t, err)
	got := k.workspace(t, id)
	if outcome != workspace.OutcomeAccepted || got.Spec.Version != 2 || got.Status.ProjectID != id ||
		got.Annotations["example.com/theirs"] != "a" || got.Labels["example.com/theirs"] != "b" {
		t.Errorf("%s: %+v", outcome, got)
	}
}

// lagging is a client whose cache shows an old state of one Workspace, or none where it is nil.
type lagging struct {
	client.Client
	old *v1alpha1.Workspace
}

func (c lagging) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	w, ok := o.(*v1alpha1.Workspace)
	if !ok {
		return c.Client.Get(ctx, key, o, opts...)
	}
	if c.old == nil {
		return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("workspaces").GroupResource(), key.Name)
	}
	c.old.DeepCopyInto(w)
	return nil
}

func TestStore_ReadsLiveBehindALaggingCache(t *testing.T) {
	k := newKube(t)
	s, id := newStore(t, k), "store-lag"
	first, second := event(workspace.EventCreated, id, 1), event(workspace.EventUpdated, id, 2)
	_, _, err := s.Record(t.Context(), first, delivery(first))
	must(t, err)
	old := k.workspace(t, id)
	refused := first // the same delivery, of a tier that is gone
	refused.Data.Tier = "gone"
	_, _, err = s.Record(t.Context(), second, delivery(second))
	must(t, err)
	tests := []struct {
		name     string
		old      *v1alpha1.Workspace
		event    workspace.Event
		delivery workspace.Delivery
		want     workspace.Outcome
		kind     workspace.Kind
	}{
		{"unknown, a repeat", nil, first, delivery(first), workspace.OutcomeDuplicate, 0},
		{"unknown, a repeat that its tier would refuse today", nil, refused, delivery(refused), workspace.OutcomeDuplicate, 0},
		{"unknown, stale", nil, event(workspace.EventUpdated, id, 1), workspace.Delivery{ID: "a"}, workspace.OutcomeStale, 0},
		{"unknown, another state", nil, event(workspace.EventSuspended, id, 1), workspace.Delivery{ID: "a"}, "", workspace.KindConflict},
		{"old, a repeat", old, second, delivery(second), workspace.OutcomeDuplicate, 0},
		{"old, another body", old, second, workspace.NewDelivery("msg_2", []byte("x"), time.Time{}), "", workspace.KindConflict},
		{"old, news", old, event(workspace.EventSuspended, id, 3), workspace.Delivery{ID: "b"}, workspace.OutcomeAccepted, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t, &kube{&clustertest.Clients{Client: lagging{k.Client, test.old}, Live: k.Live, Cache: k.Cache}})
			_, outcome, err := s.Record(t.Context(), test.event, test.delivery)
			if outcome != test.want && test.kind == 0 || workspace.KindOf(err) != test.kind {
				t.Errorf("got %s, %v", outcome, err)
			}
		})
	}
	t.Run("deleted since", func(t *testing.T) {
		must(t, k.Admin.Delete(t.Context(), old))
		s := newStore(t, &kube{&clustertest.Clients{Client: lagging{k.Client, old}, Live: k.Live, Cache: k.Cache}})
		_, outcome, err := s.Record(t.Context(), second, delivery(second))
		if outcome != workspace.OutcomeAccepted || err != nil || k.workspace(t, id).Spec.Version != 2 {
			t.Errorf("got %s, %v", outcome, err)
		}
	})
}

func TestStore_RefusesMoreThanTheMaximum(t *testing.T) {
	k := newKube(t)
	var all v1alpha1.WorkspaceList
	must(t, k.Admin.List(t.Context(), &all))
	eventually(t, func(ctx context.Context) error {
		var seen v1alpha1.WorkspaceList
		if err := k.Cache.List(ctx, &seen); err != nil || len(seen.Items) != len(all.Items) {
			return errors.Join(err, errNotCached)
		}
		return nil
	})
	s, err := New(t.Context(), k.Client, k.Live, k.Cache, workspace.NewLimits(len(all.Items)+1))
	must(t, err)
	fits, more := event(workspace.EventDeleted, "max-1", 1), event(workspace.EventCreated, "max-2", 1)
	known := event(workspace.EventUpdated, "max-1", 2)
	if _, outcome, err := s.Record(t.Context(), fits, delivery(fits)); outcome != workspace.OutcomeAccepted {
		t.Error(outcome, err)
	}
	if _, outcome, err := s.Record(t.Context(), more, delivery(more)); workspace.KindOf(err) != workspace.KindLimited {
		t.Error(outcome, err)
	}
	if _, outcome, err := s.Record(t.Context(), known, delivery(known)); outcome != workspace.OutcomeAccepted {
		t.Error(outcome, err)
	}
}

// Members above the limit are refused, but no event that takes some away or exchanges them, and no ordinary workspace.
func TestStore_RefusesMembersAboveTheLimit(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	var all v1alpha1.WorkspaceList
	must(t, k.Admin.List(t.Context(), &all))
	s.limits.Members = 100
	for i := range all.Items {
		s.limits.Members += len(all.Items[i].Spec.Members)
	}
	steps := []struct {
		name    string
		kind    workspace.EventType
		id      string
		version int64
		members int
		limited bool
	}{
		{"as many as may be", workspace.EventCreated, "members-1", 1, 100, false},
		{"an ordinary workspace", workspace.EventCreated, "members-2", 1, 64, false},
		{"a large one", workspace.EventCreated, "members-3", 1, 65, true},
		{"others in their place", workspace.EventUpdated, "members-1", 2, 100, false},
		{"one more", workspace.EventUpdated, "members-1", 3, 101, true},
		{"one less", workspace.EventUpdated, "members-1", 3, 99, false},
	}
	for _, step := range steps {
		e := event(step.kind, step.id, step.version)
		for i := range step.members {
			name := v1alpha1.Text(fmt.Sprintf("user-%d-%d", step.version, i))
			e.Data.Members = append(e.Data.Members, v1alpha1.Member{Kind: v1alpha1.MemberUser, Name: name, Role: v1alpha1.RoleViewer})
		}
		_, outcome, err := s.Record(t.Context(), e, delivery(e))
		limited := workspace.KindOf(err) == workspace.KindLimited
		if limited != step.limited || !limited && outcome != workspace.OutcomeAccepted {
			t.Errorf("%s: %s, %v", step.name, outcome, err)
		}
	}
}

// If the API server's own validation refuses an event, the error is KindInvalid and names the field.
func TestStore_NamesFieldsThatTheAPIServerRefuses(t *testing.T) {
	e := event(workspace.EventCreated, "store-invalid", 1)
	e.Data.Quota.Memory, e.Data.Quota.Storage = "1e30", "-1"
	_, outcome, err := newStore(t, newKube(t)).Record(t.Context(), e, delivery(e))
	refusal, ok := errors.AsType[*workspace.Error](err)
	if !ok || refusal.Kind != workspace.KindInvalid || outcome != "" {
		t.Fatalf("got %s, %v", outcome, err)
	}
	for _, field := range []string{"spec.quota.memory", "spec.quota.storage"} {
		if !strings.Contains(refusal.Detail, field) {
			t.Errorf("%q does not name %s", refusal.Detail, field)
		}
	}
}

// A tier that does not exist, or was lowered since, refuses what an event newly asks for, and nothing else.
func TestStore_AdmitsWithinTheTier(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	e := event(workspace.EventCreated, "store-tier", 1)
	e.Data.Tier, e.Data.Quota.CPU = "store-tier", "8"
	record := func(ctx context.Context) (workspace.Outcome, error) {
		_, outcome, err := s.Record(ctx, e, delivery(e))
		return outcome, err
	}
	if _, err := record(t.Context()); workspace.KindOf(err) != workspace.KindInvalid {
		t.Fatalf("without the tier: %v", err)
	}
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: "store-tier"}}
	must(t, k.Admin.Create(t.Context(), tier))
	eventually(t, func(ctx context.Context) error { _, err := record(ctx); return err })
	tier.Spec.Quota.Maximum.CPU = "4"
	must(t, k.Admin.Update(t.Context(), tier))
	eventually(t, func(ctx context.Context) error { // the store sees the tier as its cache does
		var seen v1alpha1.WorkspaceTier
		if err := k.Cache.Get(ctx, client.ObjectKeyFromObject(tier), &seen); err != nil || seen.Spec.Quota.Maximum.CPU == "4" {
			return err
		}
		return errNotCached
	})
	more := e
	more.Type, more.Data.Version, more.Data.Quota.CPU = workspace.EventUpdated, 2, "9"
	if _, _, err := s.Record(t.Context(), more, delivery(more)); workspace.KindOf(err) != workspace.KindInvalid {
		t.Errorf("above the lowered maximum: %v", err)
	}
	if outcome, err := record(t.Context()); err != nil || outcome != workspace.OutcomeDuplicate {
		t.Errorf("the repeat is %s, %v", outcome, err)
	}
	unchanged := e
	unchanged.Type, unchanged.Data.Version, unchanged.Data.Name = workspace.EventUpdated, 3, "another name"
	if _, outcome, err := s.Record(t.Context(), unchanged, delivery(unchanged)); err != nil || outcome != workspace.OutcomeAccepted {
		t.Errorf("the quota that was stored before is %s, %v", outcome, err)
	}
	if name := k.workspace(t, "store-tier").Spec.DisplayName; name != "another name" {
		t.Errorf("the name is %q", name)
	}
}

// New content on a tier that does not allow the workspace is refused, and the error names the field.
func TestStore_RefusesATierThatExcludesTheWorkspace(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: "store-closed"}}
	tier.Spec.AllowedWorkspaces = []string{"store-in-*"}
	must(t, k.Admin.Create(t.Context(), tier))
	inside, outside := event(workspace.EventCreated, "store-in-1", 1), event(workspace.EventCreated, "store-out-1", 1)
	inside.Data.Tier, outside.Data.Tier = tier.Name, tier.Name
	eventually(t, func(ctx context.Context) error { _, _, err := s.Record(ctx, inside, delivery(inside)); return err })
	_, _, err := s.Record(t.Context(), outside, delivery(outside))
	refused, ok := errors.AsType[*workspace.Error](err)
	want := []workspace.FieldError{{Field: "tier", Message: "must be a WorkspaceTier that allows this workspace"}}
	if !ok || cmp.Diff(want, refused.Fields) != "" {
		t.Errorf("got %v", err)
	}
}

// An event that is written to a Workspace that is being deleted would be deleted with it.
func TestStore_IsUnavailableWhileTheWorkspaceIsDeleted(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	w := workspace.New("store-deleted")
	w.Finalizers = []string{"example.com/somebody-elses"}
	must(t, k.Admin.Create(t.Context(), w))
	must(t, k.Admin.Delete(t.Context(), w))
	e := event(workspace.EventCreated, w.Name, 1)
	eventually(t, func(ctx context.Context) error {
		if _, _, err := s.Record(ctx, e, delivery(e)); workspace.KindOf(err) != workspace.KindUnavailable {
			return fmt.Errorf("not refused: %w", err)
		}
		return nil
	})
	w = k.workspace(t, w.Name)
	w.Finalizers = nil
	must(t, k.Admin.Update(t.Context(), w))
	eventually(t, func(ctx context.Context) error { _, _, err := s.Record(ctx, e, delivery(e)); return err })
}
