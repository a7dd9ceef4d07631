package v1alpha1

// The labels and annotations by which the service recognises its own objects. Namespaces without LabelWorkspace are
// never touched.
const (
	// LabelWorkspace holds the workspace id. It is on every object and every Flyte project of a workspace.
	LabelWorkspace = "platform.company.com/workspace"
	// LabelDomain holds the Flyte domain of a namespace, if each domain has its own.
	LabelDomain = "platform.company.com/domain"
	// LabelQueue holds the name of the LocalQueue of a namespace. While it is there, the chart's policies for tenants refuse
	// pods that bypass the queue. Kueue's configuration can select the namespaces by it.
	LabelQueue = "platform.company.com/queue"
	// LabelManagedBy is Kubernetes' recommended label for the tool that manages an object.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy on everything that the service creates.
	ManagedBy = "workspace-flyte-integration"
	// AnnotationAdoptProject, with the value "true", lets the workspace adopt a Flyte project of its id that has no
	// label. Its name, description and labels are then overwritten.
	AnnotationAdoptProject = "platform.company.com/adopt-flyte-project"
	// AnnotationDeliveries holds the newest webhook deliveries of a Workspace: their ids and body hashes, as JSON.
	AnnotationDeliveries = "platform.company.com/deliveries"
	// AnnotationAccepted holds version and hash of the content, and version and name of the state, of the newest
	// accepted events, as JSON. An event with the same version and another content or state is refused.
	AnnotationAccepted = "platform.company.com/accepted"
	// AnnotationTraceparent holds the trace context of the newest delivery of a Workspace, as the traceparent of W3C Trace Context.
	AnnotationTraceparent = "platform.company.com/traceparent"
	// AnnotationTierKeys holds the [TierKeys] of an object, as JSON.
	AnnotationTierKeys = "platform.company.com/tier-keys"
	// AnnotationDevices lists the extended resources that pods of a namespace may ask for, separated by commas. It is on
	// the namespaces of a tier with denyOtherDevices only.
	AnnotationDevices = "platform.company.com/devices"
	// AnnotationTierObject marks an object that a template of a tier made, and says which fields the template states: see
	// [TierObjectRecord].
	AnnotationTierObject = "platform.company.com/tier-object"
	// PodSecurityPrefix is the prefix of the labels that Pod Security Admission reads. The service owns them whole: one that
	// somebody adds by hand is drift.
	PodSecurityPrefix = "pod-security.kubernetes.io/"
	// PriorityQuotaPrefix, with the name of a priority class, is the ResourceQuota for the pods of that class.
	PriorityQuotaPrefix = "workspace-priority-"
	// PullSecretName is the Secret of a namespace that holds all pull secrets of the tier. There is one, so that the
	// service needs to read Secrets of this name only.
	PullSecretName = "workspace-pull-secret"
)
