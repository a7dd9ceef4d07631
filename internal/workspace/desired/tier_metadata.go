package desired

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// tierMetadata are the labels and annotations that a tier puts on an object beside ours.
type tierMetadata struct{ labels, annotations map[string]string }

// addTo adds them to an object, and records their keys in AnnotationTierKeys. The object must have none of them yet.
func (m tierMetadata) addTo(o metav1.Object) {
	if len(m.labels)+len(m.annotations) == 0 {
		return
	}
	keys := v1alpha1.TierKeys{Labels: slices.Sorted(maps.Keys(m.labels)), Annotations: slices.Sorted(maps.Keys(m.annotations))}
	annotations := map[string]string{v1alpha1.AnnotationTierKeys: keys.String()}
	maps.Copy(annotations, m.annotations)
	o.SetAnnotations(annotations)
	labels := maps.Clone(m.labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, o.GetLabels()) // ours win
	o.SetLabels(labels)
}

// namespaceMetadata is the tier's metadata of the Namespace: its labels, those of the workspace's labels that it selects, and its
// annotations.
func (p *Plan) namespaceMetadata() tierMetadata {
	tier := p.Tier.Spec.Namespace
	labels := map[string]string{}
	for _, key := range tier.WorkspaceLabels {
		if value, has := p.Workspace.Spec.Labels[key]; has && workspace.IsLabelValue(string(value)) {
			labels[key] = string(value)
		}
	}
	maps.Copy(labels, plain(tier.Labels))
	maps.DeleteFunc(labels, func(key, _ string) bool { return workspace.IsReservedKey(key) })
	return tierMetadata{labels: labels, annotations: p.renderAnnotations(tier.Annotations)}
}

// renderAnnotations fills in the placeholders. An annotation whose placeholder has no value here is left out.
func (p *Plan) renderAnnotations(templates v1alpha1.Annotations) map[string]string {
	values := strings.NewReplacer(
		"{workspace}", p.Workspace.Name, "{domain}", p.Namespace.Domain, "{namespace}", p.Namespace.Name,
	)
	rendered := map[string]string{}
	for key, template := range templates {
		if !p.lacksValue(template) && !workspace.IsReservedKey(key) {
			rendered[key] = values.Replace(string(template))
		}
	}
	return rendered
}

// lacksValue reports whether the template has a placeholder for the domain, and all domains share one namespace.
func (p *Plan) lacksValue(template v1alpha1.AnnotationTemplate) bool {
	return p.Namespace.Domain == "" && strings.Contains(string(template), "{domain}")
}

// UnrenderedAnnotations are the keys of the tier's annotations that are left out, since a placeholder has no value here; sorted.
func (p *Plan) UnrenderedAnnotations() (keys []string) {
	for _, annotations := range []v1alpha1.Annotations{p.Tier.Spec.Namespace.Annotations, p.Tier.Spec.ServiceAccount.Annotations} {
		for key, template := range annotations {
			if p.lacksValue(template) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// plain converts labels to the type of Kubernetes.
func plain(labels map[string]v1alpha1.LabelValue) map[string]string {
	all := make(map[string]string, len(labels))
	for key, value := range labels {
		all[key] = string(value)
	}
	return all
}
