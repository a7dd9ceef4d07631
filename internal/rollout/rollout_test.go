package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestStateOf(t *testing.T) {
	deployment := func(generation int64, replicas *int32, status appsv1.DeploymentStatus) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Generation: generation}, Spec: appsv1.DeploymentSpec{Replicas: replicas}, Status: status,
		}
	}
	for name, test := range map[string]struct {
		of   *appsv1.Deployment
		want State
	}{
		"not observed": {
			deployment(2, new(int32(3)), appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3}),
			State{false, 0, 3, "Updating: the Deployment is not yet observed"},
		},
		"old ones are available": {
			deployment(2, new(int32(3)), appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 4, UpdatedReplicas: 1, AvailableReplicas: 3}),
			State{false, 1, 3, "Updating: 1/3 ready"},
		},
		"old ones stop": {
			deployment(2, new(int32(3)), appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 4, UpdatedReplicas: 3, AvailableReplicas: 4}),
			State{false, 3, 3, "Updating: 3/3 ready, 1 to stop"},
		},
		"done, without a number": {
			deployment(1, nil, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}),
			State{true, 1, 1, "1/1 ready"},
		},
		"scaled to none": {deployment(1, new(int32(0)), appsv1.DeploymentStatus{ObservedGeneration: 1}), State{true, 0, 0, "0/0 ready"}},
	} {
		if got := StateOf(test.of); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestRevisions_AreThoseOfTheDeployment(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Name: "service", UID: "this", Annotations: map[string]string{annotationRevision: "10"},
	}}
	set := func(owner types.UID, revision, version string) appsv1.ReplicaSet {
		return appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{
				Annotations:     map[string]string{annotationRevision: revision, annotationCause: "why " + version},
				OwnerReferences: []metav1.OwnerReference{{UID: owner, Controller: new(true)}}, CreationTimestamp: metav1.Unix(7, 0),
			},
			Spec: appsv1.ReplicaSetSpec{Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{labelVersion: version}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Image: "image:" + version}}},
			}},
			Status: appsv1.ReplicaSetStatus{Replicas: 3, ReadyReplicas: 2},
		}
	}
	want := func(number int64, version string, current bool) Revision {
		return Revision{number, time.Unix(7, 0), version, "image:" + version, "why " + version, 2, 3, current}
	}
	got := Revisions(d, []appsv1.ReplicaSet{
		set("this", "9", "v1"), set("another", "11", "v3"), set("this", "10", "v2"), set("this", "", "v0"),
	})
	if diff := cmp.Diff([]Revision{want(10, "v2", true), want(9, "v1", false)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestStalled(t *testing.T) {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Generation: 2},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 2, Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentProgressing, Reason: "ProgressDeadlineExceeded", Message: "has timed out"},
		}},
	}
	if got := Stalled(d); got != "has timed out" {
		t.Errorf("it says %q", got)
	}
	d.Generation = 3 // changed since
	if got := Stalled(d); got != "" {
		t.Errorf("of an older generation it says %q", got)
	}
}
