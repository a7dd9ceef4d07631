package desired

import (
	"fmt"
	"regexp"
	"strings"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// placeholder matches {name}. What has a $ before it or more than one brace belongs to another program's templates.
var placeholder = regexp.MustCompile(`\$?\{+[A-Za-z][-A-Za-z0-9_./]*\}+`)

const labelPlaceholder = "labels."

// placeholders replace the placeholders in the strings of a template.
type placeholders struct {
	values map[string]string
	// label is the value of a label of the workspace.
	label func(key string) (value string, found bool)
	// problem is the first that was found.
	problem *ObjectProblem
}

func (p *Plan) placeholders() *placeholders {
	return &placeholders{
		values: map[string]string{
			"workspace": p.Workspace.Name, "project": p.Workspace.Name, "domain": p.Namespace.Domain,
			"namespace": p.Namespace.Name, "tier": p.Tier.Name,
		},
		label: func(key string) (string, bool) {
			value, found := p.Workspace.Spec.Labels[key]
			return string(value), found
		},
	}
}

func (r *placeholders) fail(field, reason, format string, args ...any) {
	if r.problem == nil {
		r.problem = &ObjectProblem{Field: field, Reason: reason, Message: fmt.Sprintf(format, args...)}
	}
}

// invalid is for what makes the template unusable in every workspace.
func (r *placeholders) invalid(field, format string, args ...any) {
	r.fail(field, v1alpha1.ReasonTierInvalid, format, args...)
}

// render replaces the placeholders in all strings below a value.
func (r *placeholders) render(field string, value any) any {
	switch value := value.(type) {
	case string:
		return r.text(field, value)
	case []any:
		all := make([]any, len(value))
		for i := range value {
			all[i] = r.render(fmt.Sprintf("%s[%d]", field, i), value[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(value))
		for key := range value {
			if isPlaceholder(key) {
				r.invalid(field, "has a placeholder in the key %q: use it in values only", key)
			}
			all[key] = r.render(field+"."+key, value[key])
		}
		return all
	case nil:
		r.invalid(field, "is null: leave the field out")
	}
	return value
}

func isPlaceholder(text string) bool {
	for _, found := range placeholder.FindAllString(text, -1) {
		if !isOfAnother(found) {
			return true
		}
	}
	return false
}

// isOfAnother reports whether a match of placeholder belongs to another program.
func isOfAnother(found string) bool {
	return strings.HasPrefix(found, "$") || strings.HasPrefix(found, "{{") || strings.HasSuffix(found, "}}")
}

func (r *placeholders) text(field, text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if isOfAnother(found) {
			return found
		}
		name := strings.Trim(found, "{}")
		if key, isLabel := strings.CutPrefix(name, labelPlaceholder); isLabel {
			value, has := r.label(key)
			if !has {
				r.fail(field, v1alpha1.ReasonLabelNotFound, "needs the workspace's label %s: set it in the workspace, or remove the placeholder", key)
			}
			return value
		}
		value, known := r.values[name]
		switch {
		case !known:
			r.invalid(field, "has the unknown placeholder %s: remove it; {{…}} and ${…} may stay", found)
		case value == "":
			r.invalid(field, "uses %s, and NAMESPACE_TEMPLATE has no {domain}: remove the placeholder", found)
		}
		return value
	})
}
