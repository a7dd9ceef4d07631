package v1alpha1

import (
	"encoding/json"

	kjson "k8s.io/apimachinery/pkg/util/json"
)

// TierObject is the template of an object that each namespace of a workspace has: the object as YAML, without status. Its kind must be
// in the chart's value tierObjects.
//
// In string values, {workspace}, {project}, {domain}, {namespace}, {tier} and {labels.KEY} are replaced by the workspace's id, its Flyte
// project, the Flyte domain, the namespace's name, the tier's name and the workspace's label KEY. {{…}} and ${…} stay as they are.
//
// +kubebuilder:pruning:PreserveUnknownFields
// +kubebuilder:validation:XValidation:rule="self.apiVersion == 'v1' ? self.kind == 'ConfigMap' : self.apiVersion.matches('^[^/]+[.][^/]+/') && !self.apiVersion.matches('^([^/]*[.])?(k8s[.]io|platform[.]company[.]com)/')",message="of Kubernetes' own kinds only a ConfigMap can be a tier's object, and no kind of this service"
// +kubebuilder:validation:XValidation:rule="self.kind != 'ConfigMap' || !self.metadata.name.startsWith('workspace-') && !self.metadata.name.startsWith('kube-')",message="the names of ConfigMaps that start with workspace- or kube- are reserved"
type TierObject struct {
	// APIVersion is that of the object, such as external-secrets.io/v1.
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?$`
	APIVersion string `json:"apiVersion"`
	// Kind is that of the object.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z0-9]*$`
	Kind string `json:"kind"`
	// Metadata of the object.
	// +structType=atomic
	Metadata TierObjectMetadata `json:"metadata"`
	// Raw is the whole template as JSON.
	Raw []byte `json:"-"`
}

// TierObjectMetadata is the metadata that a template can set.
type TierObjectMetadata struct {
	// Name of the object. Two templates of one kind need different names.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]|[{](workspace|project|domain|namespace|tier)[}])(([-a-z0-9.]|[{](workspace|project|domain|namespace|tier)[}])*([a-z0-9]|[{](workspace|project|domain|namespace|tier)[}]))?$`
	Name string `json:"name"`
	// Namespace may say what holds anyway: the object is in the workspace's namespace.
	// +kubebuilder:validation:Enum="{namespace}"
	Namespace string `json:"namespace,omitempty"`
	// Labels of the object.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com|argoproj[.]io|fluxcd[.]io)/'))",message="label keys under kubernetes.io, k8s.io, platform.company.com, argoproj.io and fluxcd.io are reserved"
	Labels map[string]TierObjectText `json:"labels,omitempty"`
	// Annotations of the object.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="annotation keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com|argoproj[.]io|fluxcd[.]io)/'))",message="annotation keys under kubernetes.io, k8s.io, platform.company.com, argoproj.io and fluxcd.io are reserved"
	Annotations map[string]TierObjectText `json:"annotations,omitempty"`
}

// TierObjectText is the value of a label or annotation of a template.
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f-\x9f\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]*$`
type TierObjectText string

// tierObjectFields has the fields of a TierObject without its methods.
type tierObjectFields TierObject

// UnmarshalJSON keeps all fields of the template in Raw. As the API server does, it tells Metadata from metadata.
func (o *TierObject) UnmarshalJSON(text []byte) error {
	var fields tierObjectFields
	if err := kjson.Unmarshal(text, &fields); err != nil {
		return err
	}
	*o = TierObject(fields)
	o.Raw = append([]byte(nil), text...)
	return nil
}

// MarshalJSON writes the template as it was read.
func (o *TierObject) MarshalJSON() ([]byte, error) {
	if o.Raw != nil {
		return o.Raw, nil
	}
	return json.Marshal((*tierObjectFields)(o))
}
