// Package v1alpha1 is the API of workspace-flyte-integration: the Workspace, the only store of accepted events, and the
// WorkspaceTier, the platform team's policy. Within a version, fields are only added. A field is optional if its JSON tag has
// omitempty or omitzero, and required otherwise.
//
// +kubebuilder:object:generate=true
// +groupName=platform.company.com
package v1alpha1
