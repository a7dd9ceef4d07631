package rollout

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations of a ReplicaSet that the Deployment controller and kubectl write
// (https://kubernetes.io/docs/reference/labels-annotations-taints/).
const (
	annotationRevision = "deployment.kubernetes.io/revision"
	annotationCause    = "kubernetes.io/change-cause"
	labelVersion       = "app.kubernetes.io/version"
)

// Revision is one version of the Deployment's pod template. Kubernetes keeps as many as revisionHistoryLimit says.
type Revision struct {
	Number  int64
	Created time.Time
	// Version is the label app.kubernetes.io/version of its pods, and Image that of their first container.
	Version, Image string
	// Cause is the annotation kubernetes.io/change-cause.
	Cause string
	// Ready counts its ready pods, of Replicas.
	Ready, Replicas int32
	// Current says that it is the one that the Deployment wants.
	Current bool
}

// Revisions are the revisions of a Deployment among these ReplicaSets, the newest first. What an older revision is restored from is a new
// number of the same ReplicaSet, as for `kubectl rollout history`.
func Revisions(d *appsv1.Deployment, sets []appsv1.ReplicaSet) (all []Revision) {
	for i := range sets {
		set := &sets[i]
		number, err := strconv.ParseInt(set.Annotations[annotationRevision], 10, 64)
		if err != nil || !metav1.IsControlledBy(set, d) {
			continue
		}
		template := set.Spec.Template
		all = append(all, Revision{
			Number: number, Created: set.CreationTimestamp.Time, Version: template.Labels[labelVersion], Image: template.Spec.Containers[0].Image,
			Cause: set.Annotations[annotationCause], Ready: set.Status.ReadyReplicas, Replicas: set.Status.Replicas,
			Current: set.Annotations[annotationRevision] == d.Annotations[annotationRevision],
		})
	}
	slices.SortFunc(all, func(a, b Revision) int { return cmp.Compare(b.Number, a.Number) })
	return all
}
