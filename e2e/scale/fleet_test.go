package scale

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// fleetSize is how many workspaces there are on one tier.
var fleetSize = flag.Int("fleet", 100, "how many workspaces are on the tier that changes")

// fleetName is the tier of the fleet, and what the ids of its workspaces begin with.
const fleetName = "fleet"

// fleet creates that many Ready workspaces on a tier of their own, unless they exist, by webhooks that are sent at the same time.
func fleet(t *testing.T) (ids []string) {
	t.Helper()
	env := shared.Env()
	for i := range *fleetSize {
		ids = append(ids, fmt.Sprintf("%s-%d", fleetName, i))
	}
	var tier v1alpha1.WorkspaceTier
	if err := env.Admin.Get(t.Context(), harness.Key(fleetName), &tier); err == nil {
		return ids
	}
	env.Tier(t, fleetName, func(*v1alpha1.WorkspaceTierSpec) {})
	env.CreateOnTier(t, harness.Data(ids[0], 1), fleetName)
	start := time.Now()
	var senders sync.WaitGroup
	for _, id := range ids[1:] {
		data := harness.Data(id, 1)
		data.Tier = fleetName
		m := harness.NewMessage(t, workspace.EventCreated, data)
		senders.Go(func() { deliver(t, m) })
	}
	senders.Wait()
	t.Logf("all answered after %v", time.Since(start))
	for _, id := range ids {
		env.AwaitReason(t, id, v1alpha1.ReasonReady)
	}
	t.Logf("all Ready after %v", time.Since(start))
	return ids
}

func deliver(t *testing.T, m service.Message) {
	t.Helper()
	if _, err := shared.Env().Service.Deliver(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// fleetRequests counts the service's requests for the fleet, Events too, by verb and resource. since is how many of all its requests are
// left out.
func fleetRequests(t *testing.T, since int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, r := range shared.Env().Requests(t)[since:] {
		if r.Concerns(fleetName + "-") {
			counts[strings.TrimSuffix(r.Verb+" "+r.ObjectRef.Resource+"/"+r.ObjectRef.Subresource, "/")]++
		}
	}
	return counts
}

// isInFleet reports whether a namespace belongs to the fleet.
func isInFleet(namespace string) bool { return strings.HasPrefix(namespace, "flyte-"+fleetName+"-") }
