package lifecycle

import (
	"os"
	"regexp"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// passing are the reasons of a workspace that is not Ready, and becomes so without a person.
var passing = map[string]bool{
	v1alpha1.ReasonWaitingForNamespace: true, v1alpha1.ReasonNamespaceTerminating: true, v1alpha1.ReasonObjectTerminating: true,
	v1alpha1.ReasonKubernetesUnavailable: true, v1alpha1.ReasonFlyteUnavailable: true, v1alpha1.ReasonFlyteTokenUnavailable: true,
	v1alpha1.ReasonPurging: true, v1alpha1.ReasonPurgePaused: true, v1alpha1.ReasonWaitingForKueue: true,
	v1alpha1.ReasonWaitingForQuota: true,
}

// Helm, Flux, Argo CD and kpt wait for a Workspace as kstatus tells them to.
func TestSetConditions_AreReadByKstatus(t *testing.T) {
	t.Parallel()
	for _, reason := range failureReasons(t) {
		want := status.FailedStatus
		if passing[reason] {
			want = status.InProgressStatus
		}
		w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: v1alpha1.StateActive}}
		setConditions(w, append(allDone(), waiting(v1alpha1.ConditionQuotaApplied, reason, "the cause")))
		if got := kstatus(t, w); got.Status != want || got.Message != "QuotaApplied: the cause" {
			t.Errorf("%s is %s: %s, want %s", reason, got.Status, got.Message, want)
		}
		setConditions(w, allDone())
		if got := kstatus(t, w); got.Status != status.CurrentStatus {
			t.Errorf("after %s, the workspace is %s: %s", reason, got.Status, got.Message)
		}
	}
}

// A workspace that is suspended, deleted or purged, and entirely so, is as desired.
func TestSetConditions_OfEachStateAreReadByKstatus(t *testing.T) {
	t.Parallel()
	for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: state}}
		w.Generation = 1
		setConditions(w, allDone())
		if got := kstatus(t, w); got.Status != status.CurrentStatus {
			t.Errorf("%s is %s: %s", state, got.Status, got.Message)
		}
		w.Generation++
		if got := kstatus(t, w); got.Status != status.InProgressStatus {
			t.Errorf("after a change, %s is %s: %s", state, got.Status, got.Message)
		}
	}
}

// The API server defaults observedGeneration, so that a Workspace that no controller has reconciled is not taken for Ready.
func TestWorkspaceCRD_IsInProgressUntilReconciled(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.withoutLeader(func() {
		create(t, env.admin, env.workspace("unreconciled"))
		w := env.get("unreconciled")
		if got := kstatus(t, w); got.Status != status.InProgressStatus || w.Status.ObservedGeneration != -1 {
			t.Errorf("before a Reconcile, it is %s: %s, observedGeneration %d", got.Status, got.Message, w.Status.ObservedGeneration)
		}
	})
	w := env.await("unreconciled", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if got := kstatus(t, w); got.Status != status.CurrentStatus {
		t.Errorf("when it is Ready, it is %s: %s", got.Status, got.Message)
	}
}

func kstatus(t testing.TB, o client.Object) *status.Result {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	must(t, err)
	content["apiVersion"], content["kind"] = v1alpha1.GroupVersion.String(), "Workspace"
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	must(t, err)
	return result
}

// failureReasons are all reasons of the API that are for conditions that are False.
func failureReasons(t testing.TB) (reasons []string) {
	t.Helper()
	source, err := os.ReadFile("../../../api/v1alpha1/conditions.go")
	must(t, err)
	section := regexp.MustCompile(`(?s)// Reasons of conditions that are False\.\nconst \((.*?)\n\)`).FindSubmatch(source)
	if section == nil {
		t.Fatal("conditions.go has no reasons of conditions that are False")
	}
	for _, match := range regexp.MustCompile(`Reason\w+ += "(\w+)"`).FindAllSubmatch(section[1], -1) {
		reasons = append(reasons, string(match[1]))
	}
	return reasons
}
