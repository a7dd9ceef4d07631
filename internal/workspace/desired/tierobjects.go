package desired

import (
	"fmt"
	"maps"
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
				values.invalid(field+".metadata.name", "gives the name %s, which %s gives too: rename one", object.GetName(), other)
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
	content, ok := templateContent(field, template.Raw, values)
	if !ok {
		return nil
	}
	kind := schema.FromAPIVersionAndKind(template.APIVersion, template.Kind)
	if !slices.Contains(allowed, kind) {
		values.invalid(field, "is a %s: add its kind to the chart's value tierObjects, or remove it", workspace.ObjectKindName(kind))
	}
	removeIdentity(field, content, values)
	object := &unstructured.Unstructured{Object: values.render(field, content).(map[string]any)}
	fields := statedFields(object.Object)
	object.SetGroupVersionKind(kind)
	p.setMetadata(object, field+".metadata", &template.Metadata, values)
	setRecord(object, fields)
	return object
}

// templateContent decodes a template. It is not ok if the template is no object.
func templateContent(field string, raw []byte, values *placeholders) (content map[string]any, ok bool) {
	if len(raw) > maxTemplate {
		values.invalid(field, "has %d bytes: shorten it to at most %d", len(raw), maxTemplate)
		return nil, false
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		values.invalid(field, "is no object: %v", err)
		return nil, false
	}
	if _, has := content["status"]; has {
		values.invalid(field+".status", "can't be set by a template: remove it")
	}
	return content, true
}

// removeIdentity removes kind, metadata and status, and refuses a field that differs from these in case alone.
func removeIdentity(field string, content map[string]any, values *placeholders) {
	for _, key := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(content, key)
		for other := range content {
			if strings.EqualFold(other, key) {
				values.invalid(field+"."+other, "is no field: write %s", key)
			}
		}
	}
}

func (p *Plan) setMetadata(o *unstructured.Unstructured, field string, m *v1alpha1.TierObjectMetadata, values *placeholders) {
	o.SetName(values.text(field+".name", m.Name))
	o.SetNamespace(p.Namespace.Name)
	checkObjectName(o, field+".name", values)
	o.SetLabels(p.labels())
	renderMetadata(field, m, values).addTo(o)
}

func checkObjectName(o *unstructured.Unstructured, field string, values *placeholders) {
	if wrong := validation.IsDNS1123Subdomain(o.GetName()); len(wrong) > 0 {
		values.invalid(field, "gives the name %q: %s", o.GetName(), wrong[0])
	}
	if o.GetKind() == "ConfigMap" && (strings.HasPrefix(o.GetName(), "workspace-") || strings.HasPrefix(o.GetName(), "kube-")) {
		values.invalid(field, "gives the name %s: choose one that does not start with workspace- or kube-", o.GetName())
	}
}

// renderMetadata has the labels and annotations of a template, with the placeholders filled in.
func renderMetadata(field string, m *v1alpha1.TierObjectMetadata, values *placeholders) tierMetadata {
	tier := tierMetadata{labels: map[string]string{}, annotations: map[string]string{}}
	for key, template := range m.Labels {
		value := values.text(field+".labels."+key, string(template))
		if !workspace.IsLabelValue(value) {
			values.invalid(field+".labels."+key, "gives %q, which is not a label value: use letters, digits, -, _ and ., at most 63", value)
		}
		tier.labels[key] = value
	}
	for key, template := range m.Annotations {
		tier.annotations[key] = values.text(field+".annotations."+key, string(template))
	}
	for _, keys := range []map[string]string{tier.labels, tier.annotations} {
		for key := range keys {
			if workspace.IsReservedKey(key) {
				values.invalid(field, "has the reserved key %s: remove it", key)
			}
		}
	}
	return tier
}

// setRecord writes into the annotations which fields the template states.
func setRecord(o *unstructured.Unstructured, fields map[string]any) {
	record := v1alpha1.TierObjectRecord{Of: v1alpha1.TierObjectID(o), Fields: fields}
	annotations := map[string]string{}
	maps.Copy(annotations, o.GetAnnotations())
	annotations[v1alpha1.AnnotationTierObject] = record.String()
	o.SetAnnotations(annotations)
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
