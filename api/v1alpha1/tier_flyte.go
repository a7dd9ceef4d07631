package v1alpha1

// TierFlyte is what the Flyte projects of a tier get as matchable attributes. Only Flyte 1 has them. A kind that is given here is
// owned whole: what others set of it, on the project or in a domain, is put back. A kind that is taken away is removed.
type TierFlyte struct {
	FlyteAttributes `json:",inline"`
	// Domains name the Flyte domains in which something differs: a kind that is given there takes the place of the tier's.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	Domains map[string]FlyteAttributes `json:"domains,omitempty"`
}

// FlyteAttributes are matchable attributes by kind.
type FlyteAttributes struct {
	// Execution is WORKFLOW_EXECUTION_CONFIG. With it, even if it is empty, tasks run as the ServiceAccount flyte-workload and
	// carry the label platform.company.com/workspace, unless a launch plan or request says otherwise.
	// +optional
	Execution *FlyteExecution `json:"execution,omitempty"`
	// TaskResources is TASK_RESOURCE. Whatever is given here, the limits stay strictly below the quota and the limit range of the
	// workspace's namespaces: a task whose limit is not would fail for good instead of waiting.
	// +optional
	TaskResources *FlyteTaskResources `json:"taskResources,omitempty"`
	// ClusterResources is CLUSTER_RESOURCE: values for the templates of Flyte's own cluster resource sync. {project}, {domain},
	// {cpu}, {memory}, {gpu}, {storage} and {pods} stand for the workspace's own; an entry whose amount has no limit is left out.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[A-Za-z_][A-Za-z0-9_]{0,62}$'))",message="a template value is named by letters, digits and _"
	ClusterResources map[string]ClusterResourceValue `json:"clusterResources,omitempty"`
}

// ClusterResourceValue is the value of a variable in a template.
// +kubebuilder:validation:MaxLength=253
type ClusterResourceValue string

// FlyteExecution holds for executions whose request and launch plan don't say otherwise.
type FlyteExecution struct {
	// RawOutputPrefix is where tasks put their data. {project} and {domain} stand for the workspace's own.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9+.-]*://[!-~]+$`
	RawOutputPrefix string `json:"rawOutputPrefix,omitempty"`
	// MaxParallelism is how many nodes of a workflow run at once; Flyte's own default without it.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxParallelism int32 `json:"maxParallelism,omitempty"`
}

// FlyteTaskResources are of one task.
type FlyteTaskResources struct {
	// Defaults are what a task gets that asks for nothing.
	// +optional
	Defaults FlyteResources `json:"defaults,omitzero"`
	// Limits are the most that a task may ask for. Without one, or above what fits, it is the most that fits.
	// +optional
	Limits FlyteResources `json:"limits,omitzero"`
}

// FlyteResources are amounts of one task.
type FlyteResources struct {
	// +optional
	CPU Quantity `json:"cpu,omitempty"`
	// +optional
	Memory Quantity `json:"memory,omitempty"`
	// +optional
	GPU Count `json:"gpu,omitempty"`
	// +optional
	EphemeralStorage Quantity `json:"ephemeralStorage,omitempty"`
}
