// Package life checks what a workspace gets, under the chart's account and policies, from its creation to its deletion. Its tests run in
// parallel beside one service, which none of them stops.
package life

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared = harness.Shared{Options: harness.Options{Values: chartValues()}, Check: unusedRights}

// chartValues are those of the documented tiers, with queues.
func chartValues() map[string]any {
	values := documentedValues()
	values["queues"] = map[string]any{"enabled": true}
	values["policies"].(map[string]any)["service"].(map[string]any)["clusterQueues"] = []any{"pool"}
	return values
}

// spans are those of the service.
var spans *collector

// parallel is how many tests run at a time, unless -parallel says otherwise: most of them wait.
const parallel = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", parallel) // it is a number
	}
	var err error
	if spans, err = startCollector(); err != nil {
		panic(err)
	}
	shared.Options.Env = spans.env()
	shared.Main(m)
}

// usedElsewhere are rights that no test here uses, and why the chart grants them.
var usedElsewhere = map[harness.Right]string{
	"patch events.k8s.io/events": "the event recorder's, when an event comes again within minutes",
}

// onOlderServers reports whether only older API servers need the right: client-go asks for a streaming list, which is a watch, and lists
// where it gets none.
func onOlderServers(r harness.Right) bool { return strings.HasPrefix(string(r), "list ") }

// unusedRights returns the rights that the chart grants and no test used. It is meaningful only after a run of all tests.
func unusedRights(ctx context.Context, env *harness.Env) (problems []string, err error) {
	if flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return nil, nil
	}
	requests, err := env.AllRequests()
	if err != nil {
		return nil, err
	}
	granted, _, err := env.GrantedRights(ctx)
	if err != nil {
		return nil, err
	}
	used := map[harness.Right]bool{}
	for i := range requests {
		for _, right := range rightsUsed(&requests[i]) {
			used[right] = true
		}
	}
	for _, role := range workloadRoles {
		used[rightToBind(workloadRolePrefix+string(role))] = true // TestWorkloadRoleFollowsTheTier has seen each of them bound
	}
	for right := range granted {
		if _, known := usedElsewhere[right]; !used[right] && !known && !onOlderServers(right) {
			problems = append(problems, fmt.Sprintf("no test used the right to %s", right))
		}
	}
	return problems, nil
}

// rightsUsed are the rights that a request that was allowed needed. The API server asks for the right to bind when a RoleBinding is
// created; the binding is named after its role.
func rightsUsed(r *harness.Request) []harness.Right {
	if r.Forbidden() {
		return nil
	}
	rights := []harness.Right{r.Right(""), r.Right(r.ObjectRef.Name)}
	if r.Verb == "create" && r.ObjectRef.Resource == "rolebindings" && r.ResponseStatus.Code < 300 {
		rights = append(rights, rightToBind(harness.Release+"-tenant-"+strings.TrimPrefix(r.ObjectRef.Name, "workspace-")))
	}
	return rights
}

func rightToBind(clusterRole string) harness.Right {
	return harness.RightTo("bind", rbacv1.GroupName, "clusterroles", clusterRole)
}
