package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

func queuePlans(spec v1alpha1.WorkspaceTierSpec, domains ...string) (plans []*desired.Plan) {
	w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: v1alpha1.StateActive}}
	w.Name = "fraud"
	for _, domain := range domains {
		plans = append(plans, &desired.Plan{
			Workspace: w, Tier: &v1alpha1.WorkspaceTier{Spec: spec}, Domains: domains,
			Namespace: workspace.Namespace{Name: "flyte-fraud-" + domain, Domain: domain},
		})
	}
	return plans
}

func TestClusterQueue(t *testing.T) {
	threshold := int32(100)
	spec := v1alpha1.WorkspaceTierSpec{
		QuotaScope: v1alpha1.QuotaScopeWorkspace, GPUResource: "nvidia.com/gpu",
		Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{
			CPU: "40", Memory: "160Gi", GPU: "4", Pods: "10", Storage: "1Ti",
			Extra: v1alpha1.ExtraAmounts{
				"requests.amd.com/gpu": "2", "limits.ephemeral-storage": "4Ti", "requests.ephemeral-storage": "500Gi", "count/jobs.batch": "5",
				"requests.deviceclass.resource.kubernetes.io/x": "1",
			},
		}}},
		Queue: &v1alpha1.TierQueue{
			Mode: v1alpha1.QueueOwn, Cohort: "teams",
			Flavors:        []v1alpha1.QueueFlavor{{Name: "a100", Resources: []string{"gpu"}}, {Name: "on-demand"}},
			BorrowingLimit: v1alpha1.QueueAmounts{"cpu": "20", "gpu": "1"}, LendingLimit: v1alpha1.QueueAmounts{"memory": "1Ti"},
			Preemption: v1alpha1.QueuePreemption{
				ReclaimWithinCohort: "Any",
				BorrowWithinCohort:  &v1alpha1.QueueBorrowWithinCohort{Policy: "LowerPriority", MaxPriorityThreshold: &threshold},
			},
			FairSharing: v1alpha1.QueueFairSharing{Weight: "2"},
		},
	}
	got, err := yaml.Marshal(desired.ClusterQueue(queuePlans(spec, "development", "production")))
	if err != nil {
		t.Fatal(err)
	}
	const want = `metadata:
  labels:
    app.kubernetes.io/managed-by: workspace-flyte-integration
    platform.company.com/workspace: fraud
  name: workspace-fraud
spec:
  cohortName: teams
  fairSharing:
    weight: "2"
  flavorFungibility:
    whenCanBorrow: MayStopSearch
    whenCanPreempt: TryNextFlavor
  namespaceSelector:
    matchLabels:
      platform.company.com/workspace: fraud
  preemption:
    borrowWithinCohort:
      maxPriorityThreshold: 100
      policy: LowerPriority
    reclaimWithinCohort: Any
    withinClusterQueue: Never
  queueingStrategy: BestEffortFIFO
  resourceGroups:
  - coveredResources:
    - nvidia.com/gpu
    flavors:
    - name: a100
      resources:
      - borrowingLimit: "1"
        name: nvidia.com/gpu
        nominalQuota: "4"
  - coveredResources:
    - amd.com/gpu
    - cpu
    - ephemeral-storage
    - memory
    flavors:
    - name: on-demand
      resources:
      - name: amd.com/gpu
        nominalQuota: "2"
      - borrowingLimit: "20"
        name: cpu
        nominalQuota: "40"
      - name: ephemeral-storage
        nominalQuota: 500Gi
      - lendingLimit: 160Gi
        name: memory
        nominalQuota: 160Gi
  stopPolicy: None
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// Without a shared quota, the queue has what the namespaces have together.
func TestClusterQueue_SumsTheNamespaces(t *testing.T) {
	spec := v1alpha1.WorkspaceTierSpec{
		Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "40", Memory: "160Gi"}}},
		Domains: map[string]v1alpha1.TierDomain{"development": {Quota: v1alpha1.TierQuota{
			Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "500m"}},
		}}},
		Queue: &v1alpha1.TierQueue{Mode: v1alpha1.QueueOwn},
	}
	got := map[string]string{}
	for _, r := range desired.ClusterQueue(queuePlans(spec, "development", "production")).Spec.ResourceGroups[0].Flavors[0].Resources {
		got[string(r.Name)] = r.NominalQuota.String()
	}
	if diff := cmp.Diff(map[string]string{"cpu": "40500m", "memory": "320Gi", "ephemeral-storage": "100Ti"}, got); diff != "" {
		t.Error(diff)
	}
}

// A resource of which the quota gives nothing is borrowed only if the tier states how much.
func TestClusterQueue_BorrowsNothingOfWhatTheQuotaDenies(t *testing.T) {
	denied := v1alpha1.Quota{CPU: "40", Memory: "160Gi", GPU: "0", Extra: v1alpha1.ExtraAmounts{"requests.amd.com/gpu": "0"}}
	for name, c := range map[string]struct {
		queue v1alpha1.TierQueue
		want  map[string]string
	}{
		"of a cohort": {
			v1alpha1.TierQueue{Cohort: "teams", BorrowingLimit: v1alpha1.QueueAmounts{"amd.com/gpu": "1"}},
			map[string]string{"amd.com/gpu": "1", "nvidia.com/gpu": "0"},
		},
		"alone": {v1alpha1.TierQueue{}, map[string]string{}}, // Kueue refuses a limit without a cohort
	} {
		c.queue.Mode = v1alpha1.QueueOwn
		spec := v1alpha1.WorkspaceTierSpec{
			GPUResource: "nvidia.com/gpu", Queue: &c.queue, Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: denied}},
		}
		got := map[string]string{}
		for _, r := range desired.ClusterQueue(queuePlans(spec, "production")).Spec.ResourceGroups[0].Flavors[0].Resources {
			if r.BorrowingLimit != nil {
				got[string(r.Name)] = r.BorrowingLimit.String()
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Under a live queue, the ResourceQuota leaves out what the queue bounds, and keeps the rest.
func TestQuota_LeavesOutWhatAQueueBounds(t *testing.T) {
	spec := v1alpha1.WorkspaceTierSpec{
		Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{
			CPU: "40", Memory: "160Gi", GPU: "4", Storage: "1Ti", Pods: "200", Extra: v1alpha1.ExtraAmounts{
				"requests.amd.com/gpu": "2", "limits.ephemeral-storage": "4Ti", "requests.hugepages-2Mi": "1Gi", "count/jobs.batch": "5",
				"gold.storageclass.storage.k8s.io/requests.storage": "1Ti", "gpu.deviceclass.resource.k8s.io/devices": "1",
			},
		}}},
		Queue: &v1alpha1.TierQueue{Mode: v1alpha1.QueueShared, ClusterQueue: "pool"},
	}
	p := queuePlans(spec, "production")[0]
	p.QueueLive = true
	got, err := yaml.Marshal(p.Quota().Objects[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `metadata:
  labels:
    app.kubernetes.io/managed-by: workspace-flyte-integration
    platform.company.com/workspace: fraud
  name: workspace-quota
  namespace: flyte-fraud-production
spec:
  hard:
    count/jobs.batch: "5"
    gold.storageclass.storage.k8s.io/requests.storage: 1Ti
    gpu.deviceclass.resource.k8s.io/devices: "1"
    limits.ephemeral-storage: 4Ti
    pods: "200"
    requests.storage: 1Ti
    services.loadbalancers: "0"
    services.nodeports: "0"
status: {}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// Limits of local storage are left out only where the queue bounds its requests, and the LimitRange their ratio to the limits.
func TestQuota_BoundsLimitsOfLocalStorage(t *testing.T) {
	for name, c := range map[string]struct {
		requests, ratio v1alpha1.Quantity
		kept            bool
	}{
		"neither":  {"", "", true},
		"requests": {"1Ti", "", true},
		"ratio":    {"", "4", true},
		"both":     {"1Ti", "4", false},
	} {
		extra := v1alpha1.ExtraAmounts{"limits.ephemeral-storage": "4Ti"}
		if c.requests != "" {
			extra["requests.ephemeral-storage"] = c.requests
		}
		p := queuePlans(v1alpha1.WorkspaceTierSpec{
			Quota:      v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "40", Extra: extra}}},
			LimitRange: v1alpha1.LimitRange{MaxLimitRequestRatio: v1alpha1.ComputeResources{EphemeralStorage: c.ratio}},
			Queue:      &v1alpha1.TierQueue{Mode: v1alpha1.QueueOwn},
		}, "production")[0]
		p.QueueLive = true
		hard := p.Quota().Objects[0].(*corev1.ResourceQuota).Spec.Hard
		if _, kept := hard[corev1.ResourceLimitsEphemeralStorage]; kept != c.kept {
			t.Errorf("%s: the limits stay: %t, want %t", name, kept, c.kept)
		}
	}
}

// Namespaces with a queue share all of it, so Flyte lets one task use what a split would not give its domain. Tasks have the queue's label.
func TestProject_OfAQueue(t *testing.T) {
	spec := v1alpha1.WorkspaceTierSpec{
		QuotaScope: v1alpha1.QuotaScopeWorkspace,
		Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{
			CPU: "40", Memory: "160Gi", Storage: "4Ti",
		}}},
		Flyte: v1alpha1.TierFlyte{FlyteAttributes: v1alpha1.FlyteAttributes{
			TaskResources:    &v1alpha1.FlyteTaskResources{},
			ClusterResources: map[string]v1alpha1.ClusterResourceValue{"storage": "{storage}"},
		}},
	}
	domains := []string{"development", "production"}
	f := desired.Flyte{Domains: domains, PerDomain: true}
	describe := func() string {
		p := queuePlans(spec, domains...)[0]
		a := f.Project(p.Workspace, p.Tier).Attributes["production"]
		text := a.TaskResources.Limits.CPU + " " + a.ClusterResources["storage"]
		if a.Execution != nil {
			text += " " + a.Execution.ServiceAccount + a.Execution.Labels["kueue.x-k8s.io/queue-name"]
		}
		return text
	}
	if got, want := describe(), "19999m 2Ti"; got != want {
		t.Errorf("without a queue: %s, want %s", got, want)
	}
	spec.Queue = &v1alpha1.TierQueue{Mode: v1alpha1.QueueOwn}
	if got, want := describe(), "39999m 2Ti default"; got != want {
		t.Errorf("with a queue: %s, want %s", got, want)
	}
	spec.Flyte.Execution = &v1alpha1.FlyteExecution{}
	if got, want := describe(), "39999m 2Ti flyte-workloaddefault"; got != want {
		t.Errorf("with attributes of executions: %s, want %s", got, want)
	}
}
