package lifecycle

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestQueue_TakesWhatChangedItselfBeforeFanOutAndResync(t *testing.T) {
	t.Parallel()
	q := priorityqueue.New[reconcile.Request]("")
	defer q.ShutDown()
	var ours queue
	ours.add(request("unseen")...) // before the controller has started
	must(t, ours.take(t.Context(), q))
	ours.fanOut(append(request("tiered-1"), request("tiered-2")...)...)
	ours.addLow(request("seen")...)
	ours.add(request("new")...)
	q.Add(request("updated")[0])
	q.Add(request("tiered-2")[0]) // its own update makes it urgent
	var order []string
	for range 5 {
		next, _ := q.Get()
		order = append(order, next.Name)
		q.Done(next)
	}
	if want := []string{"new", "updated", "tiered-2", "tiered-1", "seen"}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, not %v", order, want)
	}
}

func TestWithoutWorkspace(t *testing.T) {
	t.Parallel()
	var namespaces []corev1.Namespace
	for _, id := range []string{"kept", "kept", "gone", "gone", ""} {
		var n corev1.Namespace
		n.Labels = map[string]string{v1alpha1.LabelWorkspace: id}
		namespaces = append(namespaces, n)
	}
	namespaces = append(namespaces, corev1.Namespace{})
	kept := v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}
	if got := sets.List(withoutWorkspace(namespaces, []v1alpha1.Workspace{kept})); !slices.Equal(got, []string{"gone"}) {
		t.Errorf("without a Workspace are %q", got)
	}
}

func TestFanOut_HandsOutAFewAtATime(t *testing.T) {
	t.Parallel()
	q := priorityqueue.New[reconcile.Request]("")
	defer q.ShutDown()
	var all []reconcile.Request
	for i := range 3 * maxFanOut {
		all = append(all, request(fmt.Sprint(i))...)
	}
	var f queue
	f.fanOut(all...) // before the controller has started
	must(t, f.take(t.Context(), q))
	f.fanOut(all[maxFanOut:]...) // they wait already
	var order []reconcile.Request
	for len(order) < len(all) {
		if n := len(f.underWay); n > maxFanOut {
			t.Fatalf("%d are under way", n)
		}
		next, _ := q.Get()
		order = append(order, next)
		q.Done(next)
		f.done(request("another")[0])
		f.done(next)
	}
	if !slices.Equal(order, all) || len(f.waiting)+len(f.underWay) > 0 || q.Len() > 0 {
		t.Errorf("the order is %v; left are %v, %v", order, f.waiting, f.underWay)
	}
}
