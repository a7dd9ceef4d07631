package v1alpha1

// The labels and annotations by which the service knows its own. Nothing without LabelWorkspace is ever touched.
const (
	// LabelWorkspace holds the workspace id. It is on every object and every Flyte project of a workspace.
	LabelWorkspace = "platform.company.com/workspace"
	// LabelDomain holds the Flyte domain of a namespace, where namespaces are made per domain.
	LabelDomain = "platform.company.com/domain"
	// LabelManagedBy is Kubernetes' recommended label for the tool that manages an object.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy on everything that the service makes.
	ManagedBy = "workspace-flyte-integration"
	// AnnotationAdoptProject, with the value "true", hands a Flyte project of the workspace's id that is not ours over to the
	// workspace: its name, description and labels are then overwritten.
	AnnotationAdoptProject = "platform.company.com/adopt-flyte-project"
	// AnnotationDeliveries holds the newest webhook deliveries of a Workspace: their ids and body hashes, as JSON.
	AnnotationDeliveries = "platform.company.com/deliveries"
	// AnnotationAccepted holds what the newest accepted events of a Workspace said: the version and hash of the content, and
	// the version and name of the state, as JSON. An event that says something else at the same version is refused.
	AnnotationAccepted = "platform.company.com/accepted"
	// AnnotationExtras holds the keys of the labels and annotations that the tier has put on an object, as JSON.
	AnnotationExtras = "platform.company.com/tier-keys"
)
