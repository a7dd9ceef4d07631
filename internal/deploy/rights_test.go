package deploy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// right is a verb on group/resource, and on a name if it is limited to one: "create /namespaces", "bind
// rbac.authorization.k8s.io/clusterroles edit".
type right string

// review asks the API server whether the user of c has a right.
func review(t *testing.T, c client.Client, namespace string, r right) bool {
	t.Helper()
	verb, resource, _ := strings.Cut(string(r), " ")
	resource, name, _ := strings.Cut(resource, " ")
	group, resource, _ := strings.Cut(resource, "/")
	resource, subresource, _ := strings.Cut(resource, "/")
	answer := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource, Name: name,
		},
	}}
	if err := c.Create(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	return answer.Status.Allowed
}

// rights are the rights of the user of c in a namespace: sorted verbs by group/resource and, if a rule is limited to names, the names.
// Reviews of the user's own rights, which every user may create, are left out.
func rights(t *testing.T, c client.Client, namespace string) map[string]string {
	t.Helper()
	answer := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := c.Create(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status.Incomplete {
		t.Fatal(answer.Status.EvaluationError)
	}
	verbs := map[string]map[string]bool{}
	for _, rule := range answer.Status.ResourceRules {
		for _, key := range keys(rule) {
			if verbs[key] == nil {
				verbs[key] = map[string]bool{}
			}
			for _, verb := range rule.Verbs {
				verbs[key][verb] = true
			}
		}
	}
	return flat(verbs)
}

// keys are group/resource, followed by a name where the rule is limited to names.
func keys(rule authorizationv1.ResourceRule) []string {
	var all []string
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			if strings.HasPrefix(resource, "selfsubject") {
				continue
			}
			key := group + "/" + resource
			if len(rule.ResourceNames) == 0 {
				all = append(all, key)
			}
			for _, name := range rule.ResourceNames {
				all = append(all, key+" "+name)
			}
		}
	}
	return all
}

func flat(verbs map[string]map[string]bool) map[string]string {
	all := map[string]string{}
	for key, set := range verbs {
		all[key] = strings.Join(slices.Sorted(maps.Keys(set)), " ")
	}
	return all
}
