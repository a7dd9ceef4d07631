package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/kueue/kueuetest"
)

const (
	queueLabel    = "platform.company.com/queue"
	kueueGate     = "kueue.x-k8s.io/admission"
	kueueQueue    = "kueue.x-k8s.io/queue-name"
	kueueUser     = "system:serviceaccount:kueue-system:kueue-controller-manager"
	jobController = "system:serviceaccount:kube-system:job-controller"
	queuedService = "system:serviceaccount:queued:queued-workspace-flyte-integration"
)

// queued installs the policies of a release with queues.enabled and Kueue's CRDs, once, and gives Kueue's account the rights that matter
// here.
func queued(t *testing.T) *rest.Config {
	t.Helper()
	cfg := installed(t)
	queuedOnce.Do(func() {
		kueuetest.Install(t, cfg)
		objects, err := deploy.Render(deploy.Options{
			Release: "queued", Namespace: "queued", Values: queuedValues(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		var policies []*unstructured.Unstructured
		for _, o := range objects {
			confines := strings.Contains(o.GetName(), "queue") || o.GetName() == "queued-workspace-flyte-integration-objects"
			if strings.HasPrefix(o.GetKind(), "ValidatingAdmissionPolicy") && confines {
				policies = append(policies, o)
			}
		}
		if err := deploy.Apply(t.Context(), cfg, policies); err != nil {
			t.Fatal(err)
		}
		grant(t, clientFor(t, cfg), kueueUser, []rbacv1.PolicyRule{
			{APIGroups: []string{"kueue.x-k8s.io"}, Resources: []string{"clusterqueues/status"}, Verbs: []string{"update"}},
			{APIGroups: []string{"kueue.x-k8s.io"}, Resources: []string{"localqueues"}, Verbs: []string{"*"}},
			{APIGroups: []string{"", "batch"}, Resources: []string{"pods", "jobs"}, Verbs: []string{"get", "patch", "update"}},
		})
	})
	return cfg
}

// queuedValues enable queues, and name a ClusterQueue of the platform team's and one of a tier's.
func queuedValues(t *testing.T) map[string]any {
	t.Helper()
	values := with(ciValues(t, "default"), "queues.enabled", true)
	values = with(values, "policies.service.clusterQueues", []any{"pool"})
	return with(values, "tiers.standard.queue", map[string]any{"mode": "shared", "clusterQueue": "tiers-pool"})
}

// queuedPolicies are the policies that queues.enabled adds.
func queuedPolicies() []string {
	const name = "workspace-flyte-integration-queue"
	return []string{name + "d-pods", name + "d-jobs", name + "d-deletions", name + "-objects", "queued-workspace-flyte-integration-queues"}
}

var queuedOnce = &sync.Once{}

func grant(t *testing.T, admin client.Client, account string, rules []rbacv1.PolicyRule) {
	t.Helper()
	name := strings.NewReplacer(":", "-").Replace(account)
	for _, o := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: account}},
		},
	} {
		if err := client.IgnoreAlreadyExists(admin.Create(t.Context(), o)); err != nil {
			t.Fatal(err)
		}
	}
}

// as is a client of an account.
func as(t *testing.T, cfg *rest.Config, account string, groups ...string) client.Client {
	t.Helper()
	cfg = rest.CopyConfig(cfg)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: account, Groups: append(groups, "system:authenticated", "system:serviceaccounts")}
	return clientFor(t, cfg)
}

// queuedMember is an editor of a workspace with a queue, as soon as the policies hold.
func queuedMember(t *testing.T, id string) (member client.Client, namespace string) {
	t.Helper()
	queued(t)
	member, namespace = asMemberOf(t, "editor", map[string]string{workspaceLabel: id, enforceLabel: "baseline", queueLabel: "default"})
	accountForPods(t, namespace)
	awaitAnswer(t, member, podOf(namespace, func(*corev1.Pod) {}), false)
	awaitAnswer(t, member, jobOf(namespace, func(*batchv1.Job) {}), false)
	return member, namespace
}

func gated(p *corev1.Pod) {
	p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: kueueGate}}
	p.Labels = map[string]string{kueueQueue: "default", "kueue.x-k8s.io/managed": "true"}
}

func jobOf(namespace string, change func(*batchv1.Job)) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-"}}
	job.Labels = map[string]string{kueueQueue: "default"}
	job.Spec.Template = corev1.PodTemplateSpec{Spec: podOf(namespace, func(*corev1.Pod) {}).Spec}
	job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	change(job)
	return job
}

func ofJob(p *corev1.Pod) {
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "a", UID: "u", Controller: new(true)}}
}

// Nothing may run in a workspace with a queue that Kueue does not count. Kueue's webhooks, which run before the policies, gate pods and
// suspend jobs.
func TestQueuePolicy_RefusesWhatBypassesTheQueue(t *testing.T) {
	member, namespace := queuedMember(t, "queued")
	const ungated, unsuspended, names = "this one would not: Kueue has not gated it", "Kueue has not suspended it", "name no queue but default"
	suspended := func(j *batchv1.Job) { j.Spec.Suspend = new(true) }
	for name, c := range map[string]struct {
		by      client.Client
		object  client.Object
		refusal string
	}{
		"a pod past the queue":              {member, podOf(namespace, func(*corev1.Pod) {}), ungated},
		"a pod that waits":                  {member, podOf(namespace, gated), ""},
		"a pod with another gate":           {member, podOf(namespace, otherGate), ungated},
		"a pod of another queue":            {member, podOf(namespace, inQueue("another")), names},
		"a pod that poses as a Job's":       {member, podOf(namespace, ofJob), ungated},
		"a pod of the controller of Jobs":   {as(t, installed(t), jobController), podOf(namespace, ofJob), ""},
		"another pod of that controller":    {as(t, installed(t), jobController), podOf(namespace, func(*corev1.Pod) {}), ungated},
		"a Job past the queue":              {member, jobOf(namespace, func(*batchv1.Job) {}), unsuspended},
		"a Job that waits":                  {member, jobOf(namespace, suspended), ""},
		"a suspended Job without the label": {member, jobOf(namespace, func(j *batchv1.Job) { suspended(j); j.Labels = nil }), unsuspended},
		"a Job of another queue": {
			member, jobOf(namespace, func(j *batchv1.Job) { suspended(j); j.Labels[kueueQueue] = "another" }), names,
		},
	} {
		err := c.by.Create(t.Context(), c.object, client.DryRunAll)
		if c.refusal == "" && err != nil || c.refusal != "" && !isDenied(err, c.refusal) {
			t.Errorf("%s: got %v, want %q", name, err, c.refusal)
		}
	}
	_, elsewhere := asMemberOf(t, "editor", map[string]string{workspaceLabel: "unqueued", enforceLabel: "baseline"})
	accountForPods(t, elsewhere)
	if err := clientFor(t, installed(t)).Create(t.Context(), podOf(elsewhere, func(*corev1.Pod) {}), client.DryRunAll); err != nil {
		t.Errorf("in a workspace without a queue: %v", err)
	}
}

func otherGate(p *corev1.Pod) {
	p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "company.com/gate"}}
}

func inQueue(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		gated(p)
		p.Labels[kueueQueue] = name
	}
}

// Kueue alone removes what it has put on pods and Jobs.
func TestQueuePolicy_LetsKueueAloneAdmit(t *testing.T) {
	member, namespace := queuedMember(t, "admitted")
	pod := podOf(namespace, gated)
	pod.Annotations = map[string]string{"kueue.x-k8s.io/role-hash": "x"}
	job := jobOf(namespace, func(j *batchv1.Job) { j.Spec.Suspend = new(true) })
	for _, o := range []client.Object{pod, job} {
		if err := member.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	kueueAccount := as(t, installed(t), kueueUser)
	const gates, labels, suspended = "keep the scheduling gates", "keep their labels and annotations under kueue", "stay suspended until Kueue"
	for name, c := range map[string]struct {
		object         client.Object
		patch, refusal string
	}{
		"remove the gate":        {pod, `{"spec": {"schedulingGates": []}}`, gates},
		"remove the queue":       {pod, fmt.Sprintf(`{"metadata": {"labels": {%q: null}}}`, kueueQueue), labels},
		"remove the mark":        {pod, `{"metadata": {"labels": {"kueue.x-k8s.io/managed": null}}}`, labels},
		"change an annotation":   {pod, `{"metadata": {"annotations": {"kueue.x-k8s.io/role-hash": "y"}}}`, labels},
		"unsuspend the Job":      {job, `{"spec": {"suspend": false}}`, suspended},
		"remove the Job's queue": {job, fmt.Sprintf(`{"metadata": {"labels": {%q: null}}}`, kueueQueue), labels},
		"label the pod":          {pod, `{"metadata": {"labels": {"a": "b"}}}`, ""},
		"end the Job":            {job, `{"spec": {"activeDeadlineSeconds": 1}}`, ""},
	} {
		patch := client.RawPatch(types.MergePatchType, []byte(c.patch))
		err := member.Patch(t.Context(), c.object.DeepCopyObject().(client.Object), patch, client.DryRunAll)
		if c.refusal == "" && err != nil || c.refusal != "" && !isDenied(err, c.refusal) {
			t.Errorf("%s: got %v, want %q", name, err, c.refusal)
		}
		if err := kueueAccount.Patch(t.Context(), c.object.DeepCopyObject().(client.Object), patch, client.DryRunAll); err != nil {
			t.Errorf("%s, by Kueue: %v", name, err)
		}
	}
}

// A role that lets members write Kueue's objects in their namespace gives them no queue of their own.
func TestQueuePolicy_KeepsMembersFromMakingQueues(t *testing.T) {
	_, namespace := queuedMember(t, "selfservice")
	admin := clientFor(t, installed(t))
	grant(t, admin, "self@company.com", nil)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "queues"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"kueue.x-k8s.io"}, Resources: []string{"*"}, Verbs: []string{"*"}},
	}}
	bound := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "queues"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "queues"},
		Subjects:   []rbacv1.Subject{user("self@company.com")},
	}
	for _, o := range []client.Object{role, bound} {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	local := kueueObject("LocalQueue", namespace, "mine", map[string]any{"clusterQueue": "rich"})
	member := as(t, installed(t), "self@company.com")
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return isDenied(member.Create(ctx, local.DeepCopy(), client.DryRunAll), "by Kueue and the platform team alone"), nil
	})
	if err != nil {
		t.Errorf("a member may make a LocalQueue: %v", member.Create(t.Context(), local, client.DryRunAll))
	}
	for _, c := range []client.Client{admin, as(t, installed(t), kueueUser)} { // the service's own: TestServicePolicy_ConfinesQueues
		if err := c.Create(t.Context(), local.DeepCopy(), client.DryRunAll); err != nil {
			t.Error(err)
		}
	}
}

func kueueObject(kind, namespace, name string, spec map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "spec": spec}}
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// A stolen token makes no queue that serves other namespaces, and touches none of others.
func TestServicePolicy_ConfinesQueues(t *testing.T) {
	cfg := queued(t)
	namespace := workspaceNamespace(t, stolenID)
	thief, admin := as(t, cfg, queuedService, "system:masters"), clientFor(t, cfg)
	clusterQueue := func(name, id string, spec map[string]any) *unstructured.Unstructured {
		all := map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{workspaceLabel: id}}}
		maps.Copy(all, spec)
		o := kueueObject("ClusterQueue", "", name, all)
		o.SetLabels(map[string]string{workspaceLabel: id, "app.kubernetes.io/managed-by": fullName})
		return o
	}
	localQueueOf := func(name, clusterQueue string) *unstructured.Unstructured {
		o := kueueObject("LocalQueue", namespace, name, map[string]any{"clusterQueue": clusterQueue})
		o.SetLabels(map[string]string{workspaceLabel: stolenID, "app.kubernetes.io/managed-by": fullName})
		return o
	}
	localQueue := func(name string) *unstructured.Unstructured { return localQueueOf(name, "workspace-"+stolenID) }
	foreign := kueueObject("ClusterQueue", "", "workspace-foreign", map[string]any{})
	if err := client.IgnoreAlreadyExists(admin.Create(t.Context(), foreign)); err != nil {
		t.Fatal(err)
	}
	const named, alone, final = "named by their label", "admit the namespaces of their workspace alone", "no finalizers but Kueue's own"
	const shared = "policies.service.clusterQueues allows more"
	own := func(spec map[string]any) *unstructured.Unstructured {
		return clusterQueue("workspace-stolen", stolenID, spec)
	}
	kept := own(nil)
	kept.SetFinalizers([]string{"company.com/thief"})
	byWebhook := own(nil)
	byWebhook.SetFinalizers([]string{"kueue.x-k8s.io/resource-in-use"})
	attempts := map[string]attempt{
		"make a queue of another name":     creating(clusterQueue("rich", stolenID, nil), named),
		"make a queue for all":             creating(own(map[string]any{"namespaceSelector": map[string]any{}}), alone),
		"drain a queue":                    creating(own(map[string]any{"stopPolicy": "HoldAndDrain"}), alone),
		"make a queue that never ends":     creating(kept, final),
		"take a queue":                     patching(foreign, `{"metadata": {"labels": {"platform.company.com/workspace": "foreign"}}}`, named),
		"change a foreign queue":           patching(foreign, `{"spec": {"cohortName": "rich"}}`, named),
		"delete a foreign queue":           deleting(foreign, named),
		"use the queue of another":         creating(localQueueOf("default", "workspace-foreign"), shared),
		"make another LocalQueue":          creating(localQueue("another"), ownNames),
		"make a LocalQueue in kube-system": creating(inNamespace(localQueue("default"), metav1.NamespaceSystem), inWorkspaces),
	}
	awaitAnswer(t, thief, clusterQueue("rich", stolenID, nil), false)
	awaitAnswer(t, thief, localQueue("another"), false)
	for name, a := range attempts {
		if err := a.request(t.Context(), thief); !isDenied(err, a.refusal) {
			t.Errorf("%s: got %v, want %q", name, err, a.refusal)
		}
		if err := a.request(t.Context(), admin); isDenied(err, "") {
			t.Errorf("%s: somebody else was refused it: %v", name, err)
		}
	}
	pool, ofTier := localQueueOf("default", "pool"), localQueueOf("default", "tiers-pool")
	for _, o := range []client.Object{own(nil), byWebhook, localQueue("default"), pool, ofTier} {
		if err := thief.Create(t.Context(), o, client.DryRunAll); err != nil {
			t.Errorf("its own %s: %v", o.GetName(), err)
		}
	}
}

func inNamespace(o *unstructured.Unstructured, namespace string) *unstructured.Unstructured {
	o.SetNamespace(namespace)
	return o
}
