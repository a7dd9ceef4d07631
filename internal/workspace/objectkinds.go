package workspace

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// RefusedObjectGroups matches the API groups of which no tier's object can be: those of Kubernetes and of this service, and those of
// programs that create whatever an object says, or change what others may do, with rights of their own. It can't name all such programs.
// The chart's values.schema.json has the same expression.
const RefusedObjectGroups = `^[^.]+$|^([^.]+[.])*(k8s[.]io|platform[.]company[.]com|openshift[.]io|argoproj[.]io|fluxcd[.]io|cattle[.]io|` +
	`operators[.]coreos[.]com|crossplane[.]io|kro[.]run|cluster[.]x-k8s[.]io|kueue[.]x-k8s[.]io|hnc[.]x-k8s[.]io|kyverno[.]io|` +
	`gatekeeper[.]sh|clastix[.]io|cilium[.]io|projectcalico[.]org|antrea[.]io|networking[.]istio[.]io|services[.]k8s[.]aws|` +
	`cnrm[.]cloud[.]google[.]com|upbound[.]io|oam[.]dev|open-cluster-management[.]io|pulumi[.]com)$`

var (
	refusedObjectGroups = regexp.MustCompile(RefusedObjectGroups)
	objectKind          = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)
	objectVersion       = regexp.MustCompile(`^v[0-9]+((alpha|beta)[0-9]+)?$`)
)

// ObjectKinds are the kinds that the objects of tiers may have.
type ObjectKinds []schema.GroupVersionKind

// ParseObjectKinds parses kinds such as ExternalSecret.v1.external-secrets.io, as kubectl names them, or ConfigMap.v1.
func ParseObjectKinds(texts []string) (kinds ObjectKinds, err error) {
	for _, text := range texts {
		kind, err := parseObjectKind(text)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

func parseObjectKind(text string) (kind schema.GroupVersionKind, err error) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 || !objectKind.MatchString(parts[0]) || !objectVersion.MatchString(parts[1]) {
		return kind, errors.New("must be Kind.version.group, such as ExternalSecret.v1.external-secrets.io")
	}
	kind = schema.GroupVersionKind{Version: parts[1], Kind: parts[0]}
	if len(parts) == 3 {
		kind.Group = parts[2]
	}
	switch {
	case kind.Group == "" && kind.Kind == "ConfigMap":
		return kind, nil
	case kind.Group == "":
		return kind, errors.New("of Kubernetes' own kinds, only ConfigMap can be a tier's object")
	case refusedObjectGroups.MatchString(kind.Group):
		return kind, fmt.Errorf("no kind of the group %s can be a tier's object: docs/security.md says why", kind.Group)
	}
	return kind, nil
}

// ObjectKindName is a kind as [ParseObjectKinds] reads it.
func ObjectKindName(kind schema.GroupVersionKind) string {
	return strings.TrimSuffix(kind.Kind+"."+kind.Version+"."+kind.Group, ".")
}
