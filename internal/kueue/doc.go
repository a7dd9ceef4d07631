// Package kueue has the part of Kueue's API kueue.x-k8s.io/v1beta2 that the service writes and reads. The fields, their names and their
// defaults are those of Kueue v0.17; docs/decisions/20261129-kueue.md says why Kueue's own module is not imported.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=false
package kueue
