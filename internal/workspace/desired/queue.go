package desired

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	clusterQueuePrefix = "workspace-"
	// defaultFlavor is the ResourceFlavor of a tier that names none.
	defaultFlavor = "default-flavor"
	never         = "Never"
)

// unlimitedStorage is the local storage of a queue whose quota names none: pods get a request for it from a LimitRange, and Kueue admits
// no resource that a ClusterQueue does not cover.
var unlimitedStorage = resource.MustParse("100Ti")

// ClusterQueueName is the name of a workspace's own ClusterQueue.
func ClusterQueueName(id string) string { return clusterQueuePrefix + id }

// WorkspaceOfClusterQueue is the workspace that a ClusterQueue of this name may belong to, or "".
func WorkspaceOfClusterQueue(name string) string {
	id, ours := strings.CutPrefix(name, clusterQueuePrefix)
	if !ours {
		return ""
	}
	return id
}

// LocalQueue is the queue of the plan's namespace, or nothing if the tier has none.
func (p *Plan) LocalQueue() Part {
	part := Part{Kinds: []client.Object{&kueue.LocalQueue{}}}
	if p.Tier == nil || p.Tier.Spec.Queue == nil {
		return part
	}
	tier, queue := p.Tier.Spec.Queue, &kueue.LocalQueue{ObjectMeta: p.metadata(kueue.DefaultQueue)}
	queue.Spec.ClusterQueue, queue.Spec.StopPolicy = p.ClusterQueueName(), kueue.StopNone
	if tier.Mode == v1alpha1.QueueShared {
		queue.Spec.StopPolicy = p.stopPolicy()
		queue.Spec.FairSharing = fairSharing(tier)
	}
	part.Objects = append(part.Objects, queue)
	return part
}

// ClusterQueueName is the ClusterQueue that governs the plan's namespace, or "" if the tier has none.
func (p *Plan) ClusterQueueName() string {
	switch {
	case p.Tier == nil || p.Tier.Spec.Queue == nil:
		return ""
	case p.Tier.Spec.Queue.Mode == v1alpha1.QueueShared:
		return p.Tier.Spec.Queue.ClusterQueue
	}
	return ClusterQueueName(p.Workspace.Name)
}

// stopPolicy is Hold for a locked workspace: running pods finish, and waiting ones wait. HoldAndDrain would delete running pods.
func (p *Plan) stopPolicy() kueue.StopPolicy {
	if p.locked() {
		return kueue.StopHold
	}
	return kueue.StopNone
}

func fairSharing(tier *v1alpha1.TierQueue) *kueue.FairSharing {
	if tier.FairSharing.Weight == "" {
		return nil
	}
	weight := workspace.ParseQuantity(tier.FairSharing.Weight)
	return &kueue.FairSharing{Weight: &weight}
}

// ClusterQueue is the workspace's own ClusterQueue, or nil if its tier has none. It admits pods of the workspace's namespaces, up to what
// the quotas of the plans are together. It has Kueue's defaults filled in.
func ClusterQueue(plans []*Plan) *kueue.ClusterQueue {
	if len(plans) == 0 || plans[0].Tier == nil || plans[0].Tier.Spec.Queue == nil || plans[0].Tier.Spec.Queue.Mode != v1alpha1.QueueOwn {
		return nil
	}
	p := plans[0]
	tier := p.Tier.Spec.Queue
	return &kueue.ClusterQueue{
		ObjectMeta: metav1.ObjectMeta{Name: ClusterQueueName(p.Workspace.Name), Labels: p.labels()},
		Spec: kueue.ClusterQueueSpec{
			ResourceGroups:   resourceGroups(tier, nominalQuotas(plans), workspace.GPUResource(p.Tier)),
			CohortName:       tier.Cohort,
			QueueingStrategy: "BestEffortFIFO",
			NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{v1alpha1.LabelWorkspace: p.Workspace.Name},
			},
			FlavorFungibility: &kueue.FlavorFungibility{WhenCanBorrow: "MayStopSearch", WhenCanPreempt: "TryNextFlavor"},
			Preemption:        preemption(tier.Preemption),
			StopPolicy:        p.stopPolicy(),
			FairSharing:       fairSharing(tier),
		},
	}
}

func preemption(tier v1alpha1.QueuePreemption) *kueue.Preemption {
	borrow := &kueue.BorrowWithinCohort{Policy: never}
	if of := tier.BorrowWithinCohort; of != nil {
		borrow = &kueue.BorrowWithinCohort{Policy: of.Policy, MaxPriorityThreshold: of.MaxPriorityThreshold}
	}
	return &kueue.Preemption{
		ReclaimWithinCohort: cmp.Or(tier.ReclaimWithinCohort, never),
		WithinClusterQueue:  cmp.Or(tier.WithinClusterQueue, never),
		BorrowWithinCohort:  borrow,
	}
}

// nominalQuotas are what the namespaces of the plans may request together, by resource.
func nominalQuotas(plans []*Plan) map[corev1.ResourceName]resource.Quantity {
	sum := map[corev1.ResourceName]resource.Quantity{}
	for _, p := range plans {
		for name, amount := range p.nominalQuota() {
			amount.Add(sum[name])
			sum[name] = amount
		}
	}
	if _, limited := sum[corev1.ResourceEphemeralStorage]; !limited {
		sum[corev1.ResourceEphemeralStorage] = unlimitedStorage
	}
	return sum
}

// nominalQuota is what the namespace may request of the resources that a queue counts.
func (p *Plan) nominalQuota() map[corev1.ResourceName]resource.Quantity {
	amounts, _ := p.effectiveQuota()
	nominal := map[corev1.ResourceName]resource.Quantity{}
	for key, amount := range amounts {
		for _, name := range quotaNames(key, workspace.GPUResource(p.Tier)) {
			of, queued := workspace.QueueResource(string(name))
			if !queued || strings.HasPrefix(string(name), "limits.") {
				continue
			}
			lowest := amount
			if other, twice := nominal[corev1.ResourceName(of)]; twice && other.Cmp(amount) < 0 {
				lowest = other // such as ephemeral-storage and requests.ephemeral-storage
			}
			nominal[corev1.ResourceName(of)] = lowest
		}
	}
	return nominal
}

// isQueued reports whether a queue bounds an amount of the quota.
func isQueued(tier *v1alpha1.WorkspaceTier, amounts map[string]resource.Quantity, key string) bool {
	return slices.ContainsFunc(quotaNames(key, workspace.GPUResource(tier)), func(name corev1.ResourceName) bool {
		return queueBounds(tier, amounts, name)
	})
}

// queueBounds reports whether a queue bounds what a ResourceQuota key does. Kueue counts requests, so limits are bounded where the tier has
// a ratio: of CPU and memory it must; limits of local storage stay with the ResourceQuota unless it has one, and an amount of requests.
func queueBounds(tier *v1alpha1.WorkspaceTier, amounts map[string]resource.Quantity, key corev1.ResourceName) bool {
	if key == corev1.ResourceLimitsEphemeralStorage {
		_, requested := amounts[string(corev1.ResourceRequestsEphemeralStorage)]
		_, short := amounts[string(corev1.ResourceEphemeralStorage)]
		return (requested || short) && tier.Spec.LimitRange.MaxLimitRequestRatio.EphemeralStorage != ""
	}
	_, bounded := workspace.QueueResource(string(key))
	return bounded
}

// resourceGroups give each resource its flavor.
func resourceGroups(
	tier *v1alpha1.TierQueue, nominal map[corev1.ResourceName]resource.Quantity, gpu string,
) (groups []kueue.ResourceGroup) {
	flavors := tier.Flavors
	if len(flavors) == 0 {
		flavors = []v1alpha1.QueueFlavor{{Name: defaultFlavor}}
	}
	borrowing, lending := byResource(tier.BorrowingLimit, gpu), byResource(tier.LendingLimit, gpu)
	for i, names := range coveredResources(flavors, nominal, gpu) {
		if len(names) == 0 {
			continue
		}
		group := kueue.ResourceGroup{CoveredResources: names, Flavors: []kueue.FlavorQuotas{{Name: flavors[i].Name}}}
		for _, name := range names {
			quota := kueue.ResourceQuota{Name: name, NominalQuota: nominal[name], BorrowingLimit: borrowing[name], LendingLimit: lending[name]}
			group.Flavors[0].Resources = append(group.Flavors[0].Resources, boundLimits(tier, quota))
		}
		groups = append(groups, group)
	}
	return groups
}

// coveredResources are the resources of each flavor. What no flavor names belongs to the one without resources, or else to the first.
func coveredResources(
	flavors []v1alpha1.QueueFlavor, nominal map[corev1.ResourceName]resource.Quantity, gpu string,
) [][]corev1.ResourceName {
	other := max(0, slices.IndexFunc(flavors, func(f v1alpha1.QueueFlavor) bool { return len(f.Resources) == 0 }))
	covered := make([][]corev1.ResourceName, len(flavors))
	for _, name := range slices.Sorted(maps.Keys(nominal)) {
		at := slices.IndexFunc(flavors, func(f v1alpha1.QueueFlavor) bool {
			return slices.ContainsFunc(f.Resources, func(r string) bool { return resourceName(r, gpu) == name })
		})
		if at < 0 {
			at = other
		}
		covered[at] = append(covered[at], name)
	}
	return covered
}

// boundLimits bounds what a resource may borrow and lend, where the tier's limits do not.
func boundLimits(tier *v1alpha1.TierQueue, quota kueue.ResourceQuota) kueue.ResourceQuota {
	if tier.Cohort != "" && quota.BorrowingLimit == nil && quota.NominalQuota.IsZero() {
		quota.BorrowingLimit = &resource.Quantity{} // without a limit, a workspace may borrow what its tier denies it
	}
	if quota.LendingLimit != nil && quota.LendingLimit.Cmp(quota.NominalQuota) > 0 {
		quota.LendingLimit = new(quota.NominalQuota) // Kueue refuses a larger one
	}
	return quota
}

func byResource(amounts v1alpha1.QueueAmounts, gpu string) map[corev1.ResourceName]*resource.Quantity {
	all := map[corev1.ResourceName]*resource.Quantity{}
	for key, text := range amounts {
		amount := workspace.ParseQuantity(text)
		all[resourceName(key, gpu)] = &amount
	}
	return all
}

func resourceName(key, gpu string) corev1.ResourceName {
	if key == "gpu" {
		return corev1.ResourceName(gpu)
	}
	return corev1.ResourceName(key)
}
