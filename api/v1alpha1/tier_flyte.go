package v1alpha1

// TierFlyte sets matchable attributes of a tier's Flyte projects; only Flyte 1 has them. The service owns a kind that
// is set here, on the project and in its domains, and repairs it. It removes a kind that the tier drops.
type TierFlyte struct {
	FlyteAttributes `json:",inline"`
	// Domains override the tier's attributes in a Flyte domain, by the domain's name: a kind set there replaces the
	// tier's.
	// +kubebuilder:validation:MaxProperties=16
	Domains map[string]FlyteAttributes `json:"domains,omitempty"`
}

// FlyteAttributes are matchable attributes by kind.
type FlyteAttributes struct {
	// Execution is WORKFLOW_EXECUTION_CONFIG. If it is set, even empty, tasks run as the ServiceAccount flyte-workload
	// with the label platform.company.com/workspace, unless a launch plan or request differs.
	Execution *FlyteExecution `json:"execution,omitempty"`
	// TaskResources is TASK_RESOURCE, which replaces FlyteAdmin's own task_resources as a whole. If it is set, even
	// empty, tasks get defaults of CPU and memory, and every resource in the quota has a limit. Limits stay strictly
	// below the quota and the limit range: a task that reaches them fails for good instead of waiting.
	TaskResources *FlyteTaskResources `json:"taskResources,omitempty"`
	// ClusterResources is CLUSTER_RESOURCE: values for the templates of Flyte's own cluster resource sync. {project},
	// {domain}, {cpu}, {memory}, {gpu}, {storage} and {pods} are replaced by the workspace's; an entry without a limit
	// is left out.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[A-Za-z_][A-Za-z0-9_]{0,62}$'))",message="a template value is named by letters, digits and _"
	ClusterResources map[string]ClusterResourceValue `json:"clusterResources,omitempty"`
}

// ClusterResourceValue is the value of a template variable.
// +kubebuilder:validation:MaxLength=253
type ClusterResourceValue string

// FlyteExecution applies to executions whose request and launch plan don't differ.
type FlyteExecution struct {
	// RawOutputPrefix is where tasks store their data. {project} and {domain} are replaced by the workspace's.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9+.-]*://([!-z|~]|[{](project|domain)[}])+$`
	RawOutputPrefix string `json:"rawOutputPrefix,omitempty"`
	// MaxParallelism is how many nodes of a workflow run at once; Flyte's default if unset.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxParallelism int32 `json:"maxParallelism,omitempty"`
}

// FlyteTaskResources are the resources of one task.
//
// +kubebuilder:validation:XValidation:rule="!self.?limits.cpu.hasValue() || quantity(self.limits.cpu).isGreaterThan(quantity('0'))",message="limits.cpu must be above 0: Flyte reads 0 as no limit; a quota of 0 keeps the resource out"
// +kubebuilder:validation:XValidation:rule="!self.?limits.memory.hasValue() || quantity(self.limits.memory).isGreaterThan(quantity('0'))",message="limits.memory must be above 0: Flyte reads 0 as no limit; a quota of 0 keeps the resource out"
// +kubebuilder:validation:XValidation:rule="!self.?limits.gpu.hasValue() || quantity(self.limits.gpu).isGreaterThan(quantity('0'))",message="limits.gpu must be above 0: Flyte reads 0 as no limit; a quota of 0 keeps the resource out"
// +kubebuilder:validation:XValidation:rule="!self.?limits.ephemeralStorage.hasValue() || quantity(self.limits.ephemeralStorage).isGreaterThan(quantity('0'))",message="limits.ephemeralStorage must be above 0: Flyte reads 0 as no limit; a quota of 0 keeps the resource out"
// +kubebuilder:validation:XValidation:rule="!self.?defaults.cpu.hasValue() || quantity(self.defaults.cpu).isGreaterThan(quantity('0'))",message="defaults.cpu must be above 0: tasks that name none would get an explicit zero, which no quota counts"
// +kubebuilder:validation:XValidation:rule="!self.?defaults.memory.hasValue() || quantity(self.defaults.memory).isGreaterThan(quantity('0'))",message="defaults.memory must be above 0: tasks that name none would get an explicit zero, which no quota counts"
// +kubebuilder:validation:XValidation:rule="!self.?defaults.cpu.hasValue() || !self.?limits.cpu.hasValue() || quantity(self.defaults.cpu).compareTo(quantity(self.limits.cpu)) <= 0",message="defaults.cpu must not be above limits.cpu"
// +kubebuilder:validation:XValidation:rule="!self.?defaults.memory.hasValue() || !self.?limits.memory.hasValue() || quantity(self.defaults.memory).compareTo(quantity(self.limits.memory)) <= 0",message="defaults.memory must not be above limits.memory"
// +kubebuilder:validation:XValidation:rule="!self.?defaults.gpu.hasValue() || !self.?limits.gpu.hasValue() || quantity(self.defaults.gpu).compareTo(quantity(self.limits.gpu)) <= 0",message="defaults.gpu must not be above limits.gpu"
// +kubebuilder:validation:XValidation:rule="!self.?defaults.ephemeralStorage.hasValue() || !self.?limits.ephemeralStorage.hasValue() || quantity(self.defaults.ephemeralStorage).compareTo(quantity(self.limits.ephemeralStorage)) <= 0",message="defaults.ephemeralStorage must not be above limits.ephemeralStorage"
type FlyteTaskResources struct {
	// Defaults are request and limit of a task that asks for nothing. CPU and memory fall back to the limit range's
	// defaultRequest, then its default, then 250m and 512Mi. Defaults are raised to the limit range's min and lowered
	// to the limit. There is no default GPU.
	Defaults FlyteResources `json:"defaults,omitzero"`
	// Limits are the most that a task may ask for, by default and at most as much as fits the quota. Flyte reads a
	// limit of zero as no limit: under a quota of 0 the limit is the least possible (1m of CPU, 1 byte, one GPU), and
	// the quota refuses the pod.
	Limits FlyteResources `json:"limits,omitzero"`
}

// FlyteResources are amounts of one task.
type FlyteResources struct {
	CPU              Quantity `json:"cpu,omitempty"`
	Memory           Quantity `json:"memory,omitempty"`
	GPU              Count    `json:"gpu,omitempty"`
	EphemeralStorage Quantity `json:"ephemeralStorage,omitempty"`
}
