package kueue

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// MaxPending bounds how many waiting workloads are read.
const MaxPending = 100

// PendingWorkload is a workload that waits, at its position from 0.
type PendingWorkload struct {
	metav1.ObjectMeta `json:"metadata"`

	Priority               int32 `json:"priority"`
	PositionInClusterQueue int32 `json:"positionInClusterQueue"`
	PositionInLocalQueue   int32 `json:"positionInLocalQueue"`
}

// Pending returns the first workloads that wait in a ClusterQueue, or, if namespace is set, in its LocalQueue [DefaultQueue], from Kueue's
// visibility API. It is an error if that is not installed.
func Pending(ctx context.Context, c rest.Interface, clusterQueue, namespace string) ([]PendingWorkload, error) {
	path := []string{"/apis/visibility.kueue.x-k8s.io/v1beta2/clusterqueues", clusterQueue, "pendingworkloads"}
	if namespace != "" {
		path = []string{"/apis/visibility.kueue.x-k8s.io/v1beta2/namespaces", namespace, "localqueues", DefaultQueue, "pendingworkloads"}
	}
	text, err := c.Get().AbsPath(path...).Param("limit", strconv.Itoa(MaxPending)).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking Kueue who waits in %q: %w", clusterQueue, err)
	}
	var answer struct {
		Items []PendingWorkload `json:"items"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("asking Kueue who waits in %q: %w", clusterQueue, err)
	}
	return answer.Items, nil
}
