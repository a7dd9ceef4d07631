package k8s

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tierObjectKind is the kind of an object that a tier's template makes. The service owns the fields that the template states, as the
// object's [v1alpha1.TierObjectRecord] names them: the API server, an operator or a member may add others.
func tierObjectKind(of schema.GroupVersionKind) kind {
	k := kind{
		newList: func() client.ObjectList {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(of.GroupVersion().WithKind(of.Kind + "List"))
			return list
		},
		fields: func(o client.Object) []field {
			content := statedContent(o.(*unstructured.Unstructured))
			return []field{{"", &content}} // other clients own fields beside them: see overwriteOwned
		},
	}
	if of == configMapKind {
		k.immutable = func(live, _ client.Object) bool { return live.(*unstructured.Unstructured).Object["immutable"] == true }
	}
	return k
}

var configMapKind = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// madeByTemplate reports whether a template of a tier made an object. Its labels prove nothing.
func madeByTemplate(o client.Object) bool {
	if cachedHash(o) != "" {
		_, made := o.GetAnnotations()[v1alpha1.AnnotationTierObject]
		return made
	}
	_, made := v1alpha1.TierObjectRecordOf(o)
	return made
}

// statedContent are the fields of an object that its template states.
func statedContent(o *unstructured.Unstructured) map[string]any {
	record, _ := v1alpha1.TierObjectRecordOf(o)
	content, _ := statedPart(o.Object, record.Fields).(map[string]any)
	return content
}

// statedPart is the part of a value that a template states. A list of another length is another value. An empty map is as none: of some,
// the API server stores nothing.
func statedPart(value, fields any) any {
	switch fields := fields.(type) {
	case map[string]any:
		if all, ok := value.(map[string]any); ok {
			return statedPartOfMap(all, fields)
		}
	case []any:
		if items, ok := value.([]any); ok && len(items) == len(fields) {
			return statedPartOfList(items, fields)
		}
	}
	return value
}

func statedPartOfMap(all, fields map[string]any) map[string]any {
	part := map[string]any{}
	for key := range fields {
		if below, has := all[key]; has {
			part[key] = statedPart(below, fields[key])
		}
		if below, isMap := part[key].(map[string]any); isMap && len(below) == 0 {
			delete(part, key)
		}
	}
	return part
}

func statedPartOfList(items, fields []any) []any {
	part := make([]any, len(items))
	for i := range items {
		part[i] = statedPart(items[i], fields[i])
	}
	return part
}

// overwriteContent makes the fields that the template states those of want, and removes those that it has dropped.
func overwriteContent(live, want *unstructured.Unstructured) {
	before, _ := v1alpha1.TierObjectRecordOf(live)
	now, _ := v1alpha1.TierObjectRecordOf(want)
	removeDropped(live.Object, before.Fields, now.Fields)
	for key := range now.Fields {
		live.Object[key] = overwritten(live.Object[key], want.Object[key], before.Fields[key], now.Fields[key])
	}
}

// removeDropped removes what the template stated before and no longer does, with maps that are empty then. It leaves lists to overwritten.
func removeDropped(live, before, now map[string]any) {
	for key := range before {
		below, isMap := live[key].(map[string]any)
		fieldsBefore, wasMap := before[key].(map[string]any)
		fieldsNow, isStated := now[key]
		if isMap && wasMap {
			nowMap, _ := fieldsNow.(map[string]any)
			removeDropped(below, fieldsBefore, nowMap)
			isStated = isStated || len(below) > 0
		}
		if !isStated {
			delete(live, key)
		}
	}
}

// overwritten is live with all that want states. A list is want's, without what others added to it, as soon as a field that the template
// states differs, or the template states other fields than before: its items have no identity.
func overwritten(live, want, before, now any) any {
	switch want := want.(type) {
	case map[string]any:
		all, ok := live.(map[string]any)
		if !ok {
			return want
		}
		fieldsBefore, _ := before.(map[string]any)
		fieldsNow, _ := now.(map[string]any)
		for key := range want {
			all[key] = overwritten(all[key], want[key], fieldsBefore[key], fieldsNow[key])
		}
		return all
	case []any:
		if reflect.DeepEqual(before, now) && reflect.DeepEqual(statedPart(live, now), statedPart(want, now)) {
			return live
		}
	}
	return want
}
