package workspaceservice

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

// service is a workspace service with an answer that the test chooses.
type service struct {
	mu       sync.Mutex
	answer   int
	after    string
	received []Report
	ids      []string
	// meanwhile is called while a report is under way.
	meanwhile func()
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.meanwhile != nil {
		s.meanwhile()
	}
	if s.answer >= http.StatusMultipleChoices {
		w.Header().Set("Retry-After", s.after)
		w.WriteHeader(s.answer)
		return
	}
	var report Report
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &report); err != nil {
		panic(err)
	}
	s.received, s.ids = append(s.received, report), append(s.ids, r.Header.Get("Webhook-Id"))
}

func (s *service) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = status
}

// reported are the statuses of the accepted reports.
func (s *service) reported() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var statuses []string
	for _, r := range s.received {
		statuses = append(statuses, fmt.Sprintf("%s@%d", r.Status, r.Version))
	}
	return strings.Join(statuses, " ")
}

// scene is a Reporter without a manager, under the service's account.
type scene struct {
	t        testing.TB
	admin    client.Client
	service  *service
	reporter *Reporter
	events   *events.FakeRecorder
	writes   int
}

func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{t: t, admin: shared.Admin(t), service: &service{}, events: events.NewFakeRecorder(100)}
	cfg := asService(t)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return writeCounter{next, &s.writes} })
	live := clustertest.Client(t, cfg)
	s.reporter = NewReporter(Options{
		Client: serve(t, s.service.ServeHTTP), Cached: live, Live: live, Leadership: leads{}, Events: s.events,
		Metrics: prometheus.NewRegistry(),
	})
	return s
}

// workspace makes a Workspace of this id and version.
func (s *scene) workspace(id string, version int64) {
	s.t.Helper()
	w := &v1alpha1.Workspace{
		ObjectMeta: metav1.ObjectMeta{Name: id, Labels: map[string]string{"test": id}},
		Spec:       v1alpha1.WorkspaceSpec{DisplayName: "A team", Version: version, StateVersion: version},
	}
	must(s.t, s.admin.Create(s.t.Context(), w))
	s.t.Cleanup(func() { must(s.t, client.IgnoreNotFound(s.admin.Delete(context.WithoutCancel(s.t.Context()), w))) })
}

func (s *scene) get(id string) *v1alpha1.Workspace {
	s.t.Helper()
	w := &v1alpha1.Workspace{}
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: id}, w))
	return w
}

// becomes sets the condition Ready, as the controller does.
func (s *scene) becomes(id string, status metav1.ConditionStatus, reason string) {
	s.t.Helper()
	w := s.get(id)
	before := w.DeepCopy()
	w.Status.ObservedGeneration = w.Generation
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: reason, ObservedGeneration: w.Generation,
	})
	must(s.t, s.admin.Status().Patch(s.t.Context(), w, client.MergeFrom(before)))
}

func (s *scene) reconcile(id string) error {
	s.t.Helper()
	_, err := s.reporter.Reconcile(s.t.Context(), request(id))
	return err
}

func (s *scene) expect(want string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.service.reported()); diff != "" {
		s.t.Errorf("the reports (-want +got):\n%s", diff)
	}
}

func TestReporter_ReportsEachOutcomeOnce(t *testing.T) {
	s := newScene(t)
	s.workspace("each-once", 4)
	must(t, s.reconcile("each-once"))
	s.expect("")
	s.becomes("each-once", metav1.ConditionFalse, v1alpha1.ReasonFlyteUnavailable)
	must(t, s.reconcile("each-once"))
	must(t, s.reconcile("each-once"))
	s.becomes("each-once", metav1.ConditionTrue, v1alpha1.ReasonReady)
	must(t, s.reconcile("each-once"))
	s.expect("pending@4 ready@4")
	if s.service.ids[0] >= s.service.ids[1] {
		t.Errorf("the ids do not grow: %v", s.service.ids)
	}
	w, before := s.get("each-once"), s.writes
	if r := w.Status.Reported; r == nil || r.Status != StatusReady || r.Version != 4 || r.Time.IsZero() {
		t.Errorf("status.reported is %+v", w.Status.Reported)
	}
	must(t, s.reconcile("each-once"))
	s.expect("pending@4 ready@4")
	if s.writes != before {
		t.Errorf("it wrote %d times at rest", s.writes-before)
	}
}

func TestReporter_DropsAnOutdatedReport(t *testing.T) {
	s := newScene(t)
	s.workspace("out-of-date", 1)
	s.becomes("out-of-date", metav1.ConditionFalse, v1alpha1.ReasonConflict)
	s.service.answers(http.StatusBadGateway)
	if err := s.reconcile("out-of-date"); err == nil {
		t.Error("a failure is not retried")
	}
	if w := s.get("out-of-date"); w.Status.Reported != nil {
		t.Errorf("status.reported is %+v", w.Status.Reported)
	}
	s.becomes("out-of-date", metav1.ConditionTrue, v1alpha1.ReasonReady)
	s.service.answers(http.StatusOK)
	must(t, s.reconcile("out-of-date"))
	s.expect("ready@1")
}

// TestReporter_RecordsARefusal in the status and as an Event, and retries it only after RetryRefused.
func TestReporter_RecordsARefusal(t *testing.T) {
	s := newScene(t)
	s.workspace("refused", 1)
	s.becomes("refused", metav1.ConditionTrue, v1alpha1.ReasonReady)
	s.service.answers(http.StatusNotFound)
	must(t, s.reconcile("refused"))
	condition := meta.FindStatusCondition(s.get("refused").Status.Conditions, v1alpha1.ConditionReported)
	if condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason != v1alpha1.ReasonReportRefused ||
		condition.Message != "the workspace service answered 404 Not Found" {
		t.Errorf("the condition is %+v", condition)
	}
	if event := <-s.events.Events; !strings.Contains(event, "ReportRefused") {
		t.Errorf("the Event is %q", event)
	}
	s.service.answers(http.StatusOK)
	must(t, s.reconcile("refused"))
	s.expect("")
	s.reporter.RetryRefused()
	must(t, s.reconcile("refused"))
	s.expect("ready@1")
	if !meta.IsStatusConditionTrue(s.get("refused").Status.Conditions, v1alpha1.ConditionReported) {
		t.Error("the condition stays")
	}
}

func TestReporter_ReportsAChangeAfterARefusal(t *testing.T) {
	s := newScene(t)
	s.workspace("speaks-again", 1)
	s.becomes("speaks-again", metav1.ConditionFalse, v1alpha1.ReasonInvalid)
	s.service.answers(http.StatusUnprocessableEntity)
	must(t, s.reconcile("speaks-again"))
	s.service.answers(http.StatusOK)
	s.becomes("speaks-again", metav1.ConditionTrue, v1alpha1.ReasonReady)
	must(t, s.reconcile("speaks-again"))
	s.expect("ready@1")
}

func TestReporter_RecordsAReportAfterAConflict(t *testing.T) {
	s := newScene(t)
	s.workspace("other-writes", 1)
	s.becomes("other-writes", metav1.ConditionTrue, v1alpha1.ReasonReady)
	s.service.meanwhile = func() {
		w := s.get("other-writes")
		before := w.DeepCopy()
		w.Annotations = map[string]string{"somebody": "else"}
		must(t, s.admin.Patch(t.Context(), w, client.MergeFrom(before)))
	}
	must(t, s.reconcile("other-writes"))
	if w := s.get("other-writes"); w.Status.Reported == nil || w.Annotations["somebody"] != "else" {
		t.Errorf("status.reported is %+v, the annotations are %v", w.Status.Reported, w.Annotations)
	}
}

// TestReporter_KeepsTheRecordOfALaterLeader: this one was slow, and another one has reported something newer.
func TestReporter_KeepsTheRecordOfALaterLeader(t *testing.T) {
	s := newScene(t)
	s.workspace("later-leader", 1)
	s.becomes("later-leader", metav1.ConditionFalse, v1alpha1.ReasonConflict)
	later := &v1alpha1.Reported{Version: 1, Status: StatusReady, Digest: "of-the-later-leader", Time: metav1.Now()}
	s.service.meanwhile = func() {
		w := s.get("later-leader")
		before := w.DeepCopy()
		w.Status.Reported = later
		must(t, s.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)))
	}
	must(t, s.reconcile("later-leader"))
	if got := s.get("later-leader").Status.Reported; got == nil || got.Digest != later.Digest {
		t.Errorf("status.reported is %+v", got)
	}
}

// staleCache returns a Workspace as it was.
type staleCache struct {
	client.Client
	was *v1alpha1.Workspace
}

func (c staleCache) Get(_ context.Context, _ client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	c.was.DeepCopyInto(o.(*v1alpha1.Workspace))
	return nil
}

// TestReporter_TrustsNoStaleCache: a new leader reports nothing older than its predecessor did.
func TestReporter_TrustsNoStaleCache(t *testing.T) {
	s := newScene(t)
	s.workspace("lags-behind", 1)
	s.becomes("lags-behind", metav1.ConditionFalse, v1alpha1.ReasonConflict)
	was := s.get("lags-behind")
	s.becomes("lags-behind", metav1.ConditionTrue, v1alpha1.ReasonReady)
	must(t, s.reconcile("lags-behind"))
	s.reporter.Cached = staleCache{s.reporter.Cached, was}
	must(t, s.reconcile("lags-behind"))
	s.expect("ready@1")
}

func TestReporter_ReportsNothingAsAFollower(t *testing.T) {
	s := newScene(t)
	s.workspace("follower", 1)
	s.becomes("follower", metav1.ConditionTrue, v1alpha1.ReasonReady)
	s.reporter.Leadership = follows{}
	must(t, s.reconcile("follower"))
	s.expect("")
}

// TestReporter_NeverBlocksOnAnOpenCircuit: a worker that waited would be missing to every other workspace.
func TestReporter_NeverBlocksOnAnOpenCircuit(t *testing.T) {
	s := newScene(t)
	for _, id := range []string{"open-circuit-1", "open-circuit-2"} {
		s.workspace(id, 1)
		s.becomes(id, metav1.ConditionTrue, v1alpha1.ReasonReady)
	}
	s.service.after = "3600"
	s.service.answers(http.StatusServiceUnavailable)
	if err := s.reconcile("open-circuit-1"); err == nil {
		t.Error("a failed report is not retried")
	}
	s.service.answers(http.StatusOK)
	for _, id := range []string{"open-circuit-1", "open-circuit-2"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		result, err := s.reporter.Reconcile(ctx, request(id))
		if err != nil || ctx.Err() != nil || result.RequeueAfter < 59*time.Minute || result.RequeueAfter > 61*time.Minute {
			t.Errorf("%s: requeued after %v, %v, %v", id, result.RequeueAfter, err, ctx.Err())
		}
		cancel()
	}
	s.expect("")
}

// TestReporter_WaitsForTheRateLimit: after an outage, all reports would be sent at once.
func TestReporter_WaitsForTheRateLimit(t *testing.T) {
	s := newScene(t)
	s.workspace("rate-limit", 1)
	s.becomes("rate-limit", metav1.ConditionTrue, v1alpha1.ReasonReady)
	s.reporter.limiter.ReserveN(time.Now(), workers)
	s.reporter.limiter.SetLimit(rate.Every(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := s.reporter.Reconcile(ctx, request("rate-limit"))
	must(t, err)
	s.expect("")
	s.reporter.limiter.SetLimit(maxRate)
	must(t, s.reconcile("rate-limit"))
	s.expect("ready@1")
}
