// Package v1alpha1 is the API of workspace-flyte-integration: the Workspace, the only store of accepted events, and the
// WorkspaceTier, the platform team's policy. Within a version, fields are only added.
//
// +kubebuilder:object:generate=true
// +groupName=platform.company.com
package v1alpha1
