package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/kueue/kueuetest"
)

// queueEnv is a controller with Kueue, as the double plays it.
func queueEnv(t *testing.T, o envOptions) (*testEnv, client.Client) {
	t.Helper()
	kueuetest.Report(t, shared.Cluster(t).Config())
	o.queues = true
	return newTestEnv(t, o), kueuetest.Client(t, shared.Cluster(t).Config())
}

func ownQueue(spec *v1alpha1.WorkspaceTierSpec) {
	spec.LimitRange.MaxLimitRequestRatio = v1alpha1.ComputeResources{CPU: "4", Memory: "4"}
	spec.Queue = &v1alpha1.TierQueue{Mode: v1alpha1.QueueOwn}
}

func sharedQueue(name string) func(*v1alpha1.WorkspaceTierSpec) {
	return func(spec *v1alpha1.WorkspaceTierSpec) {
		ownQueue(spec)
		spec.Queue = &v1alpha1.TierQueue{Mode: v1alpha1.QueueShared, ClusterQueue: name}
	}
}

// bounds are the keys of pods' requests in the ResourceQuota of a namespace, and the label of its queue.
func (env *testEnv) bounds(namespace string) string {
	env.t.Helper()
	var quota corev1.ResourceQuota
	if err := env.admin.Get(env.t.Context(), client.ObjectKey{Namespace: namespace, Name: "workspace-quota"}, &quota); err != nil {
		return err.Error()
	}
	var keys []string
	for key, amount := range quota.Spec.Hard {
		if strings.HasPrefix(string(key), "requests.") && key != corev1.ResourceRequestsStorage {
			keys = append(keys, string(key)+"="+amount.String())
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ") + " queue=" + env.namespace(namespace).Labels[v1alpha1.LabelQueue]
}

const bounded40 = "requests.cpu=40 requests.memory=160Gi requests.nvidia.com/gpu=4"

func (env *testEnv) awaitBounds(namespace, want string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		if got := env.bounds(namespace); got != want {
			return fmt.Errorf("namespace %s is bounded by %q, want %q", namespace, got, want)
		}
		return nil
	})
}

// While its queue is live, a workspace's ResourceQuota leaves out what the queue bounds; at rest nothing is written.
func TestController_QueuesAWorkspace(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	env.provisionedOnTier("queued", ownQueue)
	env.awaitBounds("flyte-queued", " queue=default")
	env.await("queued", v1alpha1.ConditionQueueReady, v1alpha1.ReasonApplied)
	var own kueue.ClusterQueue
	must(t, queues.Get(t.Context(), client.ObjectKey{Name: "workspace-queued"}, &own))
	got := ""
	for _, r := range own.Spec.ResourceGroups[0].Flavors[0].Resources {
		got += fmt.Sprintf("%s=%s ", r.Name, r.NominalQuota.String())
	}
	if want := "cpu=40 ephemeral-storage=100Ti memory=160Gi nvidia.com/gpu=4 "; got != want {
		t.Errorf("the ClusterQueue has %s, want %s", got, want)
	}
	env.reconcileUntilDone("queued")
	total := env.requests.total()
	env.reconcile("queued")
	if n := env.requests.total() - total; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}
	env.awaitIdle()
	reads := env.reads.of("queued")
	pending := client.RawPatch(client.Merge.Type(), []byte(`{"status": {"pendingWorkloads": 3}}`)) // as Kueue does with each pod
	local := &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-queued", Name: "default"}}
	must(t, queues.Status().Patch(t.Context(), local, pending))
	env.awaitMetric(map[string]float64{"pending": 3})
	env.awaitIdle()
	if n := env.reads.of("queued") - reads; n != 0 {
		t.Errorf("a pod that waits caused %d Reconciles", n)
	}
}

// Kueue that does not report a queue is waited for, and after two minutes a person is called.
func TestController_WaitsForKueueForTwoMinutes(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := &Controller{Options: Options{Now: func() time.Time { return now }}}
	w := &v1alpha1.Workspace{}
	w.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionQueueReady, Status: metav1.ConditionFalse, LastTransitionTime: metav1.NewTime(now.Add(-time.Hour)),
	}}
	queue := &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(now.Add(-time.Minute))}}
	if o := c.awaitKueue(&target{workspace: w}, "queue", queue); o.reason != v1alpha1.ReasonWaitingForKueue || o.after != time.Minute {
		t.Errorf("after one minute: %+v", o)
	}
	queue.CreationTimestamp = metav1.NewTime(now.Add(-kueueTimeout))
	if o := c.awaitKueue(&target{workspace: w}, "queue", queue); o.reason != v1alpha1.ReasonKueueNotResponding || o.done {
		t.Errorf("after two minutes: %+v", o)
	}
	w.Status.Conditions[0].Status = metav1.ConditionTrue // a queue that was ready has just changed
	if o := c.awaitKueue(&target{workspace: w}, "queue", queue); o.reason != v1alpha1.ReasonWaitingForKueue || o.after != kueueTimeout {
		t.Errorf("after a change: %+v", o)
	}
}

// A queue of which Kueue reports during a Reconcile is ready only after the next one: this one has written a ResourceQuota that refuses.
func TestController_QueueIsReadyAfterTheQuota(t *testing.T) {
	t.Parallel()
	env, _ := queueEnv(t, envOptions{})
	env.provisionedOnTier("prompt", ownQueue)
	env.awaitBounds("flyte-prompt", " queue=default")
	seen, err := env.controller.observe(t.Context(), env.get("prompt"))
	must(t, err)
	must(t, errors.Join(env.controller.readTier(t.Context(), seen), env.controller.observeQueue(t.Context(), seen)))
	if o := env.controller.queueReady(t.Context(), seen); !o.done {
		t.Errorf("at rest the queue is %s: %s", o.reason, o.message)
	}
	seen.plans[0].QueueLive = false // as it was at the beginning of that Reconcile
	if o := env.controller.queueReady(t.Context(), seen); o.done || o.reason != v1alpha1.ReasonWaitingForKueue {
		t.Errorf("while the ResourceQuota refuses, the queue is %s: %s", o.reason, o.message)
	}
}

// A new process takes no queue for missing because it does not know yet whether Kueue is installed.
func TestController_WritesNothingToQueuesAfterARestart(t *testing.T) {
	t.Parallel()
	env, _ := queueEnv(t, envOptions{})
	env.provisionedOnTier("restartedq", ownQueue)
	env.awaitBounds("flyte-restartedq", " queue=default")
	env.reconcileUntilDone("restartedq")
	env.stop()
	second, _ := queueEnv(t, envOptions{flyte: env.flyte})
	second.reconcileUntilDone("restartedq")
	second.awaitIdle()
	if writes := second.requests.writes(); len(writes) > 0 {
		t.Errorf("it wrote %v", writes)
	}
	if got := second.bounds("flyte-restartedq"); got != " queue=default" {
		t.Errorf("it is bounded by %q", got)
	}
}

// Every field of a queue that the service owns is repaired; what Kueue adds stays.
func TestController_RepairsQueues(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	env.provisionedOnTier("driftq", ownQueue)
	own := client.ObjectKey{Name: "workspace-driftq"}
	local := client.ObjectKey{Namespace: "flyte-driftq", Name: "default"}
	for name, drift := range map[string]func() client.Object{
		"nominal quota raised": changed(t, queues, own, func(q *kueue.ClusterQueue) {
			q.Spec.ResourceGroups[0].Flavors[0].Resources[0].NominalQuota = resource.MustParse("9999")
		}),
		"every namespace admitted": changed(t, queues, own, func(q *kueue.ClusterQueue) {
			q.Spec.NamespaceSelector = &metav1.LabelSelector{}
		}),
		"cohort added": changed(t, queues, own, func(q *kueue.ClusterQueue) { q.Spec.CohortName = "rich" }),
		"stopped":      changed(t, queues, own, func(q *kueue.ClusterQueue) { q.Spec.StopPolicy = "HoldAndDrain" }),
		"checks added": changed(t, queues, own, func(q *kueue.ClusterQueue) {
			q.Spec.AdmissionChecksStrategy = &kueue.AdmissionChecksStrategy{AdmissionChecks: []kueue.AdmissionCheck{{Name: "x"}}}
		}),
		"labels removed":        changed(t, queues, own, func(q *kueue.ClusterQueue) { delete(q.Labels, v1alpha1.LabelManagedBy) }),
		"LocalQueue stopped":    changed(t, queues, local, func(q *kueue.LocalQueue) { q.Spec.StopPolicy = "Hold" }),
		"LocalQueue unlabelled": changed(t, queues, local, func(q *kueue.LocalQueue) { q.Labels = nil }),
	} {
		before := drift()
		eventually(t, func(ctx context.Context) error {
			after := before.DeepCopyObject().(client.Object)
			if err := queues.Get(ctx, client.ObjectKeyFromObject(before), after); err != nil {
				return err
			}
			if specOf(before) != specOf(after) {
				return fmt.Errorf("after %q: %s, want %s", name, specOf(after), specOf(before))
			}
			return nil
		})
	}
}

// changed returns a drift, which returns the object as it was.
func changed[T any, PT interface {
	*T
	client.Object
}](t *testing.T, c client.Client, key client.ObjectKey, change func(PT)) func() client.Object {
	t.Helper()
	return func() client.Object {
		var before PT
		eventually(t, func(ctx context.Context) error { // the double writes the status meanwhile
			o := PT(new(T))
			if err := c.Get(ctx, key, o); err != nil {
				return err
			}
			before = o.DeepCopyObject().(PT)
			change(o)
			return c.Update(ctx, o)
		})
		return before
	}
}

func specOf(o client.Object) string {
	var spec any
	switch q := o.(type) {
	case *kueue.ClusterQueue:
		spec = q.Spec
	case *kueue.LocalQueue:
		spec = q.Spec
	}
	text, err := json.Marshal([]any{o.GetLabels(), spec})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// If the queue is deleted by hand, the ResourceQuota bounds everything before the queue is made again.
func TestController_BoundsAWorkspaceWhoseQueueIsGone(t *testing.T) {
	t.Parallel()
	for _, kind := range []client.Object{
		&kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-goneqlocal", Name: "default"}},
		&kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "workspace-goneqcluster"}},
	} {
		id := "goneqcluster"
		if kind.GetNamespace() != "" {
			id = "goneqlocal"
		}
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			env, queues := queueEnv(t, envOptions{})
			env.provisionedOnTier(id, ownQueue)
			env.awaitBounds("flyte-"+id, " queue=default")
			key := "POST clusterqueues"
			if kind.GetNamespace() != "" {
				key = "POST localqueues"
			}
			release := env.requests.pause(key)
			must(t, queues.Delete(t.Context(), kind))
			env.awaitBounds("flyte-"+id, bounded40+" queue=default")
			release()
			env.awaitBounds("flyte-"+id, " queue=default")
		})
	}
}

// A tier that loses its queue bounds everything by ResourceQuotas before the queue goes, and before the policies let other pods in.
func TestController_RemovesAQueueAfterTheQuotaBounds(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{template: "{prefix}{project}-{domain}"})
	env.provisionedOnTier("unqueued", func(spec *v1alpha1.WorkspaceTierSpec) {
		ownQueue(spec)
		spec.QuotaScope = v1alpha1.QuotaScopeWorkspace
	})
	for _, domain := range []string{"development", "staging", "production"} {
		env.awaitBounds("flyte-unqueued-"+domain, " queue=default")
	}
	var own kueue.ClusterQueue
	must(t, queues.Get(t.Context(), client.ObjectKey{Name: "workspace-unqueued"}, &own))
	if cpu := own.Spec.ResourceGroups[0].Flavors[0].Resources[0].NominalQuota; cpu.String() != "40" {
		t.Errorf("the domains have %s cores together, want 40", cpu.String())
	}
	release := env.requests.pause("PATCH resourcequotas")
	env.changeTier("unqueued-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Queue = nil })
	eventually(t, func(context.Context) error {
		if env.requests.writes()["PATCH resourcequotas"] < 2*3 {
			return errors.New("no quota is being written")
		}
		return nil
	})
	if n := env.requests.writes()["DELETE localqueues"] + env.requests.writes()["DELETE clusterqueues"]; n > 0 {
		t.Errorf("%d queues were removed before the quotas", n)
	}
	if got := env.bounds("flyte-unqueued-staging"); got != " queue=default" {
		t.Errorf("before the quotas are written, the namespace is bounded by %q", got)
	}
	release()
	for domain, cpu := range map[string]string{"development": "13333m", "staging": "13333m", "production": "13334m"} {
		eventually(t, func(context.Context) error {
			if got := env.bounds("flyte-unqueued-" + domain); !strings.Contains(got, "requests.cpu="+cpu) || !strings.HasSuffix(got, "queue=") {
				return fmt.Errorf("%s is bounded by %q", domain, got)
			}
			return nil
		})
	}
	eventually(t, func(ctx context.Context) error {
		var locals kueue.LocalQueueList
		if err := queues.List(ctx, &locals, client.InNamespace("flyte-unqueued-staging")); err != nil || len(locals.Items) > 0 {
			return fmt.Errorf("LocalQueues %v, %w", locals.Items, err)
		}
		if err := queues.Get(ctx, client.ObjectKeyFromObject(&own), &own); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the ClusterQueue: %w", err)
		}
		return nil
	})
	if c := meta.FindStatusCondition(env.get("unqueued").Status.Conditions, v1alpha1.ConditionQueueReady); c != nil {
		t.Errorf("the condition is %v", c)
	}
}

// A suspended workspace's queue is held: running pods finish. HoldAndDrain would delete them.
func TestController_HoldsTheQueueOfASuspendedWorkspace(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	env.provisionedOnTier("heldown", ownQueue)
	env.provisionedOnTier("heldshared", sharedQueue("pool"))
	policies := func(want kueue.StopPolicy) func(context.Context) error {
		return func(ctx context.Context) error {
			var own kueue.ClusterQueue
			var local kueue.LocalQueue
			err := errors.Join(queues.Get(ctx, client.ObjectKey{Name: "workspace-heldown"}, &own),
				queues.Get(ctx, client.ObjectKey{Namespace: "flyte-heldshared", Name: "default"}, &local))
			if own.Spec.StopPolicy != want || local.Spec.StopPolicy != want || local.Spec.ClusterQueue != "pool" {
				return fmt.Errorf("ClusterQueue %+v, LocalQueue %+v, %w", own.Spec, local.Spec, err)
			}
			return err
		}
	}
	eventually(t, policies(kueue.StopNone))
	for _, state := range []v1alpha1.State{v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		env.setState("heldown", state)
		env.setState("heldshared", state)
		eventually(t, policies(kueue.StopHold))
		for _, id := range []string{"heldown", "heldshared"} {
			env.await(id, v1alpha1.ConditionQueueReady, v1alpha1.ReasonQueueHeld)
			env.await(id, v1alpha1.ConditionReady, string(state))
		}
	}
	env.setState("heldown", v1alpha1.StateActive)
	env.setState("heldshared", v1alpha1.StateActive)
	eventually(t, policies(kueue.StopNone))
	env.await("heldown", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A purge removes the workspace's own ClusterQueue, which is in no namespace.
func TestController_PurgesTheClusterQueue(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{deletion: deletePolicy})
	env.provisionedOnTier("purgedqueue", ownQueue)
	env.setState("purgedqueue", v1alpha1.StateDeleted)
	env.await("purgedqueue", v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
	env.advance(week, "purgedqueue")
	env.await("purgedqueue", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	err := queues.Get(t.Context(), client.ObjectKey{Name: "workspace-purgedqueue"}, &kueue.ClusterQueue{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the ClusterQueue: %v", err)
	}
}

// A workspace moves from its own queue to a shared one, and back: a LocalQueue can't change its ClusterQueue.
func TestController_MovesToAnotherQueue(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	env.provisionedOnTier("movedqueue", ownQueue)
	env.changeTier("movedqueue-tier", sharedQueue("pool"))
	eventually(t, func(ctx context.Context) error {
		var local kueue.LocalQueue
		err := queues.Get(ctx, client.ObjectKey{Namespace: "flyte-movedqueue", Name: "default"}, &local)
		if local.Spec.ClusterQueue != "pool" {
			return fmt.Errorf("it is %+v, %w", local.Spec, err)
		}
		return client.IgnoreNotFound(queues.Get(ctx, client.ObjectKey{Name: "workspace-movedqueue"}, &kueue.ClusterQueue{}))
	})
	env.await("movedqueue", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.changeTier("movedqueue-tier", ownQueue)
	eventually(t, func(ctx context.Context) error {
		return queues.Get(ctx, client.ObjectKey{Name: "workspace-movedqueue"}, &kueue.ClusterQueue{})
	})
	env.awaitBounds("flyte-movedqueue", " queue=default")
}
