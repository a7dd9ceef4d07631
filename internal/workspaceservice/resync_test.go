package workspaceservice

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// apiStore records events under the service's account, as store.Store does for the edge.
type apiStore struct {
	client.Client
	test string
}

func (s apiStore) Record(ctx context.Context, e workspace.Event, d workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error) {
	w := &v1alpha1.Workspace{}
	err := s.Get(ctx, client.ObjectKey{Name: e.Data.WorkspaceID}, w)
	if apierrors.IsNotFound(err) {
		w, err = workspace.New(e.Data.WorkspaceID), nil
		w.Labels = map[string]string{"test": s.test}
	}
	if err != nil {
		return nil, "", err
	}
	outcome, err := workspace.Record(w, e, d)
	if err != nil || outcome != workspace.OutcomeAccepted {
		return w, outcome, err
	}
	if w.ResourceVersion == "" {
		return w, outcome, s.Create(ctx, w)
	}
	return w, outcome, s.Patch(ctx, w, client.Merge)
}

// labelled lists the Workspaces of one test.
type labelled struct {
	client.Client
	test string
}

func (l labelled) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return l.Client.List(ctx, list, append(options, client.MatchingLabelsSelector{
		Selector: labels.SelectorFromSet(labels.Set{"test": l.test}),
	})...)
}

// register is a Resync, and the workspace service's listing that it reads.
type register struct {
	t      testing.TB
	admin  client.Client
	resync *Resync
	// pages answers for each cursor.
	pages   map[string]string
	after   int
	test    string
	metrics *prometheus.Registry
}

// failures is the number of failed listings in the metric.
func (r *register) failures() (n float64) {
	r.t.Helper()
	families, err := r.metrics.Gather()
	must(r.t, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "workspace_flyte_resyncs_total" && metric.GetLabel()[0].GetValue() == resultFailed {
				n = metric.GetCounter().GetValue()
			}
		}
	}
	return n
}

func newRegister(t testing.TB, test string) *register {
	t.Helper()
	admin := shared.Admin(t)
	r := &register{t: t, admin: admin, pages: map[string]string{}, test: test, metrics: prometheus.NewRegistry()}
	live := labelled{clustertest.Client(t, asService(t)), test}
	naming, err := workspace.NewNaming("{prefix}{project}", "flyte-", []string{"development"}, []string{"flyte-system"})
	must(t, err)
	r.resync = NewResync(ResyncOptions{
		Client: serve(t, r.answer), Cached: live, Live: live, Store: apiStore{live, test}, Validator: workspace.NewValidator(naming),
		Interval: time.Hour, OnComplete: func() { r.after++ }, Metrics: r.metrics,
	})
	t.Cleanup(func() {
		must(t, r.admin.DeleteAllOf(context.WithoutCancel(t.Context()), &v1alpha1.Workspace{}, client.MatchingLabels{"test": test}))
	})
	return r
}

func (r *register) answer(w http.ResponseWriter, q *http.Request) {
	page, known := r.pages[q.URL.Query().Get("cursor")]
	if q.Method != http.MethodGet || q.URL.Path != "/api/workspaces" || !known {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, page)
}

// lists gives the listing in pages of one item.
func (r *register) lists(items ...string) {
	clear(r.pages)
	r.pages[""] = `{"items":[]}`
	for i, item := range items {
		cursor, next := "", ""
		if i > 0 {
			cursor = fmt.Sprint(i)
		}
		if i < len(items)-1 {
			next = fmt.Sprint(i + 1)
		}
		r.pages[cursor] = fmt.Sprintf(`{"items":[%s],"next_cursor":%q}`, item, next)
	}
}

func item(id string, version int64, state v1alpha1.State, stateVersion int64) string {
	text, err := json.Marshal(map[string]any{
		"workspace_id": id, "version": version, "state": state, "state_version": stateVersion, "name": fmt.Sprintf("As of %d", version),
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sync runs once and returns the differences in order of id.
func (r *register) sync() string {
	r.t.Helper()
	differences, err := r.resync.Once(r.t.Context())
	must(r.t, err)
	lines := make([]string, len(differences))
	for i, d := range differences {
		lines[i] = strings.TrimSpace(d.WorkspaceID + " " + d.Kind + " " + d.Detail)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (r *register) get(id string) *v1alpha1.Workspace {
	r.t.Helper()
	w := &v1alpha1.Workspace{}
	must(r.t, r.admin.Get(r.t.Context(), client.ObjectKey{Name: id}, w))
	return w
}

func (r *register) expect(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n"), r.sync()); diff != "" {
		r.t.Errorf("the differences (-want +got):\n%s", diff)
	}
}

func TestResync_StoresNewerItems(t *testing.T) {
	r := newRegister(t, "newer")
	r.lists(item("newer-1", 3, "Active", 3), item("newer-2", 5, "Suspended", 6), item("newer-3", 2, "Deleted", 4))
	r.expect("newer-1 content new, Active at 3", "newer-2 content new, Suspended at 5", "newer-2 state new, Suspended at 6")
	r.expect()
	if w := r.get("newer-2"); w.Spec.Version != 5 || w.Spec.StateVersion != 6 || w.Spec.State != v1alpha1.StateSuspended ||
		w.Spec.DisplayName != "As of 5" {
		t.Errorf("newer-2 is %+v", w.Spec)
	}
	r.lists(item("newer-1", 4, "Deleted", 9), item("newer-2", 7, "Active", 8))
	r.expect("newer-1 content 3 to 4", "newer-1 state Active at 3 to Deleted at 9",
		"newer-2 content 5 to 7", "newer-2 state Suspended at 6 to Active at 8")
	r.lists(item("newer-1", 2, "Active", 2), item("newer-2", 7, "Suspended", 5)) // older than what is here
	r.expect()
	if w := r.get("newer-1"); w.Spec.Version != 4 || w.Spec.State != v1alpha1.StateDeleted {
		t.Errorf("newer-1 is %+v", w.Spec)
	}
}

// TestResync_RefusesAVersionThatWasUsedBefore, and stores the other items.
func TestResync_RefusesAVersionThatWasUsedBefore(t *testing.T) {
	r := newRegister(t, "twice")
	r.lists(item("twice-1", 3, "Active", 3), item("twice-2", 3, "Suspended", 4), item("twice-3", 3, "Active", 3))
	r.sync()
	w := r.get("twice-3")
	w.Spec.DisplayName = "Edited by hand" // which is no fault of the sender
	must(t, r.admin.Update(t.Context(), w))
	other := strings.Replace(item("twice-1", 3, "Active", 3), "As of", "Not as of", 1)
	r.lists(other, item("twice-2", 3, "Deleted", 4), item("twice-3", 3, "Active", 3), item("twice-4", 1, "Active", 1))
	conflict := "conflict version %d of workspace %s was used before with %s: send this event with a higher version: " +
		"%s register"
	want := []string{
		"twice-1 " + fmt.Sprintf(conflict, 3, "twice-1", "other content", "content"),
		"twice-2 " + fmt.Sprintf(conflict, 4, "twice-2", "the state Suspended", "state"),
	}
	r.expect(append(want, "twice-4 content new, Active at 1")...)
	r.expect(want...)
	if w := r.get("twice-2"); w.Spec.State != v1alpha1.StateSuspended {
		t.Errorf("twice-2 is %s", w.Spec.State)
	}
}

func TestResync_MarksAndKeepsUnlistedWorkspaces(t *testing.T) {
	r := newRegister(t, "kept")
	r.lists(item("kept-1", 1, "Active", 1), item("kept-2", 1, "Active", 1), item("kept-3", 1, "Active", 1))
	r.sync()
	r.lists(item("kept-2", 1, "Active", 1), item("kept-3", 2, "Deleted", 2))
	r.expect("kept-1 unlisted", "kept-3 content 1 to 2", "kept-3 state Active at 1 to Deleted at 2")
	r.expect()
	w := r.get("kept-1")
	if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionUnlisted); c == nil || c.Reason != v1alpha1.ReasonNotListed ||
		w.Spec.State != v1alpha1.StateActive {
		t.Errorf("kept-1 is %v %+v", w.Spec.State, c)
	}
	if n := countUnlisted(t.Context(), r.resync.Cached); n != 1 {
		t.Errorf("the metric is %v", n)
	}
	r.lists() // it may lack deleted workspaces
	r.expect("kept-2 unlisted")
	r.lists(item("kept-1", 1, "Active", 1), item("kept-2", 1, "Active", 1))
	r.expect("kept-1 listed again", "kept-2 listed again")
	if w := r.get("kept-1"); meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionUnlisted) != nil {
		t.Errorf("kept-1 has %v", w.Status.Conditions)
	}
}

// TestResync_IgnoresABrokenListing with its good pages.
func TestResync_IgnoresABrokenListing(t *testing.T) {
	r := newRegister(t, "broken")
	r.lists(item("broken-1", 1, "Active", 1), item("broken-2", 1, "Active", 1))
	r.sync()
	before := r.get("broken-1").ResourceVersion + r.get("broken-2").ResourceVersion
	good := fmt.Sprintf(`{"items":[%s],"next_cursor":"1"}`, item("broken-1", 5, "Suspended", 5))
	for name, second := range map[string]string{
		"cut off": good[:len(good)-9], "html": "<html></html>", "another object": `{"error":"try later"}`, "empty": "",
		"round in circles": good, "a cursor too long": `{"items":[],"next_cursor":"` + strings.Repeat("x", maxCursor+1) + `"}`,
		"too large": `{"items":["` + strings.Repeat("x", maxPage) + `"]}`, "too many": `{"items":[` + strings.Repeat("{},", maxItems) + `{}]}`,
	} {
		r.pages = map[string]string{"": good, "1": second}
		if differences, err := r.resync.Once(t.Context()); err == nil || len(differences) > 0 {
			t.Errorf("%s: %v, %v", name, differences, err)
		}
	}
	r.pages = map[string]string{"": good} // the second page is a 400
	if _, err := r.resync.Once(t.Context()); err == nil {
		t.Error("a missing page is no error")
	}
	if after := r.get("broken-1").ResourceVersion + r.get("broken-2").ResourceVersion; after != before {
		t.Error("something was written")
	}
	if n := r.failures(); n != 9 || r.after != 1 {
		t.Errorf("%v failures were counted, and %d complete listings", n, r.after)
	}
}

// TestResync_ValidatesItems one by one, as the webhook does.
func TestResync_ValidatesItems(t *testing.T) {
	r := newRegister(t, "rules")
	r.lists(item("rules-3", 1, "Active", 1))
	r.sync()
	r.lists(
		`{"workspace_id":"rules-1","version":1,"state":"Active","name":"a","members":[{"kind":"Group","name":"system:masters","role":"admin"}]}`,
		item("system", 1, "Active", 1), item("rules-2", 1, "Active", 1), item("Rules", 1, "Active", 1), item("rules-4", 0, "Active", 0),
		`{"workspace_id":"rules-3","version":2,"state":"Suspended","name":"a\u202eb"}`, `{"workspace_id":"rules-5","version":1,"name":"x"}`,
	)
	lines := strings.Split(r.sync(), "\n")
	for i, want := range []string{
		"Rules refused", "rules-1 refused", "rules-2 content new", "rules-3 refused", "rules-3 state Active at 1 to Suspended at 2",
		"rules-4 refused", "rules-5 refused", "system refused",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is not %q: %q", i, want, lines)
		}
	}
	if w := r.get("rules-3"); w.Spec.State != v1alpha1.StateSuspended || w.Spec.DisplayName != "As of 1" {
		t.Errorf("rules-3 is %+v: it must be suspended, whatever the content", w.Spec)
	}
}

func TestResync_MarksNothingUnlistedBesideUnreadableItems(t *testing.T) {
	r := newRegister(t, "unreadable")
	r.lists(item("unreadable-1", 1, "Active", 1))
	r.sync()
	for _, unreadable := range []string{`7`, `{"workspace_id":7}`, `{"version":1}`} {
		r.lists(unreadable)
		if got := r.sync(); !strings.HasPrefix(got, "refused") || strings.Contains(got, "unlisted") {
			t.Errorf("%s: %s", unreadable, got)
		}
	}
}

func TestResync_RunsAtOnceAndRetries(t *testing.T) {
	r := newRegister(t, "runs")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	r.pages[""] = "<html>"
	go func() { r.resync.Run(ctx); close(ended) }()
	eventually(t, "two failures", func() bool { return r.failures() >= 2 })
	cancel()
	<-ended
}
