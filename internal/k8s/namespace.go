package k8s

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// podSecurityPrefix is the prefix of the labels that Pod Security Admission reads. They are owned whole: one that
// somebody adds by hand is drift.
const podSecurityPrefix = "pod-security.kubernetes.io/"

// NamespaceObject is the Namespace, with the tier's Pod Security Standard and extras.
func (p *Plan) NamespaceObject() *corev1.Namespace {
	namespace := p.namespace(p.Tier.Spec.PodSecurity)
	p.namespaceExtras().addTo(namespace)
	return namespace
}

// namespace is the Namespace without extras.
func (p *Plan) namespace(security v1alpha1.PodSecurity) *corev1.Namespace {
	labels := p.labels()
	labels[podSecurityPrefix+"enforce"] = string(cmp.Or(security.Enforce, v1alpha1.PodSecurityBaseline))
	labels[podSecurityPrefix+"warn"] = string(cmp.Or(security.Warn, v1alpha1.PodSecurityRestricted))
	labels[podSecurityPrefix+"audit"] = string(cmp.Or(security.Audit, v1alpha1.PodSecurityRestricted))
	if p.Namespace.Domain != "" {
		labels[v1alpha1.LabelDomain] = p.Namespace.Domain
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.Namespace.Name, Labels: labels}}
}
