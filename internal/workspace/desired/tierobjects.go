package desired

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// maxTemplate bounds a template, in bytes: the object also has an annotation that names its fields.
const maxTemplate = 32 << 10

// ObjectProblem is why a template of a tier gives no object.
type ObjectProblem struct {
	// Field is the field of the tier.
	Field string
	// Reason is TierInvalid, or LabelNotFound.
	Reason  string
	Message string
	// Object has the kind and name of the object that the template would make, or is nil if the template gives no name.
	Object *unstructured.Unstructured
}

func (p *ObjectProblem) String() string { return p.Field + " " + p.Message }

// CheckTierObjects returns what is wrong with the templates of a tier for every workspace.
func CheckTierObjects(tier *v1alpha1.WorkspaceTier, allowed workspace.ObjectKinds, domains []string) []*ObjectProblem {
	sample := &Plan{Tier: tier, Workspace: workspace.New("sample"), Namespace: workspace.Namespace{Name: "sample-namespace"}}
	if len(domains) > 0 {
		sample.Namespace.Domain = domains[0]
	}
	values := sample.placeholders()
	values.label = func(string) (string, bool) { return "sample", true }
	_, problems := sample.tierObjects(allowed, values)
	return problems
}

// TierObjects are the objects of the tier's templates in the plan's namespace, and why others are left out.
func (p *Plan) TierObjects(allowed workspace.ObjectKinds) ([]*unstructured.Unstructured, []*ObjectProblem) {
	if p.Tier == nil {
		return nil, nil
	}
	return p.tierObjects(allowed, p.placeholders())
}

func (p *Plan) tierObjects(
	allowed workspace.ObjectKinds, values *placeholders,
) (objects []*unstructured.Unstructured, problems []*ObjectProblem) {
	names := map[string]string{} // field by kind and name
	for i := range p.Tier.Spec.Objects {
		field := fmt.Sprintf("spec.objects[%d]", i)
		values.problem = nil
		object := p.tierObject(field, &p.Tier.Spec.Objects[i], allowed, values)
		if object != nil {
			key := object.GroupVersionKind().GroupKind().String() + "/" + object.GetName()
			if other, taken := names[key]; taken {
				values.fail(field+".metadata.name", v1alpha1.ReasonTierInvalid, "gives the name %s, which %s gives too: rename one",
					object.GetName(), other)
			}
			names[key] = field
		}
		if values.problem != nil {
			values.problem.Object = p.identity(&p.Tier.Spec.Objects[i], values)
			problems = append(problems, values.problem)
			continue
		}
		objects = append(objects, object)
	}
	return objects, problems
}

// identity has the kind and name of a template's object, or is nil if the template gives no name.
func (p *Plan) identity(template *v1alpha1.TierObject, values *placeholders) *unstructured.Unstructured {
	ofName := &placeholders{values: values.values, label: values.label}
	name := ofName.text("", template.Metadata.Name)
	if ofName.problem != nil || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return nil
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.FromAPIVersionAndKind(template.APIVersion, template.Kind))
	object.SetNamespace(p.Namespace.Name)
	object.SetName(name)
	return object
}

// tierObject is the object of one template, or nil if the template is no object. values has the problem that makes it unusable.
func (p *Plan) tierObject(
	field string, template *v1alpha1.TierObject, allowed workspace.ObjectKinds, values *placeholders,
) *unstructured.Unstructured {
	const invalid = v1alpha1.ReasonTierInvalid
	content := map[string]any{}
	if len(template.Raw) > maxTemplate {
		values.fail(field, invalid, "has %d bytes: shorten it to at most %d", len(template.Raw), maxTemplate)
		return nil
	}
	if err := json.Unmarshal(template.Raw, &content); err != nil {
		values.fail(field, invalid, "is no object: %v", err)
		return nil
	}
	if _, has := content["status"]; has {
		values.fail(field+".status", invalid, "can't be set by a template: remove it")
	}
	kind := schema.FromAPIVersionAndKind(template.APIVersion, template.Kind)
	if !slices.Contains(allowed, kind) {
		values.fail(field, invalid, "is a %s: add its kind to the chart's value tierObjects, or remove it", workspace.ObjectKindName(kind))
	}
	for _, key := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(content, key)
		for other := range content {
			if strings.EqualFold(other, key) {
				values.fail(field+"."+other, invalid, "is no field: write %s", key)
			}
		}
	}
	object := &unstructured.Unstructured{Object: values.render(field, content).(map[string]any)}
	fields := statedFields(object.Object)
	object.SetGroupVersionKind(kind)
	p.setMetadata(object, field+".metadata", &template.Metadata, values)
	record := v1alpha1.TierObjectRecord{Of: v1alpha1.TierObjectID(object), Fields: fields}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.AnnotationTierObject] = record.String()
	object.SetAnnotations(annotations)
	return object
}

func (p *Plan) setMetadata(o *unstructured.Unstructured, field string, m *v1alpha1.TierObjectMetadata, values *placeholders) {
	const invalid = v1alpha1.ReasonTierInvalid
	o.SetName(values.text(field+".name", m.Name))
	o.SetNamespace(p.Namespace.Name)
	if wrong := validation.IsDNS1123Subdomain(o.GetName()); len(wrong) > 0 {
		values.fail(field+".name", invalid, "gives the name %q: %s", o.GetName(), wrong[0])
	}
	if o.GetKind() == "ConfigMap" && (strings.HasPrefix(o.GetName(), "workspace-") || strings.HasPrefix(o.GetName(), "kube-")) {
		values.fail(field+".name", invalid, "gives the name %s: choose one that does not start with workspace- or kube-", o.GetName())
	}
	tier := tierMetadata{labels: map[string]string{}, annotations: map[string]string{}}
	for key, template := range m.Labels {
		value := values.text(field+".labels."+key, string(template))
		if !workspace.IsLabelValue(value) {
			values.fail(field+".labels."+key, invalid, "gives %q, which is not a label value: use letters, digits, -, _ and ., at most 63", value)
		}
		tier.labels[key] = value
	}
	for key, template := range m.Annotations {
		tier.annotations[key] = values.text(field+".annotations."+key, string(template))
	}
	for _, keys := range []map[string]string{tier.labels, tier.annotations} {
		for key := range keys {
			if workspace.IsReservedKey(key) {
				values.fail(field, invalid, "has the reserved key %s: remove it", key)
			}
		}
	}
	o.SetLabels(p.labels())
	tier.addTo(o)
}

// statedFields are the fields of a map, as [v1alpha1.TierObjectRecord] has them.
func statedFields(content map[string]any) map[string]any {
	fields := map[string]any{}
	for key, value := range content {
		fields[key] = stated(value)
	}
	return fields
}

func stated(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return statedFields(value)
	case []any:
		if !slices.ContainsFunc(value, func(item any) bool { _, isMap := item.(map[string]any); return isMap }) {
			return true
		}
		items := make([]any, len(value))
		for i := range value {
			items[i] = stated(value[i])
		}
		return items
	}
	return true
}
