package scale

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var (
	loadRate = flag.Int("rate", 50, "how many deliveries a second TestLoad sends")
	loadFor  = flag.Duration("for", 3*time.Second, "for how long")
	loadEdge = flag.Bool("edge", false, "let nobody reconcile meanwhile: the edge alone, as on a replica that does not lead")
)

const (
	// turns is how often deliveries and bare writes take turns.
	turns = 5
	// updatesPerSecond is how often one workspace is updated under load.
	updatesPerSecond = 2.5
	// storeTimeout is how long the service tries to store an event before it answers 503.
	storeTimeout = 5 * time.Second
	// answerTimeout is when a sender gives up; Standard Webhooks recommends 15 to 30 seconds.
	answerTimeout = 20 * time.Second
)

// TestLoad sends distinct signed updates to Ready workspaces at a constant rate, whether the last ones have been answered or not, and in
// turns with them bare writes of the same change to as many equal Workspaces. The leader reconciles both all the time. Requests that are
// answered 503 are sent again, and their time goes on. No update may be lost; the service answers no 503 to a load that the API server
// bears as bare writes, and gives goroutines and files back afterwards.
func TestLoad(t *testing.T) {
	env := shared.Env()
	n := int(float64(*loadRate) / updatesPerSecond)
	delivered, bare := prepare(t, "load", n), prepare(t, "bare", n)
	if *loadEdge {
		defer takeLease(t)()
	}
	service.Sender.CloseIdleConnections()
	before := measure(t)

	var deliveries, writes load
	unavailable := -answeredUnavailable(t)
	for range turns {
		deliveries.run(t, func(ctx context.Context, i int) func() error { return delivered[i%n].deliverNext(ctx, t) })
		writes.run(t, func(ctx context.Context, i int) func() error { return bare[i%n].writeNext(ctx, t) })
	}
	used := measure(t)
	unavailable += answeredUnavailable(t)
	deliveries.report(t, &writes)
	t.Logf("503 was answered %d times; %d bare writes took more than %v or failed; %.0f writes at a time at the end",
		unavailable, writes.lateOrFailed(), storeTimeout, env.Metric(t, "workspace_flyte_webhook_write_limit"))
	t.Logf("the service used %.2f s of CPU, reconciling included: %.2f ms for each delivery and bare write",
		used.cpu-before.cpu, 1000*(used.cpu-before.cpu)/float64(len(deliveries.times)+len(writes.times)))

	// While an API server doesn't bear the load, many deliveries are answered 503 several times.
	if n := writes.lateOrFailed(); writes.borne() && unavailable > n+len(writes.times)/100 {
		t.Errorf("503 was answered %d times to %d deliveries, where %d of %d bare writes took more than %v or failed",
			unavailable, len(deliveries.times), n, len(writes.times), storeTimeout)
	}
	if n := len(deliveries.failures); n > 0 {
		t.Errorf("%d deliveries failed, such as: %v", n, deliveries.failures[0])
	}
	for _, l := range delivered {
		if wrong := l.check(t); wrong != "" {
			t.Fatalf("%s: %s", l.w.Name, wrong)
		}
	}
	service.Sender.CloseIdleConnections()
	harness.Eventually(t, "goroutines and file descriptors to be given back", func(context.Context) bool {
		after := measure(t)
		return after.goroutines <= before.goroutines+leakSlack && after.files <= before.files+leakSlack
	})
	after := measure(t)
	t.Logf("goroutines %.0f, %.0f, %.0f and open files %.0f, %.0f, %.0f before, at the end of and after the load",
		before.goroutines, used.goroutines, after.goroutines, before.files, used.files, after.files)
}

// takeLease takes the lease from the service, which serves on without leading, and returns a function that gives it back.
func takeLease(t *testing.T) (giveBack func()) {
	t.Helper()
	env := shared.Env()
	env.Service.Stop()
	lease := harness.Get(t, env, &coordinationv1.Lease{}, service.Namespace, harness.Release)
	before := lease.DeepCopy()
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = new("TestLoad"), new(int32(3600))
	lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now()}
	if err := errors.Join(env.Admin.Patch(t.Context(), lease, client.MergeFrom(before)), env.Service.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := env.Admin.Delete(t.Context(), lease); err != nil {
			t.Error(err)
		}
	}
}

// loaded is a workspace under load.
type loaded struct {
	w        *v1alpha1.Workspace
	version  int64
	accepted atomic.Int64
	stale    atomic.Int64
}

// prepare creates n Ready workspaces.
func prepare(t *testing.T, prefix string, n int) []*loaded {
	t.Helper()
	env := shared.Env()
	all := make([]*loaded, n)
	for i := range all {
		env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(fmt.Sprintf("%s-%d", prefix, i), 1)))
	}
	for i := range all {
		all[i] = &loaded{w: env.AwaitReason(t, fmt.Sprintf("%s-%d", prefix, i), v1alpha1.ReasonReady), version: 1}
	}
	return all
}

// next is the next change of the name.
func (l *loaded) next() workspace.Event {
	l.version++
	content := harness.Data(l.w.Name, l.version)
	content.Name = fmt.Sprintf("As of %d", l.version)
	return workspace.Event{Type: workspace.EventUpdated, Data: content}
}

// deliverNext prepares the delivery of the next change.
func (l *loaded) deliverNext(ctx context.Context, t *testing.T) func() error {
	t.Helper()
	env := shared.Env()
	e := l.next()
	m := harness.NewMessage(t, e.Type, e.Data)
	return func() error {
		r, err := env.Service.Deliver(ctx, m)
		switch {
		case err != nil:
			return err
		case r.Outcome() == "accepted", r.Outcome() == "duplicate": // stored, though the first answer was a 503
			l.accepted.Add(1)
		case r.Outcome() == "stale": // overtaken by a newer one
			l.stale.Add(1)
		default:
			return fmt.Errorf("answered %d %s", r.Status, r.Body)
		}
		return nil
	}
}

// writeNext prepares the bare write of the next change: what the service writes, without reading the Workspace first.
func (l *loaded) writeNext(ctx context.Context, t *testing.T) func() error {
	t.Helper()
	env := shared.Env()
	e := l.next()
	m := harness.NewMessage(t, e.Type, e.Data)
	if _, err := workspace.Record(l.w, e, workspace.NewDelivery(m.ID, m.Body, time.Now())); err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": l.w.Annotations},
		"spec":     map[string]any{"displayName": l.w.Spec.DisplayName, "version": l.w.Spec.Version},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := l.w.Name
	return func() error {
		var written v1alpha1.Workspace
		written.Name = name
		return env.Admin.Patch(ctx, &written, client.RawPatch(types.MergePatchType, patch))
	}
}

// check compares what is stored with the answers, and returns what is wrong.
func (l *loaded) check(t *testing.T) string {
	t.Helper()
	env := shared.Env()
	w := harness.Get(t, env, &v1alpha1.Workspace{}, "", l.w.Name)
	changed, accepted, answered := w.Generation-l.w.Generation, l.accepted.Load(), l.accepted.Load()+l.stale.Load()
	switch {
	case w.Spec.Version != l.version || string(w.Spec.DisplayName) != fmt.Sprintf("As of %d", l.version):
		return fmt.Sprintf("ends with version %d, not %d", w.Spec.Version, l.version)
	case changed != accepted:
		return fmt.Sprintf("changed %d times for %d accepted updates", changed, accepted)
	case answered != l.version-1:
		return fmt.Sprintf("%d of %d deliveries were answered", answered, l.version-1)
	}
	return ""
}

// load has the results of requests at a constant rate.
type load struct {
	mu       sync.Mutex
	times    []time.Duration
	failures []error
	next     int
}

// run sends for one turn. A time is taken from the moment when the request was due: what has to wait behind a slow
// one counts as slow, too (no coordinated omission).
func (l *load) run(t *testing.T, prepare func(ctx context.Context, i int) (send func() error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *loadFor+answerTimeout)
	defer cancel()
	interval, start := time.Second/time.Duration(*loadRate), time.Now()
	var under sync.WaitGroup
	for i := range int(loadFor.Seconds() * float64(*loadRate) / turns) {
		due := start.Add(time.Duration(i) * interval)
		send := prepare(ctx, l.next)
		l.next++
		<-time.After(time.Until(due))
		under.Go(func() { l.note(send(), time.Since(due)) })
	}
	under.Wait()
}

func (l *load) note(err error, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, took)
	if err != nil {
		l.failures = append(l.failures, err)
	}
}

// borne says whether the server kept up with the rate: where half of the requests take longer than the turn in which all of them were sent,
// they were answered after it.
func (l *load) borne() bool {
	return harness.Quantile(l.times, .5) < *loadFor/turns
}

// lateOrFailed is how many requests failed, or took so long that the service would have answered 503.
func (l *load) lateOrFailed() (n int) {
	for _, took := range l.times {
		if took > storeTimeout {
			n++
		}
	}
	return max(n, len(l.failures))
}

// answeredUnavailable is how often the service has answered 503.
func answeredUnavailable(t *testing.T) int {
	t.Helper()
	return int(shared.Env().Metrics(t).Sum("workspace_flyte_webhook_deliveries_total", "outcome", "503"))
}

// report prints the table of docs/benchmarks.md.
func (l *load) report(t *testing.T, floor *load) {
	t.Helper()
	table := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintf(table, "%d/s for %v\tp50\tp90\tp99\tmax\tfailed\n", *loadRate, *loadFor)
	for _, row := range []struct {
		name string
		l    *load
	}{{"signed delivery", l}, {"bare write", floor}} {
		fmt.Fprintf(table, "%s\t%v\t%v\t%v\t%v\t%d of %d\n", row.name, harness.Quantile(row.l.times, .5), harness.Quantile(row.l.times, .9),
			harness.Quantile(row.l.times, .99), harness.Quantile(row.l.times, 1), len(row.l.failures), len(row.l.times))
	}
	fmt.Fprint(table, "ratio")
	for _, q := range []float64{.5, .9, .99, 1} {
		fmt.Fprintf(table, "\t%.2f", float64(harness.Quantile(l.times, q))/float64(harness.Quantile(floor.times, q)))
	}
	fmt.Fprintln(table)
}
