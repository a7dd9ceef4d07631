package lifecycle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/kueue/kueuetest"
)

// byHand is on a queue that the test deletes.
const byHand = "deleted-by-hand"

var queueDomains = []string{"development", "staging", "production"}

// Whatever sequence of changes and crashes: a namespace whose ResourceQuota doesn't bound the cores has a LocalQueue, unless somebody else
// has just deleted it; and the ResourceQuotas never have more cores together than the larger of the quotas before and after.
func TestController_BoundsAWorkspaceAtEachMoment(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	proxy, err := faultproxy.New(shared.Cluster(t).Config())
	must(t, err)
	t.Cleanup(proxy.Stop)
	env, queues := queueEnv(t, envOptions{template: "{prefix}{project}-{domain}", proxy: proxy})
	env.provisionedOnTier("moments", func(spec *v1alpha1.WorkspaceTierSpec) { spec.QuotaScope = v1alpha1.QuotaScopeWorkspace })
	history := watchBounds(t, "moments")
	crash := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	proxy.Set(func(r *http.Request) faultproxy.Fault {
		mu.Lock()
		defer mu.Unlock()
		if isWrite(r) && crash.IntN(5) == 0 { // as if the process ended before the write, or after it
			return faultproxy.Fault{Reset: crash.IntN(2) == 0, LoseAnswer: true}
		}
		return faultproxy.Fault{}
	})
	proxy.Break()
	for range 20 {
		env.changeBounds(queues, random)
	}
	proxy.Set(nil)
	env.update("moments", func(w *v1alpha1.Workspace) { w.Spec.Quota.CPU = "7" })
	env.changeTier("moments-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Queue = nil })
	for _, domain := range queueDomains {
		eventually(t, func(context.Context) error {
			if got := env.bounds("flyte-moments-" + domain); !strings.Contains(got, "requests.cpu=2") || !strings.HasSuffix(got, "queue=") {
				return fmt.Errorf("%s is bounded by %q", domain, got)
			}
			return nil
		})
	}
	for _, domain := range queueDomains {
		quota := &corev1.ResourceQuota{}
		must(t, env.admin.Get(t.Context(), client.ObjectKey{Namespace: "flyte-moments-" + domain, Name: "workspace-quota"}, quota))
		history.awaitVersion(t, quota)
	}
	history.check(t, 80)
}

// changeBounds makes one change, and lets the controller come some way with it.
func (env *testEnv) changeBounds(queues client.Client, random *rand.Rand) {
	env.t.Helper()
	switch random.IntN(6) {
	case 0, 1:
		env.changeTier("moments-tier", ownQueue)
	case 2:
		env.changeTier("moments-tier", sharedQueue([]string{"pool", "other"}[random.IntN(2)]))
	case 3:
		env.changeTier("moments-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Queue = nil })
	case 4:
		cpu := v1alpha1.Quantity(strconv.Itoa(3 + random.IntN(77)))
		env.update("moments", func(w *v1alpha1.Workspace) { w.Spec.Quota.CPU = cpu })
	case 5:
		local := &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{
			Namespace: "flyte-moments-" + queueDomains[random.IntN(3)], Name: kueue.DefaultQueue,
		}}
		mark := client.RawPatch(client.Merge.Type(), []byte(`{"metadata": {"annotations": {"`+byHand+`": "x"}}}`))
		if queues.Patch(env.t.Context(), local, mark) == nil {
			must(env.t, client.IgnoreNotFound(queues.Delete(env.t.Context(), local)))
		}
	}
	if random.IntN(3) > 0 {
		_ = env.tryReconcile("moments") // an injected fault
	}
}

// boundsHistory are all versions of the ResourceQuotas and LocalQueues of a workspace.
type boundsHistory struct {
	initial []client.Object
	mu      sync.Mutex
	events  []watch.Event
}

func (h *boundsHistory) record(t *testing.T, from watch.Interface, err error) {
	t.Helper()
	must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for event := range from.ResultChan() {
			h.mu.Lock()
			h.events = append(h.events, event)
			h.mu.Unlock()
		}
	}()
	t.Cleanup(func() { from.Stop(); <-ended })
}

// awaitVersion waits until the version of an object that exists was recorded.
func (h *boundsHistory) awaitVersion(t *testing.T, o client.Object) {
	t.Helper()
	eventually(t, func(context.Context) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, event := range h.events {
			if event.Object.(client.Object).GetResourceVersion() == o.GetResourceVersion() {
				return nil
			}
		}
		return fmt.Errorf("version %s was not seen", o.GetResourceVersion())
	})
}

func watchBounds(t *testing.T, id string) *boundsHistory {
	t.Helper()
	cfg := shared.Cluster(t).Config()
	core, err := client.NewWithWatch(cfg, client.Options{Scheme: scheme.Scheme})
	must(t, err)
	h := &boundsHistory{}
	labels := client.MatchingLabels{v1alpha1.LabelWorkspace: id}
	var quotas corev1.ResourceQuotaList
	must(t, core.List(t.Context(), &quotas, labels))
	for i := range quotas.Items {
		h.initial = append(h.initial, &quotas.Items[i])
	}
	ofQuotas, err := core.Watch(context.WithoutCancel(t.Context()), &corev1.ResourceQuotaList{}, labels)
	h.record(t, ofQuotas, err)
	ofQueues, err := kueuetest.Client(t, cfg).Watch(context.WithoutCancel(t.Context()), &kueue.LocalQueueList{}, labels)
	h.record(t, ofQueues, err)
	return h
}

// check replays all versions in the order of their resourceVersions, which etcd counts across kinds.
func (h *boundsHistory) check(t *testing.T, maximum int64) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	events := h.events
	slices.SortStableFunc(events, func(a, b watch.Event) int { return int(versionOf(a) - versionOf(b)) })
	cores, queued, excused := map[string]int64{}, map[string]bool{}, map[string]bool{}
	for _, o := range h.initial {
		cores[o.GetNamespace()] = coresOf(o.(*corev1.ResourceQuota))
	}
	for _, event := range events {
		namespace := event.Object.(client.Object).GetNamespace()
		switch o := event.Object.(type) {
		case *corev1.ResourceQuota:
			cores[namespace] = coresOf(o)
			excused[namespace] = excused[namespace] && cores[namespace] < 0
		case *kueue.LocalQueue:
			queued[namespace] = event.Type != watch.Deleted
			excused[namespace] = event.Type == watch.Deleted && o.Annotations[byHand] != ""
		}
		sum := int64(0)
		for _, n := range cores {
			sum += max(0, n)
		}
		if sum > maximum*1000 {
			t.Errorf("at %d, the namespaces have %d cores together", versionOf(event), sum/1000)
		}
		if cores[namespace] < 0 && !queued[namespace] && !excused[namespace] {
			t.Errorf("at %d, nothing bounds %s: %s %T", versionOf(event), namespace, event.Type, event.Object)
		}
	}
	if len(events) < 20 {
		t.Errorf("only %d versions were seen", len(events))
	}
}

// coresOf are thousandths of a core, or -1 without a bound.
func coresOf(q *corev1.ResourceQuota) int64 {
	amount, bounded := q.Spec.Hard[corev1.ResourceRequestsCPU]
	if !bounded {
		return -1
	}
	return amount.MilliValue()
}

func versionOf(e watch.Event) int64 {
	n, _ := strconv.ParseInt(e.Object.(client.Object).GetResourceVersion(), 10, 64)
	return n
}
