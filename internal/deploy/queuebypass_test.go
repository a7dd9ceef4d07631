package deploy_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	garbageCollector = "system:serviceaccount:kube-system:generic-garbage-collector"
	rayOperator      = "system:serviceaccount:kuberay:kuberay-operator"
	foreignKeys      = "Remove the others, such as pod-group-name and prebuilt-workload-name"
)

func labelled(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		gated(p)
		p.Labels["kueue.x-k8s.io/"+key] = value
	}
}

func ofJobLabelled(key string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		ofJob(p)
		p.Labels = map[string]string{"kueue.x-k8s.io/" + key: "x"}
	}
}

func noting(key string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		gated(p)
		p.Annotations = map[string]string{"kueue.x-k8s.io/" + key: "x"}
	}
}

// Kueue ends the Workload that a label of another job names, and frees its quota; it counts the pods of a group by a hash that leaves out
// the pod's own resources; and it counts no pod that is ending.
func TestQueuePolicy_RefusesPodsThatKueueMiscounts(t *testing.T) {
	member, namespace := queuedMember(t, "miscounted")
	controller := as(t, installed(t), jobController)
	slow := func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(3601)) }
	for name, c := range map[string]struct {
		by      client.Client
		change  func(*corev1.Pod)
		refusal string
	}{
		"of a group":                 {member, labelled("pod-group-name", "g"), foreignKeys},
		"of another's Workload":      {member, labelled("prebuilt-workload-name", "w"), foreignKeys},
		"that is not retried":        {member, noting("retriable-in-group"), foreignKeys},
		"with a priority":            {member, labelled("priority-class", "high"), ""},
		"with a topology":            {member, noting("podset-required-topology"), ""},
		"as the webhook leaves it":   {member, noting("role-hash"), ""},
		"of a Job":                   {controller, ofJobLabelled("podset"), ""},
		"of a Job and of a group":    {controller, ofJobLabelled("pod-group-name"), foreignKeys},
		"of a Job and of a Workload": {controller, ofJobLabelled("prebuilt-workload-name"), foreignKeys},
		"that ends slowly":           {member, func(p *corev1.Pod) { gated(p); slow(p) }, "end within an hour"},
		"of a Job, that ends slowly": {controller, func(p *corev1.Pod) { ofJob(p); slow(p) }, "end within an hour"},
		"with resources of its own": {member, func(p *corev1.Pod) {
			gated(p)
			p.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("1")}}
		}, "state the resources of their containers"},
	} {
		err := c.by.Create(t.Context(), podOf(namespace, c.change), client.DryRunAll)
		if c.refusal == "" && err != nil || c.refusal != "" && !isDenied(err, c.refusal) {
			t.Errorf("a pod %s: got %v, want %q", name, err, c.refusal)
		}
	}
	prebuilt := jobOf(namespace, func(j *batchv1.Job) {
		j.Spec.Suspend, j.Labels["kueue.x-k8s.io/prebuilt-workload-name"] = new(true), "w"
	})
	if err := member.Create(t.Context(), prebuilt, client.DryRunAll); !isDenied(err, foreignKeys) {
		t.Errorf("a Job of another's Workload: %v", err)
	}
	pod := podOf(namespace, gated)
	if err := member.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	name := patching(pod, `{"metadata": {"labels": {"kueue.x-k8s.io/prebuilt-workload-name": "w"}}}`, foreignKeys)
	if err := name.request(t.Context(), member); !isDenied(err, name.refusal) {
		t.Errorf("a pod that names a Workload later: %v", err)
	}
	if err := name.request(t.Context(), as(t, installed(t), kueueUser)); err != nil {
		t.Errorf("a pod that Kueue lets name a Workload: %v", err)
	}
}

// running is a Job that Kueue has admitted, and its pod, which Kubernetes' own controller has made.
func running(t *testing.T, member client.Client, namespace string) (*batchv1.Job, *corev1.Pod) {
	t.Helper()
	job := jobOf(namespace, func(j *batchv1.Job) { j.Spec.Suspend = new(true) })
	if err := member.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	admit := client.RawPatch(types.MergePatchType, []byte(`{"spec": {"suspend": false}}`))
	if err := as(t, installed(t), kueueUser).Patch(t.Context(), job, admit); err != nil {
		t.Fatal(err)
	}
	var pods corev1.PodList
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := member.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"job-name": job.Name})
		return len(pods.Items) > 0, err
	})
	if err != nil {
		t.Fatalf("waiting for the pod of the Job: %v", err)
	}
	return job, &pods.Items[0]
}

// The pods that a Job runs are those that Kueue has admitted: none leaves it, and none is added.
func TestQueuePolicy_KeepsPodsWithTheirJob(t *testing.T) {
	member, namespace := queuedMember(t, "released")
	job, pod := running(t, member, namespace)
	own := podOf(namespace, gated)
	if err := member.Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	const keep, more, orphan = "keep their labels and owners", "run no more pods than Kueue has admitted", "have no finalizer orphan"
	owned := `{"metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": "u", "controller": true}]}}`
	for name, a := range map[string]attempt{
		"leave its Job":             patching(pod, `{"metadata": {"ownerReferences": null}}`, keep),
		"leave its Job's selector":  patching(pod, `{"metadata": {"labels": {"batch.kubernetes.io/controller-uid": null}}}`, keep),
		"join a Job":                patching(own, owned, keep),
		"note something":            patching(pod, `{"metadata": {"annotations": {"a": "b"}}}`, ""),
		"run more":                  patching(job, `{"spec": {"parallelism": 2}}`, more),
		"run more, when admitted":   patching(job, `{"spec": {"parallelism": 2, "suspend": true}}`, ""),
		"run less":                  patching(job, `{"spec": {"parallelism": 0}}`, ""),
		"leave its pods to nobody":  patching(job, `{"metadata": {"finalizers": ["orphan"]}}`, orphan),
		"have a finalizer of a job": patching(job, `{"metadata": {"finalizers": ["company.com/report"]}}`, ""),
	} {
		err := a.request(t.Context(), member)
		if a.refusal == "" && err != nil || a.refusal != "" && !isDenied(err, a.refusal) {
			t.Errorf("%s: got %v, want %q", name, err, a.refusal)
		}
		for _, account := range []string{kueueUser, garbageCollector} {
			if err := a.request(t.Context(), as(t, installed(t), account)); err != nil {
				t.Errorf("%s, by %s: %v", name, account, err)
			}
		}
	}
	release := patching(pod, `{"metadata": {"ownerReferences": null, "labels": {"job-name": null}}}`, "")
	if err := release.request(t.Context(), as(t, installed(t), jobController)); err != nil {
		t.Errorf("the controller of Jobs can't release a pod: %v", err)
	}
}

// bind gives a pod a node: the API server deletes one without a node at once.
func bind(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	binding := &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: "none"}}
	if err := clientFor(t, installed(t)).SubResource("binding").Create(t.Context(), pod.DeepCopy(), binding); err != nil {
		t.Fatal(err)
	}
}

func deletingWith(o client.Object, refusal string, options ...client.DeleteOption) attempt {
	return attempt{refusal: refusal, request: func(ctx context.Context, c client.Client) error {
		return c.Delete(ctx, o.DeepCopyObject().(client.Object), append(options, client.DryRunAll)...)
	}}
}

func evicting(pod *corev1.Pod, refusal string, options *metav1.DeleteOptions) attempt {
	return attempt{refusal: refusal, request: func(ctx context.Context, c client.Client) error {
		eviction := &policyv1.Eviction{DeleteOptions: options}
		return c.SubResource("eviction").Create(ctx, pod.DeepCopy(), eviction, client.DryRunAll)
	}}
}

// Kueue stops to count a pod when its Job is deleted, or the pod itself. It then ends soon; and the Jobs, and their namespace, still go.
func TestQueuePolicy_DeletesJobsWithTheirPods(t *testing.T) {
	member, namespace := queuedMember(t, "deleted")
	job, pod := running(t, member, namespace)
	admin := clientFor(t, installed(t))
	bind(t, pod)
	const slow, alone = "Set gracePeriodSeconds of the deletion", "Set propagationPolicy to Background"
	attempts := map[string]struct {
		by client.Client
		attempt
	}{
		"a pod slowly":             {member, deletingWith(pod, slow, client.GracePeriodSeconds(3601))},
		"a pod":                    {member, deletingWith(pod, "")},
		"a pod within an hour":     {member, deletingWith(pod, "", client.GracePeriodSeconds(3600))},
		"an evicted pod slowly":    {admin, evicting(pod, slow, &metav1.DeleteOptions{GracePeriodSeconds: new(int64(3601))})},
		"an evicted pod":           {admin, evicting(pod, "", nil)},
		"a Job alone":              {member, deletingWith(job, alone, client.PropagationPolicy(metav1.DeletePropagationOrphan))},
		"a Job by the default":     {member, deletingWith(job, alone)},
		"a Job with its pods":      {member, deletingWith(job, "", client.PropagationPolicy(metav1.DeletePropagationBackground))},
		"a Job after its pods":     {member, deletingWith(job, "", client.PropagationPolicy(metav1.DeletePropagationForeground))},
		"a Job alone, by an admin": {admin, deletingWith(job, "", client.PropagationPolicy(metav1.DeletePropagationOrphan))},
	}
	awaitRefusal(t, member, attempts["a pod slowly"].attempt)
	for name, a := range attempts {
		err := a.request(t.Context(), a.by)
		if a.refusal == "" && err != nil || a.refusal != "" && !isDenied(err, a.refusal) {
			t.Errorf("deleting %s: got %v, want %q", name, err, a.refusal)
		}
	}
	if err := member.Delete(t.Context(), job, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		t.Fatal(err)
	}
	kubelet := client.GracePeriodSeconds(0)
	if err := client.IgnoreNotFound(admin.Delete(t.Context(), pod, kubelet)); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pod)
	running(t, member, namespace)
	object := namespaceOf(namespace, nil)
	if err := admin.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, object)
}

// A pod from before the queue may end as slowly as it says, so that its namespace can go.
func TestQueuePolicy_DeletesSlowPodsFromBefore(t *testing.T) {
	_, namespace := asMemberOf(t, "editor", map[string]string{workspaceLabel: "before", enforceLabel: "baseline"})
	queued(t)
	accountForPods(t, namespace)
	admin := clientFor(t, installed(t))
	pod := podOf(namespace, func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(7200)) })
	if err := admin.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	bind(t, pod)
	begin := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata": {"labels": {%q: "default"}}}`, queueLabel))
	if err := admin.Patch(t.Context(), namespaceOf(namespace, nil), begin); err != nil {
		t.Fatal(err)
	}
	awaitRefusal(t, admin, deletingWith(pod, "Set gracePeriodSeconds of the deletion", client.GracePeriodSeconds(7201)))
	if err := admin.Delete(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
}

// awaitRefusal returns when the policy applies.
func awaitRefusal(t *testing.T, by client.Client, a attempt) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return isDenied(a.request(ctx, by), a.refusal), nil
	})
	if err != nil {
		t.Fatalf("waiting until a policy says %q: %v", a.refusal, err)
	}
}

func awaitGone(t *testing.T, o client.Object) {
	t.Helper()
	admin := clientFor(t, installed(t))
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(o), o.DeepCopyObject().(client.Object))), nil
	})
	if err != nil {
		t.Errorf("waiting until %s is gone: %v", o.GetName(), err)
	}
}

// A RayCluster that runs grows by its operator, or by Kueue. It does not grow by Ray's autoscaler, which runs as a pod of the workspace.
func TestQueuePolicy_KeepsTheSpecOfRunningClusters(t *testing.T) {
	_, namespace := queuedMember(t, "clusters")
	admin := clientFor(t, installed(t))
	const autoscaler, grows = "system:serviceaccount:clusters:flyte-workload", "run no more pods than Kueue has admitted"
	write := rbacv1.PolicyRule{APIGroups: []string{"ray.io"}, Resources: []string{"rayclusters"}, Verbs: []string{"create", "patch"}}
	status := rbacv1.PolicyRule{APIGroups: []string{"ray.io"}, Resources: []string{"rayclusters/status"}, Verbs: []string{"update"}}
	grant(t, admin, autoscaler, []rbacv1.PolicyRule{write})
	grant(t, admin, rayOperator, []rbacv1.PolicyRule{write, status})
	crd := crdOf("rayclusters", "RayCluster", "Namespaced")
	crd.SetName("rayclusters.ray.io")
	if err := unstructured.SetNestedField(crd.Object, "ray.io", "spec", "group"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	cluster := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "ray.io/v1", "kind": "RayCluster", "spec": map[string]any{"suspend": true, "workers": int64(1)},
	}}
	cluster.SetNamespace(namespace)
	cluster.SetName("a")
	cluster.SetLabels(map[string]string{kueueQueue: "default"})
	awaitAnswer(t, as(t, installed(t), autoscaler), cluster, true)
	if err := admin.Create(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	if err := admin.Patch(t.Context(), cluster, client.RawPatch(types.MergePatchType, []byte(`{"spec": {"suspend": false}}`))); err != nil {
		t.Fatal(err)
	}
	grow := patching(cluster, `{"spec": {"workers": 9}}`, "")
	if err := grow.request(t.Context(), as(t, installed(t), autoscaler)); !isDenied(err, grows) {
		t.Errorf("by the autoscaler: %v", err)
	}
	for name, c := range map[string]client.Client{"Kueue or an admin": admin, "the operator": as(t, installed(t), rayOperator)} {
		if err := grow.request(t.Context(), c); err != nil {
			t.Errorf("by %s: %v", name, err)
		}
	}
}
