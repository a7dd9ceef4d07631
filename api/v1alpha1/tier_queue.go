package v1alpha1

// QueueMode says whose ClusterQueue admits the pods of a workspace.
//
// +kubebuilder:validation:Enum=own;shared
type QueueMode string

// The modes of a queue.
const (
	// QueueOwn: each workspace has a ClusterQueue with its quota.
	QueueOwn QueueMode = "own"
	// QueueShared: all workspaces on the tier share a ClusterQueue of the platform team.
	QueueShared QueueMode = "shared"
)

// TierQueue has Kueue admit the pods of a workspace: a pod above the quota waits instead of being refused. Each namespace gets a
// LocalQueue named default. Requires queues.enabled in the chart, Kueue with the API kueue.x-k8s.io/v1beta2, and
// limitRange.maxLimitRequestRatio of CPU and memory: Kueue counts requests.
//
// +kubebuilder:validation:XValidation:rule="self.mode == 'shared' || !has(self.clusterQueue)",message="clusterQueue is for mode shared: with mode own each workspace has its own"
// +kubebuilder:validation:XValidation:rule="self.mode == 'own' || has(self.clusterQueue)",message="mode shared needs clusterQueue"
// +kubebuilder:validation:XValidation:rule="self.mode == 'own' || !(has(self.cohort) || has(self.flavors) || has(self.borrowingLimit) || has(self.lendingLimit) || has(self.preemption))",message="cohort, flavors, borrowingLimit, lendingLimit and preemption are for mode own: the shared ClusterQueue has its own"
// +kubebuilder:validation:XValidation:rule="has(self.cohort) || !(has(self.borrowingLimit) || has(self.lendingLimit))",message="borrowingLimit and lendingLimit need a cohort to borrow from and lend to"
type TierQueue struct {
	// Mode own makes a ClusterQueue for each workspace, whose nominal quota is what its namespaces have together; mode shared
	// uses an existing one.
	Mode QueueMode `json:"mode"`
	// ClusterQueue is the name of the shared ClusterQueue. It must admit the namespaces: they carry the label
	// platform.company.com/workspace.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ClusterQueue string `json:"clusterQueue,omitempty"`
	// Cohort is the group of ClusterQueues whose idle quota the workspaces may borrow, and which borrow theirs.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Cohort string `json:"cohort,omitempty"`
	// Flavors are ResourceFlavors, which must exist. Each covers resources of the quota; the one without resources covers all
	// that no other does. Without flavors, one named default-flavor covers everything.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.filter(f, !has(f.resources)).size() <= 1",message="only one flavor may leave out resources: it covers all that no other does"
	// +kubebuilder:validation:XValidation:rule="self.all(f, !has(f.resources) || f.resources.all(r, self.filter(g, has(g.resources) && r in g.resources).size() == 1))",message="a resource has one flavor"
	Flavors []QueueFlavor `json:"flavors,omitempty"`
	// BorrowingLimit is the most of a resource that a workspace may borrow from the cohort; without an entry, all that is idle,
	// but nothing of a resource whose quota is 0.
	BorrowingLimit QueueAmounts `json:"borrowingLimit,omitempty"`
	// LendingLimit is the most of a resource that a workspace lends to the cohort; without an entry, all that is idle. It
	// applies up to the workspace's own quota.
	LendingLimit QueueAmounts `json:"lendingLimit,omitempty"`
	// Preemption says which admitted pods make room for waiting ones, as in Kueue's ClusterQueue. The default is never.
	Preemption QueuePreemption `json:"preemption,omitzero"`
	// FairSharing weighs the workspace against the others of its cohort, or, with mode shared, of its ClusterQueue. Kueue's
	// configuration enables it.
	FairSharing QueueFairSharing `json:"fairSharing,omitzero"`
}

// QueueFlavor is a ResourceFlavor, and what it covers.
type QueueFlavor struct {
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name"`
	// Resources are cpu, memory, gpu, ephemeral-storage or names of extended resources.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$`
	Resources []string `json:"resources,omitempty"`
}

// QueueAmounts are amounts by resource: cpu, memory, gpu, ephemeral-storage or the name of an extended resource.
//
// +kubebuilder:validation:MaxProperties=16
// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 253 && k.matches('^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$'))",message="a resource is cpu, memory, gpu, ephemeral-storage or the name of an extended resource"
type QueueAmounts map[string]Quantity

// QueuePreemption is the preemption of Kueue's ClusterQueue.
//
// +kubebuilder:validation:XValidation:rule="!has(self.borrowWithinCohort) || self.?reclaimWithinCohort.orValue('Never') != 'Never'",message="borrowWithinCohort needs reclaimWithinCohort: a workspace that may not reclaim its quota can't preempt to borrow"
type QueuePreemption struct {
	// ReclaimWithinCohort says which pods of the cohort that use more than their quota are preempted by those within theirs.
	// +kubebuilder:validation:Enum=Never;LowerPriority;Any
	ReclaimWithinCohort string `json:"reclaimWithinCohort,omitempty"`
	// WithinClusterQueue says which pods of the workspace itself are preempted.
	// +kubebuilder:validation:Enum=Never;LowerPriority;LowerOrNewerEqualPriority
	WithinClusterQueue string `json:"withinClusterQueue,omitempty"`
	// BorrowWithinCohort says whether a pod that borrows may preempt pods of lower priority.
	BorrowWithinCohort *QueueBorrowWithinCohort `json:"borrowWithinCohort,omitempty"`
}

// QueueBorrowWithinCohort is the preemption by pods that borrow.
type QueueBorrowWithinCohort struct {
	// +kubebuilder:validation:Enum=LowerPriority
	Policy string `json:"policy"`
	// MaxPriorityThreshold protects pods of a higher priority.
	MaxPriorityThreshold *int32 `json:"maxPriorityThreshold,omitempty"`
}

// QueueFairSharing is the weight of a workspace.
type QueueFairSharing struct {
	// Weight is 1 by default. Twice the weight gets twice as much of what is idle.
	Weight Quantity `json:"weight,omitempty"`
}
