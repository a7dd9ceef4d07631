package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// Queues are what the read API needs of Kueue.
type Queues interface {
	// Served reports whether the queues are cached.
	Served() bool
	// Pending returns the workloads that wait in the ClusterQueue, or, if namespace is set, in its LocalQueue: the first ones, in
	// their order. It is an error if Kueue's visibility API is not installed.
	Pending(ctx context.Context, clusterQueue, namespace string) ([]kueue.PendingWorkload, error)
}

// queue is the queue of a workspace, as Kueue reports it.
type queue struct {
	ClusterQueue string `json:"cluster_queue"`
	// Own says that the ClusterQueue is the workspace's alone.
	Own     bool   `json:"own"`
	Active  bool   `json:"active"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	queueCounts

	Resources  []queueResource  `json:"resources"`
	Namespaces []namespaceQueue `json:"namespaces"`
	// Waiting are the workloads that wait, in their order. It is absent if Kueue's visibility API does not answer.
	Waiting []waitingWorkload `json:"waiting,omitzero"`
}

// queueCounts are how many workloads wait, have quota reserved, and are admitted.
type queueCounts struct {
	Pending   int32 `json:"pending"`
	Reserving int32 `json:"reserving"`
	Admitted  int32 `json:"admitted"`
}

// queueResource is a resource of a queue. Nominal and the like are absent of a shared ClusterQueue.
type queueResource struct {
	Flavor         string `json:"flavor"`
	Name           string `json:"name"`
	Nominal        string `json:"nominal,omitempty"`
	BorrowingLimit string `json:"borrowing_limit,omitempty"`
	LendingLimit   string `json:"lending_limit,omitempty"`
	Reserved       string `json:"reserved"`
	Used           string `json:"used"`
	Borrowed       string `json:"borrowed,omitempty"`
}

// namespaceQueue is the LocalQueue of a namespace.
type namespaceQueue struct {
	Namespace string `json:"namespace"`
	queueCounts
}

// waitingWorkload is a workload that waits, at its place from 1 in the ClusterQueue.
type waitingWorkload struct {
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	Owner     string      `json:"owner,omitempty"`
	Place     int32       `json:"place"`
	Priority  int32       `json:"priority"`
	CreatedAt metav1.Time `json:"created_at"`
}

// queue reads the queue of a workspace from the cache, and who waits in it from Kueue. It is nil if there is none.
func (a *ReadAPI) queue(ctx context.Context, w *v1alpha1.Workspace) *queue {
	if a.Queues == nil || !a.Queues.Served() || meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionQueueReady) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	q := &queue{Resources: []queueResource{}, Namespaces: []namespaceQueue{}}
	var usage []*kueue.QueueStatus
	for _, namespace := range w.Status.Namespaces {
		var local kueue.LocalQueue
		if a.Cached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: kueue.DefaultQueue}, &local) == nil {
			q.add(namespace, &local)
			usage = append(usage, &local.Status.QueueStatus)
		}
	}
	var own kueue.ClusterQueue
	switch {
	case q.ClusterQueue == "":
		return nil
	case a.Cached.Get(ctx, client.ObjectKey{Name: q.ClusterQueue}, &own) == nil: // the cache has no others
		q.setOwn(&own)
	default:
		q.Resources = reportedUsage(usage)
	}
	if q.Pending > 0 {
		q.Waiting = a.waiting(ctx, q)
	}
	return q
}

func countsOf(s *kueue.QueueStatus) queueCounts {
	return queueCounts{s.PendingWorkloads, s.ReservingWorkloads, s.AdmittedWorkloads}
}

// add adds the queue of a namespace.
func (q *queue) add(namespace string, local *kueue.LocalQueue) {
	c := countsOf(&local.Status.QueueStatus)
	q.ClusterQueue = local.Spec.ClusterQueue
	q.Namespaces = append(q.Namespaces, namespaceQueue{namespace, c})
	q.Pending, q.Reserving, q.Admitted = q.Pending+c.Pending, q.Reserving+c.Reserving, q.Admitted+c.Admitted
	q.setActive(&local.Status.QueueStatus)
}

// setOwn takes over what Kueue reports of the workspace's own ClusterQueue.
func (q *queue) setOwn(own *kueue.ClusterQueue) {
	q.Own, q.queueCounts = true, countsOf(&own.Status.QueueStatus)
	q.setActive(&own.Status.QueueStatus)
	q.Resources = resourcesOf(own)
}

// setActive takes over what Kueue says of one of the queues: the last one counts, and the ClusterQueue's comes last.
func (q *queue) setActive(s *kueue.QueueStatus) {
	q.Active, q.Reason, q.Message = false, "", ""
	if c := meta.FindStatusCondition(s.Conditions, kueue.ConditionActive); c != nil {
		q.Active, q.Reason, q.Message = c.Status == metav1.ConditionTrue, c.Reason, c.Message
	}
}

// resourcesOf are those of a workspace's own ClusterQueue.
func resourcesOf(own *kueue.ClusterQueue) []queueResource {
	all := reportedUsage([]*kueue.QueueStatus{&own.Status.QueueStatus})
	used := make(map[[2]string]queueResource, len(all))
	for _, r := range all {
		used[[2]string{r.Flavor, r.Name}] = r
	}
	resources := []queueResource{}
	for _, group := range own.Spec.ResourceGroups {
		for _, flavor := range group.Flavors {
			for _, quota := range flavor.Resources {
				r := used[[2]string{flavor.Name, string(quota.Name)}]
				r.Reserved, r.Used = cmp.Or(r.Reserved, "0"), cmp.Or(r.Used, "0")
				r.Flavor, r.Name, r.Nominal = flavor.Name, string(quota.Name), quota.NominalQuota.String()
				r.BorrowingLimit, r.LendingLimit = limitText(quota.BorrowingLimit), limitText(quota.LendingLimit)
				resources = append(resources, r)
			}
		}
	}
	return resources
}

// limitText is empty if there is no limit.
func limitText(limit *resource.Quantity) string {
	if limit == nil {
		return ""
	}
	return limit.String()
}

// waiting are the workloads that wait. Of a shared ClusterQueue, a reader sees those of the workspace alone.
func (a *ReadAPI) waiting(ctx context.Context, q *queue) (all []waitingWorkload) {
	places := []string{""}
	if !q.Own {
		places = nil
		for _, n := range q.Namespaces {
			places = append(places, n.Namespace)
		}
	}
	pending, err := a.pending(ctx, q.ClusterQueue, places)
	if err != nil {
		log.FromContext(ctx).V(1).Info("Kueue's visibility API does not answer", "error", fmt.Sprint(err))
		return nil
	}
	all = make([]waitingWorkload, len(pending))
	for i := range pending {
		all[i] = waitingOf(&pending[i])
	}
	return all
}

// pending asks Kueue for the workloads that wait in each of these places of a ClusterQueue, all at the same time.
func (a *ReadAPI) pending(ctx context.Context, clusterQueue string, places []string) ([]kueue.PendingWorkload, error) {
	found := make([][]kueue.PendingWorkload, len(places))
	var reads errgroup.Group
	for i, namespace := range places {
		reads.Go(func() error {
			return a.readLive(ctx, func(ctx context.Context) (err error) {
				found[i], err = a.Queues.Pending(ctx, clusterQueue, namespace)
				return err
			})
		})
	}
	err := reads.Wait()
	return slices.Concat(found...), err
}

func waitingOf(p *kueue.PendingWorkload) waitingWorkload {
	owner := ""
	if len(p.OwnerReferences) > 0 {
		owner = p.OwnerReferences[0].Kind + " " + p.OwnerReferences[0].Name
	}
	return waitingWorkload{
		Namespace: p.Namespace, Name: p.Name, Owner: owner, Place: p.PositionInClusterQueue + 1, Priority: p.Priority,
		CreatedAt: p.CreationTimestamp,
	}
}
