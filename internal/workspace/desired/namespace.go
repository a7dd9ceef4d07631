package desired

import (
	"cmp"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// NamespaceObject is the Namespace, with the tier's Pod Security Standard, labels and annotations.
func (p *Plan) NamespaceObject() *corev1.Namespace {
	namespace := p.namespace(p.Tier.Spec.PodSecurity)
	p.namespaceMetadata().addTo(namespace)
	if p.Tier.Spec.DenyOtherDevices {
		setDevices(namespace, strings.Join(workspace.Devices(p.Tier, p.Namespace.Domain), ","))
	}
	return namespace
}

// setDevices allows pods of the namespace these extended resources alone.
func setDevices(namespace *corev1.Namespace, devices string) {
	annotations := map[string]string{v1alpha1.AnnotationDevices: devices}
	maps.Copy(annotations, namespace.Annotations)
	namespace.Annotations = annotations
}

// namespace is the Namespace without the tier's labels and annotations.
func (p *Plan) namespace(security v1alpha1.PodSecurity) *corev1.Namespace {
	labels := p.labels()
	labels[v1alpha1.PodSecurityPrefix+"enforce"] = string(cmp.Or(security.Enforce, v1alpha1.PodSecurityBaseline))
	labels[v1alpha1.PodSecurityPrefix+"warn"] = string(cmp.Or(security.Warn, v1alpha1.PodSecurityRestricted))
	labels[v1alpha1.PodSecurityPrefix+"audit"] = string(cmp.Or(security.Audit, v1alpha1.PodSecurityRestricted))
	if p.QueueLabel {
		labels[v1alpha1.LabelQueue] = kueue.DefaultQueue
	}
	if p.Namespace.Domain != "" {
		labels[v1alpha1.LabelDomain] = p.Namespace.Domain
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.Namespace.Name, Labels: labels}}
}
