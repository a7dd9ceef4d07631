package workspace

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-playground/validator/v10"
	"k8s.io/apimachinery/pkg/util/validation"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// rule is one tag of the rules in validate.go, with the message for a sender who breaks it.
type rule struct {
	check   func(validator.FieldLevel) bool
	message string
}

// quantity bounds the input of resource.ParseQuantity, which an exponent such as 1e2147483647 keeps busy for half a minute.
// One character decides between its suffixes, so that a match needs neither backtracking nor memory.
var quantity = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,3})?(m|k|Ki|[MGTP]i?)?$`)

var count = regexp.MustCompile(`^[0-9]{1,9}$`)

var rules = map[string]rule{
	"version":   {isVersion, fmt.Sprintf("must be a whole number from 1 to %d", int64(MaxVersion))},
	"text":      {onText(printable.Is), "must be UTF-8 without control, line separator or bidirectional control characters"},
	"dns_label": {onText(isDNSLabel), "must be a DNS label"},
	"quantity":  {onText(quantity.MatchString), `must be a quantity such as "40", "500m" or "160Gi"`},
	"count":     {onText(count.MatchString), `must be a whole number in quotes, such as "4"`},
	"quota_key": {onText(isQuotaKey), "must be a key of a ResourceQuota, such as count/configmaps or requests.ephemeral-storage"},
	"no_field": {
		onText(isNoFieldKey),
		"must not be a key that cpu, memory, storage or pods set, nor one of Services or volume claims, which only the tier sets",
	},
	"countable": {onText(isCountable), "must not count Events, nor objects that the service creates itself"},
	"whole":     {onText(wholeQuantity.MatchString), `must be a whole number in quotes, such as "100" or "10Gi"`},
	"room":      {leavesRoom, "must allow 2 ConfigMaps and 1 Secret, which every namespace needs"},
	"label_key": {
		onText(isLabelKey), "must be a Kubernetes label key, not under kubernetes.io, k8s.io, platform.company.com, argoproj.io or fluxcd.io",
	},
	"label_value": {onText(IsLabelValue), "must be a Kubernetes label value"},
	"subject":     {isSubject, "must not start with system:, and a ServiceAccount is a plain name in the workspace's own namespaces"},
}

const messageRequired = "is required"

func (v *Validator) registerRules() {
	for tag, r := range rules {
		v.mustRegister(tag, r.check)
	}
	v.mustRegister("workspace_id", func(f validator.FieldLevel) bool { return v.naming.Check(f.Field().String()) == nil })
}

func (v *Validator) mustRegister(tag string, check validator.Func) {
	if err := v.validate.RegisterValidation(tag, check); err != nil {
		panic("registering the rule " + tag + ": " + err.Error())
	}
}

func (v *Validator) message(p validator.FieldError) string {
	if p.Tag() == "workspace_id" {
		if id, ok := p.Value().(string); ok && id != "" {
			return v.naming.Check(id).Error()
		}
		return messageRequired
	}
	if r, ok := rules[p.Tag()]; ok {
		return r.message
	}
	return builtinMessage(p)
}

// builtinMessage returns the message for a tag of the validator itself.
func builtinMessage(p validator.FieldError) string {
	switch p.Tag() {
	case "max":
		unit := "entries"
		if p.Kind() == reflect.String {
			unit = "characters"
		}
		return fmt.Sprintf("must have at most %s %s", p.Param(), unit)
	case "oneof":
		return "must be one of " + strings.ReplaceAll(p.Param(), " ", ", ")
	}
	return messageRequired
}

func onText(check func(string) bool) validator.Func {
	return func(f validator.FieldLevel) bool { return check(f.Field().String()) }
}

// isVersion accepts 0 for an absent version. Validator.Event checks whether one is required.
func isVersion(f validator.FieldLevel) bool {
	version := f.Field().Int()
	return version >= 0 && version <= MaxVersion
}

func isDNSLabel(s string) bool { return len(validation.IsDNS1123Label(s)) == 0 }

func isLabelKey(s string) bool {
	return len(validation.IsQualifiedName(s)) == 0 && !IsReservedKey(s)
}

// IsReservedKey reports whether the key of a label or annotation belongs to Kubernetes, to the service, or to a GitOps tool: an object
// with the tracking label of Argo CD or Flux that is in no repository would be pruned.
func IsReservedKey(key string) bool {
	domain, _, prefixed := strings.Cut(key, "/")
	return prefixed && isReservedDomain(domain)
}

func isReservedDomain(domain string) bool {
	for _, reserved := range []string{"kubernetes.io", "k8s.io", "platform.company.com", "argoproj.io", "fluxcd.io"} {
		if domain == reserved || strings.HasSuffix(domain, "."+reserved) {
			return true
		}
	}
	return false
}

// IsLabelValue reports whether s may be the value of a Kubernetes label.
func IsLabelValue(s string) bool { return len(validation.IsValidLabelValue(s)) == 0 }

// isSubject keeps Kubernetes' own names out of RoleBindings. RBAC accepts the group system:unauthenticated, which would open a
// namespace to everyone.
func isSubject(f validator.FieldLevel) bool {
	member, ok := reflect.TypeAssert[v1alpha1.Member](f.Parent())
	switch member.Kind {
	case v1alpha1.MemberUser, v1alpha1.MemberGroup, v1alpha1.MemberServiceAccount:
		return ok && MayBind(member)
	}
	return ok && !strings.HasPrefix(string(member.Name), "system:") // the rule of the kind refuses it
}

// MayBind reports whether a RoleBinding may name the member. A member that the API server refuses would block all changes of its
// role, also the removal of others.
func MayBind(m v1alpha1.Member) bool {
	name := string(m.Name)
	if m.Kind == v1alpha1.MemberServiceAccount {
		return len(validation.IsDNS1123Subdomain(name)) == 0
	}
	isPerson := m.Kind == v1alpha1.MemberUser || m.Kind == v1alpha1.MemberGroup
	return isPerson && name != "" && !strings.HasPrefix(name, "system:")
}
