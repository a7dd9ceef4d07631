package e2e

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// fleetSize is how many workspaces there are on one tier.
var fleetSize = flag.Int("fleet", 200, "how many workspaces are on the tier that changes, and are at rest")

// fleetName is the tier of the fleet, and what the ids of its workspaces begin with.
const fleetName = "fleet"

var makeFleet sync.Once

// fleet makes, once, that many Ready workspaces on a tier of their own.
func fleet(t *testing.T) (ids []string) {
	t.Helper()
	for i := range *fleetSize {
		ids = append(ids, fmt.Sprintf("%s-%d", fleetName, i))
	}
	makeFleet.Do(func() {
		tier := live(t, &v1alpha1.WorkspaceTier{}, "", v1alpha1.DefaultTier)
		tier.ObjectMeta = metav1.ObjectMeta{Name: fleetName}
		create(t.Context(), t, tier)
		atOnce(ids, func(id string) {
			w := workspace.New(id)
			e := workspace.Event{Type: workspace.EventCreated, Data: team(id, 1)}
			e.Data.Tier = fleetName
			if _, err := workspace.Record(w, e, workspace.Delivery{}); err != nil {
				t.Error(err)
			}
			create(t.Context(), t, w)
		})
	})
	for _, id := range ids {
		settled(t, id, v1alpha1.ReasonReady)
	}
	return ids
}

// atOnce calls do for all items, sixteen at a time.
func atOnce(items []string, do func(string)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			do(item)
		})
	}
	group.Wait()
}

// fleetRequests counts the service's requests for the fleet since a number of all its requests, by verb and resource.
// Events are requests too.
func fleetRequests(t *testing.T, since int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, entry := range auditedRequests(t)[since:] {
		if entry.concerns(fleetName + "-") {
			what := entry.Verb + " " + entry.ObjectRef.Resource
			if sub := entry.ObjectRef.Subresource; sub != "" {
				what += "/" + sub
			}
			counts[what]++
		}
	}
	return counts
}

// changeFleetTier changes the tier of the fleet.
func changeFleetTier(t *testing.T, edit func(*v1alpha1.WorkspaceTierSpec)) {
	t.Helper()
	tier := live(t, &v1alpha1.WorkspaceTier{}, "", fleetName)
	before := tier.DeepCopy()
	edit(&tier.Spec)
	if err := world.admin.Patch(t.Context(), tier, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// inFleet tells whether a namespace belongs to the fleet.
func inFleet(namespace string) bool { return strings.HasPrefix(namespace, "flyte-"+fleetName+"-") }
