package lifecycle

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/kueue/kueuetest"
)

// What Kueue says of a queue that admits nothing is the condition's; the quota stays with the queue, which holds the pods.
func TestController_ReportsAnInactiveQueue(t *testing.T) {
	t.Parallel()
	env, _ := queueEnv(t, envOptions{})
	env.createOnTier("flavourless", func(spec *v1alpha1.WorkspaceTierSpec) {
		ownQueue(spec)
		spec.Queue.Flavors = []v1alpha1.QueueFlavor{{Name: kueuetest.MissingFlavor}}
	})
	message := env.conditionMessage("flavourless", v1alpha1.ConditionQueueReady, "FlavorNotFound")
	if want := `Kueue says of the ClusterQueue "workspace-flavourless": Can't admit new workloads: FlavorNotFound.`; message != want {
		t.Errorf("the message is %q", message)
	}
	w := env.await("flavourless", v1alpha1.ConditionReady, "FlavorNotFound")
	if !meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) {
		t.Errorf("it is not Stalled: %v", w.Status.Conditions)
	}
	env.changeTier("flavourless-tier", ownQueue)
	env.await("flavourless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A ClusterQueue of that name without the workspace's label belongs to another: it is never touched, and the quota bounds everything.
func TestController_LeavesAForeignClusterQueue(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	foreign := &kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "workspace-foreignqueue"}}
	create(t, queues, foreign)
	env.createOnTier("foreignqueue", ownQueue)
	env.await("foreignqueue", v1alpha1.ConditionQueueReady, v1alpha1.ReasonConflict)
	env.awaitBounds("flyte-foreignqueue", bounded40+" queue=")
	after := &kueue.ClusterQueue{}
	must(t, queues.Get(t.Context(), client.ObjectKeyFromObject(foreign), after))
	if len(after.Labels) > 0 || len(after.Spec.ResourceGroups) > 0 {
		t.Errorf("it was changed: %+v", after)
	}
}
