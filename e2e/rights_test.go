package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// These look at the audit log when all stories are told, whatever their order was: the chart's account was refused nothing, and
// has no right that no story used.

// right is a verb on group/resource[/subresource], and on a name where the rule gives one: "update apps/deployments/scale x".
type right string

// request is what the audit log says of one.
type request struct {
	audited
	Annotations map[string]string                                      `json:"annotations"`
	ObjectRef   struct{ APIGroup, Resource, Subresource, Name string } `json:"objectRef"`
}

// unheard are rights that no story here uses, and why they are granted.
var unheard = map[right]string{
	"patch events.k8s.io/events": "the event recorder's, when an event comes again within minutes",
}

// fallback tells whether only older API servers need the right: client-go asks for a streaming list, which is a watch, and
// lists where it gets none.
func fallback(r right) bool { return strings.HasPrefix(string(r), "list ") }

// auditRights returns what is wrong. What is unused can be told only after all stories. An API server that has just started
// refuses what it has not read yet, so a refusal counts where the chart doesn't grant the right.
func auditRights(ctx context.Context) (problems []string, err error) {
	const name = "workspace-flyte-integration"
	granted, err := grantedRights(ctx, name, service.Namespace)
	if err != nil {
		return nil, err
	}
	var ofAPIServer rbacv1.Role
	key := client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name + "-api-server"}
	if err := world.admin.Get(ctx, key, &ofAPIServer); err != nil {
		return nil, err
	}
	for _, rule := range ofAPIServer.Rules {
		maps.Copy(granted, rightsOf(&rule))
	}
	ofPullSecrets, err := grantedRights(ctx, name+"-pull-secrets", pullSecrets)
	if err != nil {
		return nil, err
	}
	used, refused, err := requests()
	if err != nil {
		return nil, err
	}
	for _, r := range refused {
		named := r.right(r.ObjectRef.Name)
		if all := r.right(""); !granted[all] && !granted[named] && !ofPullSecrets[all] && !ofPullSecrets[named] {
			problems = append(problems, "the chart's account was refused: "+string(named))
		}
	}
	for role := range boundWorkloadRoles {
		used[rightTo("bind", rbacv1.GroupName, "clusterroles", role)] = true
	}
	for r := range granted {
		if _, known := unheard[r]; toldAll() && !used[r] && !known && !fallback(r) {
			problems = append(problems, "no story used the right to: "+string(r))
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems), nil
}

// toldAll tells whether no story was left out by a flag.
func toldAll() bool {
	return flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
}

// requests are those of the chart's account that were allowed, and those that RBAC refused.
func requests() (allowed map[right]bool, refused []request, err error) {
	file, err := os.Open(world.cluster.AuditLogPath())
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	allowed = map[right]bool{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), serviceUser) {
			continue
		}
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, nil, fmt.Errorf("parsing the audit log: %w", err)
		}
		switch {
		case r.User.Username != serviceUser:
		case r.Annotations["authorization.k8s.io/decision"] == "forbid":
			refused = append(refused, r)
		default:
			allowed[r.right("")], allowed[r.right(r.ObjectRef.Name)] = true, true
			if r.binds() {
				allowed[bind(strings.TrimPrefix(r.ObjectRef.Name, "workspace-"))] = true
			}
		}
	}
	return allowed, refused, lines.Err()
}

func (r *request) right(name string) right {
	return rightTo(r.Verb, r.ObjectRef.APIGroup, strings.TrimSuffix(r.ObjectRef.Resource+"/"+r.ObjectRef.Subresource, "/"), name)
}

// binds tells whether the API server asked for the right to bind: when a RoleBinding is made, to the role that it is named after.
func (r *request) binds() bool {
	return r.Verb == "create" && r.ObjectRef.Resource == "rolebindings" && r.ResponseStatus.Code < 300
}

func bind(role string) right {
	return rightTo("bind", rbacv1.GroupName, "clusterroles", "workspace-flyte-integration-tenant-"+role)
}

func rightTo(verb, group, resource, name string) right {
	return right(strings.TrimSpace(verb + " " + group + "/" + resource + " " + name))
}

// grantedRights are those of the ClusterRole and the Role of that name that the chart has installed.
func grantedRights(ctx context.Context, name, namespace string) (map[right]bool, error) {
	var ofCluster rbacv1.ClusterRole
	var ofNamespace rbacv1.Role
	if err := world.admin.Get(ctx, client.ObjectKey{Name: name}, &ofCluster); err != nil {
		return nil, err
	}
	if err := world.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &ofNamespace); err != nil {
		return nil, err
	}
	granted := map[right]bool{}
	for _, rule := range slices.Concat(ofCluster.Rules, ofNamespace.Rules) {
		maps.Copy(granted, rightsOf(&rule))
	}
	return granted, nil
}

func rightsOf(rule *rbacv1.PolicyRule) map[right]bool {
	rights, names := map[right]bool{}, rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					rights[rightTo(verb, group, resource, name)] = true
				}
			}
		}
	}
	return rights
}
