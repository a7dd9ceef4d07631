package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// A repair is counted, and an Event says what was undone and who had done it. What the spec or the tier wants is no repair.
func TestController_RecordsRepairs(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("told", func(*v1alpha1.WorkspaceTierSpec) {})
	const namespace = "flyte-told"
	repair := func(d drift) {
		before, drifted := env.applyDrift(namespace, d)
		env.awaitRepaired(namespace, before, d.object, drifted)
	}
	repair(driftNamed("ingress from everywhere added"))
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-quota"}}
	must(t, env.admin.Delete(t.Context(), quota))
	eventually(t, func(context.Context) error {
		_, err := env.object(namespace, "ResourceQuota/workspace-quota")
		return err
	})

	env.setState("told", v1alpha1.StateSuspended)
	env.await("told", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.setState("told", v1alpha1.StateActive)
	env.await("told", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.changeTier("told-tier", func(s *v1alpha1.WorkspaceTierSpec) { s.Quota.Default.CPU = "7" })
	eventually(t, func(context.Context) error {
		o, err := env.object(namespace, "ResourceQuota/workspace-quota")
		if err == nil && !strings.Contains(fmt.Sprint(o.Object["spec"]), "requests.cpu:7") {
			err = errors.New("the quota is the former one")
		}
		return err
	})

	for kind, want := range map[string]float64{"NetworkPolicy": 1, "ResourceQuota": 1, "RoleBinding": 0, "Namespace": 0} {
		if got := testutil.ToFloat64(env.controller.repairs.WithLabelValues(kind)); got != want {
			t.Errorf("%v repairs of a %s were counted, want %v", got, kind, want)
		}
	}
	program := filepath.Base(os.Args[0]) // what the API server calls a client without a field manager
	want := []string{
		`NetworkPolicy "workspace-isolation" in namespace "flyte-told" was changed by ` + program + ` in /spec, and was restored`,
		`ResourceQuota "workspace-quota" in namespace "flyte-told" was deleted, and was created again`,
	}
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(want, env.repairNotes("told")); diff != "" {
			return fmt.Errorf("Events (-want +got):\n%s", diff)
		}
		return nil
	})
}

func driftNamed(name string) drift {
	return ownedDrifts[slices.IndexFunc(ownedDrifts, func(d drift) bool { return d.name == name })]
}

// repairNotes are the texts of the Events of repairs.
func (env *testEnv) repairNotes(id string) (notes []string) {
	env.t.Helper()
	var all eventsv1.EventList
	must(env.t, env.admin.List(env.t.Context(), &all))
	for _, e := range all.Items {
		if e.Regarding.Name == id && e.Reason == v1alpha1.EventRepaired {
			notes = append(notes, e.Note)
		}
	}
	slices.Sort(notes)
	return notes
}

func TestWorkspaceCollector_CountsWorkspaces(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("counted-1")
	env.provisioned("counted-2")
	w := env.workspace("counted-3")
	w.Spec.Tier = "no-such-tier"
	create(t, env.admin, w)
	env.await("counted-3", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	env.setState("counted-2", v1alpha1.StateSuspended)
	env.await("counted-2", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	const want = `
		# HELP workspace_flyte_workspaces Workspaces, by state, and by status (Unknown before the first Reconcile) and reason of Ready.
		# TYPE workspace_flyte_workspaces gauge
		workspace_flyte_workspaces{ready="False",reason="TierNotFound",state="Active"} 1
		workspace_flyte_workspaces{ready="True",reason="Ready",state="Active"} 1
		workspace_flyte_workspaces{ready="True",reason="Suspended",state="Suspended"} 1
	`
	eventually(t, func(context.Context) error {
		return testutil.GatherAndCompare(env.metrics, strings.NewReader(want), "workspace_flyte_workspaces")
	})
	families, err := env.metrics.Gather()
	must(t, err)
	for _, family := range families {
		if family.GetName() == "workspace_flyte_oldest_not_ready_seconds" {
			m := family.GetMetric()
			if len(m) != 1 || m[0].GetLabel()[0].GetValue() != v1alpha1.ReasonTierNotFound || m[0].GetGauge().GetValue() < 0 {
				t.Errorf("the oldest that is not Ready: %v", m)
			}
			return
		}
	}
	t.Error("no metric of the oldest that is not Ready")
}
