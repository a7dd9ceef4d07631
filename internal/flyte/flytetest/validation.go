package flytetest

import (
	"regexp"
	"strings"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The limits of flyteadmin/pkg/manager/impl/validation/project_validator.go. Lengths are bytes.
const (
	maxNameBytes        = 64
	maxDescriptionBytes = 300
	maxLabels           = 16
)

// The syntax that FlyteAdmin takes from Kubernetes (k8s.io/apimachinery/pkg/util/validation).
const (
	maxDNSLabel  = 63
	maxDNSDomain = 253
	dnsLabel     = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	labelWord    = `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
)

var (
	dnsLabelForm  = regexp.MustCompile(`^` + dnsLabel + `$`)
	dnsDomainForm = regexp.MustCompile(`^` + dnsLabel + `(\.` + dnsLabel + `)*$`)
	labelWordForm = regexp.MustCompile(`^` + labelWord + `$`)
)

// validateProject checks in FlyteAdmin's order: labels before the id's form, the domains last.
func validateProject(project *admin.Project) error {
	if project.GetId() == "" {
		return missing("project_id")
	}
	if err := validateLabels(project.GetLabels().GetValues()); err != nil {
		return err
	}
	if id := project.GetId(); len(id) > maxDNSLabel || !dnsLabelForm.MatchString(id) {
		return invalid("invalid project id [%s]: must be a DNS-1123 label of at most %d characters", id, maxDNSLabel)
	}
	if len(project.GetName()) > maxNameBytes {
		return invalid("project_name cannot exceed %d characters", maxNameBytes)
	}
	if len(project.GetDescription()) > maxDescriptionBytes {
		return invalid("project_description cannot exceed %d characters", maxDescriptionBytes)
	}
	if project.GetDomains() != nil {
		return invalid("domains are set system wide: a request must not include them")
	}
	return nil
}

func validateLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return invalid("labels map cannot exceed %d entries", maxLabels)
	}
	for key, value := range labels {
		if !qualifiedName(key) {
			return invalid("invalid label key [%s]: must be a qualified name", key)
		}
		if value != "" && !word(value) {
			return invalid("invalid label value [%s]: must be at most 63 alphanumeric characters, '-', '_' or '.'", value)
		}
	}
	return nil
}

func qualifiedName(key string) bool {
	prefix, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		return word(key)
	}
	return len(prefix) <= maxDNSDomain && dnsDomainForm.MatchString(prefix) && word(name)
}

func word(text string) bool { return len(text) <= maxDNSLabel && labelWordForm.MatchString(text) }

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

func missing(field string) error { return invalid("missing %s", field) }
