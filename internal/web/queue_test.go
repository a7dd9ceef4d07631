package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// queueReader is a reader that also has the queues of the workspace fraud.
type queueReader struct {
	*reader

	local kueue.LocalQueue
	own   kueue.ClusterQueue
}

func (r *queueReader) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	switch o := into.(type) {
	case *kueue.LocalQueue:
		if key.Namespace == "flyte-fraud" {
			r.local.DeepCopyInto(o)
			return nil
		}
	case *kueue.ClusterQueue:
		if key.Name == r.own.Name {
			r.own.DeepCopyInto(o)
			return nil
		}
	}
	return r.reader.Get(ctx, key, into, options...)
}

// kueueDouble plays Kueue's visibility API.
type kueueDouble struct {
	missing bool
	asked   []string
}

func (*kueueDouble) Served() bool { return true }

func (k *kueueDouble) Pending(_ context.Context, clusterQueue, namespace string) ([]kueue.PendingWorkload, error) {
	k.asked = append(k.asked, clusterQueue+"/"+namespace)
	if k.missing {
		return nil, errors.New("the server could not find the requested resource")
	}
	return []kueue.PendingWorkload{{ObjectMeta: metav1.ObjectMeta{
		Namespace: "flyte-fraud", Name: "pod-a1-5c2f", CreationTimestamp: at(30),
		OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", Name: "a1"}},
	}, PositionInClusterQueue: 2, Priority: 5}}, nil
}

// queuedService has the workspace fraud, whose queue has one admitted and one waiting workload.
func queuedService(t *testing.T) (*service, *queueReader, *kueueDouble) {
	t.Helper()
	w := fraud()
	w.Status.Conditions = append(w.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionQueueReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonApplied, LastTransitionTime: at(1),
	})
	s, k := newService(t, w), &kueueDouble{}
	amount := resource.MustParse
	reported := kueue.QueueStatus{
		PendingWorkloads: 1, ReservingWorkloads: 1, AdmittedWorkloads: 1,
		Conditions: []metav1.Condition{{Type: kueue.ConditionActive, Status: metav1.ConditionTrue, Reason: "Ready", Message: "Can admit"}},
		FlavorsUsage: []kueue.FlavorUsage{{Name: "default-flavor", Resources: []kueue.ResourceUsage{
			{Name: "cpu", Total: amount("44"), Borrowed: amount("4")},
		}}},
		FlavorsReservation: []kueue.FlavorUsage{{Name: "default-flavor", Resources: []kueue.ResourceUsage{{Name: "cpu", Total: amount("44")}}}},
	}
	r := &queueReader{reader: &s.cached}
	r.local.Spec.ClusterQueue, r.local.Status.QueueStatus = "workspace-fraud", reported
	r.own.Name, r.own.Status.QueueStatus = "workspace-fraud", reported
	limit := amount("20")
	r.own.Spec.ResourceGroups = []kueue.ResourceGroup{{Flavors: []kueue.FlavorQuotas{{Name: "default-flavor", Resources: []kueue.ResourceQuota{
		{Name: "cpu", NominalQuota: amount("40"), BorrowingLimit: &limit}, {Name: "memory", NominalQuota: amount("160Gi")},
	}}}}}
	s.options.Cached, s.options.Queues = r, k
	return s, r, k
}

func queueOf(t *testing.T, s *service) string {
	t.Helper()
	var answer struct {
		Queue json.RawMessage `json:"queue"`
	}
	if err := json.Unmarshal([]byte(s.get(t, "/workspaces/fraud").Body), &answer); err != nil {
		t.Fatal(err)
	}
	return string(answer.Queue)
}

func TestReadAPI_ShowsAQueue(t *testing.T) {
	s, r, k := queuedService(t)
	const waiting = `"waiting":[{"namespace":"flyte-fraud","name":"pod-a1-5c2f","owner":"Pod a1","place":3,"priority":5,` +
		`"created_at":"2026-11-20T08:41:30Z"}]`
	const counts = `"active":true,"reason":"Ready","message":"Can admit","pending":1,"reserving":1,"admitted":1,`
	const namespaces = `"namespaces":[{"namespace":"flyte-fraud","pending":1,"reserving":1,"admitted":1}]`
	const own = `{"cluster_queue":"workspace-fraud","own":true,` + counts + `"resources":[` +
		`{"flavor":"default-flavor","name":"cpu","nominal":"40","borrowing_limit":"20","reserved":"44","used":"44","borrowed":"4"},` +
		`{"flavor":"default-flavor","name":"memory","nominal":"160Gi","reserved":"0","used":"0"}],` + namespaces
	if diff := cmp.Diff(own+","+waiting+"}", queueOf(t, s)); diff != "" {
		t.Error(diff)
	}
	k.missing = true
	if diff := cmp.Diff(own+"}", queueOf(t, s)); diff != "" {
		t.Errorf("without the visibility API: %s", diff)
	}
	r.local.Spec.ClusterQueue, k.missing, k.asked = "pool", false, nil
	const shared = `{"cluster_queue":"pool","own":false,` + counts + `"resources":[` +
		`{"flavor":"default-flavor","name":"cpu","reserved":"44","used":"44","borrowed":"4"}],` + namespaces + "," + waiting + "}"
	if diff := cmp.Diff(shared, queueOf(t, s)); diff != "" {
		t.Errorf("of a shared ClusterQueue: %s", diff)
	}
	if diff := cmp.Diff([]string{"pool/flyte-fraud"}, k.asked); diff != "" { // never the whole queue, which has other workspaces
		t.Errorf("Kueue was asked for %s", diff)
	}
	s.options.Queues = nil
	if got := queueOf(t, s); got != "" {
		t.Errorf("without queues: %s", got)
	}
}

func TestPage_ShowsAQueue(t *testing.T) {
	s, _, _ := queuedService(t)
	body := newPages(s).get(t, "/ui/workspaces/fraud").Body
	has(t, "the page", body, "workspace-fraud", "1 admitted, 1 waiting", "cpu (default-flavor)", "44 of 40", "<td>3</td>", "Pod a1")
}
