package k8s

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// extras are the labels and annotations that a tier puts on an object beside ours.
type extras struct{ labels, annotations map[string]string }

// extraKeys is what AnnotationExtras holds: the keys of an object's extras. By it they are told from those of others,
// and are taken away when the tier drops them.
type extraKeys struct {
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

// addTo puts the extras on an object that has none yet, and notes their keys on it.
func (e extras) addTo(o metav1.Object) {
	if len(e.labels)+len(e.annotations) == 0 {
		return
	}
	keys, err := json.Marshal(extraKeys{slices.Sorted(maps.Keys(e.labels)), slices.Sorted(maps.Keys(e.annotations))})
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	annotations := map[string]string{v1alpha1.AnnotationExtras: string(keys)}
	maps.Copy(annotations, e.annotations)
	o.SetAnnotations(annotations)
	labels := maps.Clone(e.labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, o.GetLabels()) // ours win
	o.SetLabels(labels)
}

// extraKeysOf are the keys noted on an object; none where the note can't be read.
func extraKeysOf(o metav1.Object) (keys extraKeys) {
	note, noted := o.GetAnnotations()[v1alpha1.AnnotationExtras]
	if !noted {
		return extraKeys{}
	}
	if err := json.Unmarshal([]byte(note), &keys); err != nil {
		return extraKeys{}
	}
	return keys
}

// namespaceExtras are what the tier puts on the Namespace: its labels, those of the workspace's labels that it names,
// and its annotations.
func (p *Plan) namespaceExtras() extras {
	tier := p.Tier.Spec.Namespace
	labels := map[string]string{}
	for _, key := range tier.WorkspaceLabels {
		if value, has := p.Workspace.Spec.Labels[key]; has && workspace.IsLabelValue(string(value)) {
			labels[key] = string(value)
		}
	}
	maps.Copy(labels, plain(tier.Labels))
	maps.DeleteFunc(labels, func(key, _ string) bool { return workspace.IsReservedKey(key) })
	return extras{labels: labels, annotations: p.fill(tier.Annotations)}
}

// fill fills in the placeholders. An annotation whose placeholder has no value here is left out.
func (p *Plan) fill(templates v1alpha1.Annotations) map[string]string {
	values := strings.NewReplacer(
		"{workspace}", p.Workspace.Name, "{domain}", p.Namespace.Domain, "{namespace}", p.Namespace.Name,
	)
	filled := map[string]string{}
	for key, template := range templates {
		if !p.lacksValue(template) && !workspace.IsReservedKey(key) {
			filled[key] = values.Replace(string(template))
		}
	}
	return filled
}

// lacksValue tells whether the template wants a domain where all domains share one namespace.
func (p *Plan) lacksValue(template v1alpha1.AnnotationTemplate) bool {
	return p.Namespace.Domain == "" && strings.Contains(string(template), "{domain}")
}

// Unfilled are the keys of the tier's annotations that are left out, since a placeholder has no value here; sorted.
func (p *Plan) Unfilled() (keys []string) {
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

// plain are labels as Kubernetes' types have them.
func plain(labels map[string]v1alpha1.LabelValue) map[string]string {
	all := make(map[string]string, len(labels))
	for key, value := range labels {
		all[key] = string(value)
	}
	return all
}
