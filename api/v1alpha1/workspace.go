package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Workspace is a team's workspace: namespaces with quota, access and isolation, and a Flyte project. Its spec is the
// desired state in two registers, content and state, each with its highest version.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=ws,categories=platform
// +kubebuilder:printcolumn:name="Tier",type=string,JSONPath=`.spec.tier`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Project",type=string,JSONPath=`.status.projectID`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Namespaces",type=string,JSONPath=`.status.namespaces`,priority=1
// +kubebuilder:printcolumn:name="Console",type=string,JSONPath=`.status.consoleURL`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 63",message="metadata.name is the workspace id and must be a DNS label (RFC 1123)"
type Workspace struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +kubebuilder:default={}
	Spec WorkspaceSpec `json:"spec"`
	// +kubebuilder:default={}
	Status WorkspaceStatus `json:"status,omitempty"`
}

// WorkspaceSpec is the desired state. Webhooks and kubectl write it; the controller never does.
type WorkspaceSpec struct {
	// DisplayName is the name in tables and in Flyte's console. While it is empty, nothing is provisioned (reason
	// AwaitingContent).
	// +kubebuilder:validation:MaxLength=64
	DisplayName Text `json:"displayName,omitempty"`

	// Description is shown in Flyte's console. At most 300 characters, Flyte's limit.
	// +kubebuilder:validation:MaxLength=300
	Description Text `json:"description,omitempty"`

	// Owner is the person responsible. It is for information only and grants nothing.
	// +kubebuilder:validation:MaxLength=253
	Owner Text `json:"owner,omitempty"`

	// Tier names the WorkspaceTier that applies.
	// +kubebuilder:default=standard
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Tier string `json:"tier,omitempty"`

	// Quota overrides the tier's default quota, key by key, up to the tier's maximum. Where that has no extra key, the
	// tier's default is the maximum.
	// +kubebuilder:validation:XValidation:rule="!has(self.extra) || self.extra.all(k, self.extra[k].matches('^[0-9]{1,9}(k|Ki|[MGTP]i?)?$'))",message="extra amounts must be whole numbers, such as 100 or 10Gi"
	// +structType=atomic
	Quota Quota `json:"quota,omitzero"`

	// Members are subjects with a role in the workspace's namespaces.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Members []Member `json:"members,omitempty"`

	// Labels go to the ConfigMap workspace-config and to the Flyte project. Namespaces get only those that the tier
	// names.
	// +kubebuilder:validation:MaxProperties=14
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com|argoproj[.]io|fluxcd[.]io)/'))",message="label keys under kubernetes.io, k8s.io, platform.company.com, argoproj.io and fluxcd.io are reserved"
	// +mapType=atomic
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// Version is the version of the content register, from the newest created or updated event. 0 means edited by hand
	// only.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Version int64 `json:"version,omitempty"`

	// State is the desired state. Only Deleted ever removes anything.
	// +kubebuilder:default=Active
	State State `json:"state,omitempty"`

	// StateVersion is the version of the state register, from the newest created, suspended, resumed or deleted event.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	StateVersion int64 `json:"stateVersion,omitempty"`
}

// State is the desired state of a workspace.
// +kubebuilder:validation:Enum=Active;Suspended;Deleted
type State string

// The states of a workspace.
const (
	StateActive    State = "Active"
	StateSuspended State = "Suspended"
	StateDeleted   State = "Deleted"
)

// Text is for people to read. It has no control characters, line separators or bidirectional controls, which can forge
// lines in terminals, logs and pages.
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f-\x9f\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]*$`
type Text string

// LabelValue is a Kubernetes label value.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
type LabelValue string

// Quantity is a Kubernetes quantity that is safe to parse: no exponents, at most nine digits before the point. It is a
// string, so that its pattern is checked before it is parsed.
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[0-9]{1,9}(\.[0-9]{1,3})?(m|k|Ki|[MGTP]i?)?$`
type Quantity string

// Count is a whole number.
// +kubebuilder:validation:MaxLength=9
// +kubebuilder:validation:Pattern=`^[0-9]{1,9}$`
type Count string

// Quota is how much a workspace may use in each of its namespaces, or in all of them if its tier has quotaScope workspace.
// An empty field means the tier's default; without a default there is no limit.
type Quota struct {
	// CPU in cores, of requests and of limits.
	CPU Quantity `json:"cpu,omitempty"`
	// Memory in bytes, of requests and of limits.
	Memory Quantity `json:"memory,omitempty"`
	// GPU counts the tier's GPU resource.
	GPU Count `json:"gpu,omitempty"`
	// Storage in bytes, requested by all PersistentVolumeClaims together.
	Storage Quantity `json:"storage,omitempty"`
	// Pods that have not finished.
	Pods Count `json:"pods,omitempty"`
	// Extra are more keys of the ResourceQuota, such as count/configmaps or requests.ephemeral-storage.
	Extra ExtraAmounts `json:"extra,omitempty"`
}

// Member is a subject with a role.
// +kubebuilder:validation:XValidation:rule="!self.name.startsWith('system:')",message="names that start with system: are reserved by Kubernetes"
// +kubebuilder:validation:XValidation:rule="self.kind != 'ServiceAccount' || self.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="a ServiceAccount is a plain name in the workspace's own namespaces"
type Member struct {
	// +kubebuilder:validation:Enum=User;Group;ServiceAccount
	Kind MemberKind `json:"kind"`
	// Name of the user or group as the cluster's authentication gives it, or of a ServiceAccount in the workspace's own
	// namespaces.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name Text `json:"name"`
	// +kubebuilder:validation:Enum=admin;editor;viewer
	Role Role `json:"role"`
}

// MemberKind is a kind of RBAC subject.
type MemberKind string

// The kinds of a Member.
const (
	MemberUser           MemberKind = "User"
	MemberGroup          MemberKind = "Group"
	MemberServiceAccount MemberKind = "ServiceAccount"
)

// Role is the rights of a member in the workspace's namespaces; docs/members.md lists them.
type Role string

// The roles of a Member.
const (
	RoleAdmin  Role = "admin"
	RoleEditor Role = "editor"
	RoleViewer Role = "viewer"
)

// Roles are all roles, from the most rights to the least.
func Roles() []Role { return []Role{RoleAdmin, RoleEditor, RoleViewer} }

// WorkspaceStatus is the observed state. Only the service writes it.
type WorkspaceStatus struct {
	// ObservedGeneration is the generation of the spec that the conditions describe, or -1 before the first Reconcile: without
	// it, kstatus would take a new Workspace for one that is as desired.
	// +kubebuilder:default=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: one for each step, and Ready, which is derived from them.
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Namespaces of the workspace, in the order of Flyte's domains.
	// +listType=atomic
	Namespaces []string `json:"namespaces,omitempty"`
	// Tier is the last applied WorkspaceTier. Existing resources follow it while spec.tier names a tier that does not
	// exist or does not allow the workspace.
	Tier string `json:"tier,omitempty"`
	// ProjectID is the id of the Flyte project, once it is registered.
	ProjectID string `json:"projectID,omitempty"`
	// ProjectFlyte is the Flyte in which the project was registered. In another Flyte, a project of this id belongs to
	// the workspace only if it has its label.
	ProjectFlyte *FlyteServer `json:"projectFlyte,omitempty"`
	// ConsoleURL is the link to the project in Flyte's console.
	ConsoleURL string `json:"consoleURL,omitempty"`
	// ProjectDigest is the hash of the project as it was sent to Flyte last.
	ProjectDigest string `json:"projectDigest,omitempty"`
	// FlyteAttributes are the kinds of matchable attributes that the service has set on the project.
	// +listType=set
	FlyteAttributes []string `json:"flyteAttributes,omitempty"`
	// Deletion says what will be removed, and when, while the state is Deleted or a removal runs.
	Deletion *WorkspaceDeletion `json:"deletion,omitempty"`
	// LastPurgeAt is when the last removal of this workspace's namespaces started. It stays after a restore: the guard
	// against mass deletion counts it.
	LastPurgeAt *metav1.Time `json:"lastPurgeAt,omitempty"`
	// Reported is the newest report that the workspace service accepted.
	Reported *Reported `json:"reported,omitempty"`
}

// FlyteServer identifies a Flyte by how the service reaches it.
type FlyteServer struct {
	// Endpoint is FLYTE_ADMIN_ENDPOINT.
	Endpoint string `json:"endpoint"`
	// APIVersion is FLYTE_API_VERSION.
	APIVersion string `json:"apiVersion"`
}

// WorkspaceList is a list of Workspaces.
//
// +kubebuilder:object:root=true
type WorkspaceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Workspace `json:"items"`
}
