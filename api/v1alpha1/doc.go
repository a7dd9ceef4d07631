// Package v1alpha1 is the API of workspace-flyte-integration: the Workspace, which is the only store of what
// was asked for, and the WorkspaceTier, the platform team's policy. Fields are only ever added within a version.
//
// +kubebuilder:object:generate=true
// +groupName=platform.company.com
package v1alpha1
