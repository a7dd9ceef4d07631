package workspace

import (
	"cmp"
	"errors"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Validator checks workspaces by the same rules at every entry point: the edge applies them to requests, and the controller to
// Workspaces that reached the API server in another way.
type Validator struct {
	naming   *Naming
	validate *validator.Validate
	// unreserved accepts every DNS label as an id.
	unreserved *Validator
}

// Rules by field, in the language of the validator; rules.go defines its own tags.
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
		"Extra": "max=48,room,dive,keys,quota_key,no_field,countable,endkeys,whole",
	}
	memberRules = map[string]string{
		"Kind": "oneof=User Group ServiceAccount",
		"Name": "required,max=253,text,subject",
		"Role": "oneof=admin editor viewer",
	}
)

// NewValidator returns a Validator for workspaces named by naming.
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

// Event checks an event of a known type, and reports all its errors at once. Of an event without content, only id and version
// are checked, and the id may be reserved: a workspace whose name was reserved later can still be suspended and deleted.
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

// DecodeEvent decodes and checks the body of a webhook. A KindInvalid error lists all members of the wrong type and all broken
// rules.
func (v *Validator) DecodeEvent(body []byte) (Event, error) { return v.checked(DecodeEvent(body)) }

// DecodeCloudEvent is [DecodeCloudEvent] with the rules of [Validator.Event].
func (v *Validator) DecodeCloudEvent(body []byte) (Event, error) {
	return v.checked(DecodeCloudEvent(body))
}

func (v *Validator) checked(e Event, err error) (Event, error) {
	if err != nil && KindOf(err) != KindInvalid || !e.Type.Known() {
		return e, err
	}
	return e, joinInvalid(err, v.Event(e))
}

// DecodeData decodes and checks the body of /provision, as [Validator.DecodeEvent] does.
func (v *Validator) DecodeData(body []byte) (Data, error) {
	d, err := DecodeData(body)
	if err != nil && KindOf(err) != KindInvalid {
		return d, err
	}
	return d, joinInvalid(err, v.Data(d))
}

// Data checks the body of /provision, which needs no version.
func (v *Validator) Data(d Data) error {
	fields := v.fields(d, "")
	if d.Name == "" {
		fields = append(fields, FieldError{Field: "name", Message: messageRequired})
	}
	return invalid(fields)
}

// Workspace checks a stored Workspace, which an older CRD may have admitted.
func (v *Validator) Workspace(w *v1alpha1.Workspace) error {
	fields := v.fields(dataOf(w), "spec")
	for i := range fields {
		fields[i].Field = cmp.Or(specPaths[fields[i].Field], fields[i].Field)
	}
	return invalid(fields)
}

// specPaths are the fields whose names differ between a Workspace and the payload.
var specPaths = map[string]string{"spec.workspace_id": "metadata.name", "spec.name": "spec.displayName"}

func (v *Validator) fields(d Data, parent string) []FieldError {
	problems, ok := errors.AsType[validator.ValidationErrors](v.validate.Struct(d))
	if !ok {
		return nil
	}
	fields := make([]FieldError, len(problems))
	for i, p := range problems {
		_, field, _ := strings.Cut(p.Namespace(), ".")
		if parent != "" {
			field = parent + "." + field
		}
		fields[i] = FieldError{Field: quoted(field), Message: v.message(p)}
	}
	return fields
}

// dataOf returns the content of a stored Workspace in the form of the payload.
func dataOf(w *v1alpha1.Workspace) Data {
	s := w.Spec
	return Data{
		WorkspaceID: w.Name, Version: s.Version, Name: string(s.DisplayName), Description: string(s.Description),
		Owner: string(s.Owner), Tier: s.Tier, Quota: s.Quota, Members: s.Members, Labels: convert[string](s.Labels),
	}
}
