package workspace

import (
	"cmp"
	"errors"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Validator holds the rules for what a workspace may be. They are the same for every door: the edge applies them to
// requests, and the controller to what reached the API server by another way.
type Validator struct {
	naming   *Naming
	validate *validator.Validate
	// unreserved takes every DNS label as an id.
	unreserved *Validator
}

// Rules in the validator's language, keyed by field; rules.go defines the words.
var (
	dataRules = map[string]string{
		"WorkspaceID": "workspace_id",
		"Version":     "version",
		"Name":        "max=64,text",  // Flyte: flyteadmin/pkg/manager/impl/validation/project_validator.go
		"Description": "max=300,text", // the same
		"Owner":       "max=253,text",
		"Tier":        "omitempty,dns_label",
		"Members":     "max=1000,dive",
		"Labels":      "max=14,dive,keys,label_key,endkeys,label_value", // Flyte takes 16; two are ours
	}
	quotaRules = map[string]string{
		"CPU": "omitempty,quantity", "Memory": "omitempty,quantity", "Storage": "omitempty,quantity",
		"GPU": "omitempty,count", "Pods": "omitempty,count",
	}
	memberRules = map[string]string{
		"Kind": "oneof=User Group ServiceAccount",
		"Name": "required,max=253,text,subject",
		"Role": "oneof=admin editor viewer",
	}
)

// NewValidator makes a Validator for workspaces named by naming.
func NewValidator(naming *Naming) *Validator {
	v := validatorOf(naming)
	v.unreserved = validatorOf(&Naming{shapes: []shape{{}}})
	return v
}

func validatorOf(naming *Naming) *Validator {
	v := &Validator{naming: naming, validate: validator.New(validator.WithRequiredStructEnabled())}
	v.validate.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	v.validate.RegisterStructValidationMapRules(dataRules, Data{})
	v.validate.RegisterStructValidationMapRules(quotaRules, v1alpha1.Quota{})
	v.validate.RegisterStructValidationMapRules(memberRules, v1alpha1.Member{})
	v.registerRules()
	return v
}

// Event checks an event of a known type, and says everything that is wrong with it at once. Events without content
// are looked at for id and version only, and their id may be one that was reserved since: a workspace of that name must
// still be suspended and deleted.
func (v *Validator) Event(e Event) error {
	if e.Type == EventPing {
		return nil
	}
	data := e.Data
	if !e.Type.HasContent() {
		v = v.unreserved
		data = Data{WorkspaceID: data.WorkspaceID, Version: data.Version}
	}
	fields := v.fields(data, "data")
	if data.Version == 0 {
		fields = append(fields, FieldError{Field: "data.version", Message: "is required: every event needs a version of 1 or more"})
	}
	if e.Type.HasContent() && data.Name == "" {
		fields = append(fields, FieldError{Field: "data.name", Message: messageRequired})
	}
	return invalid(fields)
}

// DecodeEvent decodes and checks a webhook's body. A KindInvalid error lists everything that is wrong with it: members of
// the wrong type and broken rules.
func (v *Validator) DecodeEvent(body []byte) (Event, error) {
	e, err := DecodeEvent(body)
	if err != nil && KindOf(err) != KindInvalid || !e.Type.Known() {
		return e, err
	}
	return e, allFaults(err, v.Event(e))
}

// DecodeData decodes and checks the body of /provision, as [Validator.DecodeEvent] does.
func (v *Validator) DecodeData(body []byte) (Data, error) {
	d, err := DecodeData(body)
	if err != nil && KindOf(err) != KindInvalid {
		return d, err
	}
	return d, allFaults(err, v.Data(d))
}

// Data checks the body of /provision, which needs no version.
func (v *Validator) Data(d Data) error {
	fields := v.fields(d, "")
	if d.Name == "" {
		fields = append(fields, FieldError{Field: "name", Message: messageRequired})
	}
	return invalid(fields)
}

// Workspace checks a stored Workspace, whose API server may have had an older CRD than the rules of today.
func (v *Validator) Workspace(w *v1alpha1.Workspace) error {
	fields := v.fields(dataOf(w), "spec")
	for i := range fields {
		fields[i].Field = cmp.Or(otherPaths[fields[i].Field], fields[i].Field)
	}
	return invalid(fields)
}

// otherPaths are the fields that a Workspace calls otherwise than the payload.
var otherPaths = map[string]string{"spec.workspace_id": "metadata.name", "spec.name": "spec.displayName"}

func (v *Validator) fields(d Data, at string) []FieldError {
	problems, ok := errors.AsType[validator.ValidationErrors](v.validate.Struct(d))
	if !ok {
		return nil
	}
	fields := make([]FieldError, len(problems))
	for i, p := range problems {
		_, field, _ := strings.Cut(p.Namespace(), ".")
		if at != "" {
			field = at + "." + field
		}
		fields[i] = FieldError{Field: quoted(field), Message: v.message(p)}
	}
	return fields
}

// dataOf is the content of a stored Workspace in the form of the payload.
func dataOf(w *v1alpha1.Workspace) Data {
	s := w.Spec
	data := Data{
		WorkspaceID: w.Name, Version: s.Version, Name: string(s.DisplayName), Description: string(s.Description),
		Owner: string(s.Owner), Tier: s.Tier, Quota: s.Quota, Members: s.Members,
	}
	if len(s.Labels) > 0 {
		data.Labels = make(map[string]string, len(s.Labels))
	}
	for k, value := range s.Labels {
		data.Labels[k] = string(value)
	}
	return data
}
