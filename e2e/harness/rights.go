package harness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// Right is a verb on group/resource[/subresource], and on a name where the rule names one: "update apps/deployments/scale x".
type Right string

// RightTo is the right to this verb.
func RightTo(verb, group, resource, name string) Right {
	return Right(strings.TrimSpace(verb + " " + group + "/" + resource + " " + name))
}

// Right is the right that the request needs, on all names or on one.
func (r *Request) Right(name string) Right {
	return RightTo(r.Verb, r.ObjectRef.APIGroup, strings.TrimSuffix(r.ObjectRef.Resource+"/"+r.ObjectRef.Subresource, "/"), name)
}

// GrantedRights are those that the chart grants the service: in the cluster and in its own namespace, and those in the namespace of pull
// secrets.
func (e *Env) GrantedRights(ctx context.Context) (granted, ofPullSecrets map[Right]bool, err error) {
	granted, ofPullSecrets = map[Right]bool{}, map[Right]bool{}
	for _, role := range []struct {
		object client.Object
		key    client.ObjectKey
		rights map[Right]bool
	}{
		{&rbacv1.ClusterRole{}, client.ObjectKey{Name: Release}, granted},
		{&rbacv1.Role{}, client.ObjectKey{Namespace: service.Namespace, Name: Release}, granted},
		{&rbacv1.Role{}, client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: Release + "-api-server"}, granted},
		{&rbacv1.ClusterRole{}, client.ObjectKey{Name: Release + "-tier-objects"}, granted},
		{&rbacv1.ClusterRole{}, client.ObjectKey{Name: Release + "-pull-secrets"}, ofPullSecrets},
		{&rbacv1.Role{}, client.ObjectKey{Namespace: PullSecrets, Name: Release + "-pull-secrets"}, ofPullSecrets},
	} {
		err := e.Admin.Get(ctx, role.key, role.object)
		if apierrors.IsNotFound(err) && role.key.Name == Release+"-tier-objects" { // only with tierObjects
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading the chart's roles: %w", err)
		}
		for _, rule := range rulesOf(role.object) {
			maps.Copy(role.rights, rightsOf(&rule))
		}
	}
	return granted, ofPullSecrets, nil
}

func rulesOf(role client.Object) []rbacv1.PolicyRule {
	if cluster, ok := role.(*rbacv1.ClusterRole); ok {
		return cluster.Rules
	}
	return role.(*rbacv1.Role).Rules
}

func rightsOf(rule *rbacv1.PolicyRule) map[Right]bool {
	rights, names := map[Right]bool{}, rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					rights[RightTo(verb, group, resource, name)] = true
				}
			}
		}
	}
	return rights
}

// refusals returns what the API server refused the service although the chart grants it, or a policy denied. An API server that has just
// started refuses what it has not read yet, so a refusal by RBAC counts only where the chart doesn't grant the right.
func (e *Env) refusals() (problems []string, err error) {
	requests, err := e.AllRequests()
	if err != nil {
		return nil, err
	}
	granted, ofPullSecrets, err := e.GrantedRights(context.Background())
	if err != nil {
		return nil, err
	}
	for i := range requests {
		r := &requests[i]
		all, named := r.Right(""), r.Right(r.ObjectRef.Name)
		if r.Forbidden() && !granted[all] && !granted[named] && !ofPullSecrets[all] && !ofPullSecrets[named] {
			problems = append(problems, "the API server refused the service: "+string(named))
		}
	}
	problems = append(problems, denied(requests)...)
	slices.Sort(problems)
	return slices.Compact(problems), nil
}
