package rollout

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// maxAge is how long a roll-out that was read is returned again, so that many readers cost as much as one.
	maxAge = time.Second
	// readTimeout bounds a read, for which more than one caller may wait.
	readTimeout = 2 * time.Second
)

// Rollout is a Deployment with its pods and revisions.
type Rollout struct {
	Namespace, Name string
	State           State
	// Stalled is why the roll-out makes no progress, or "".
	Stalled string
	// Version is the label app.kubernetes.io/version of its pods, and Image that of their first container.
	Version, Image string
	Pods           []Pod
	Revisions      []Revision
}

// Reader reads the roll-out of one Deployment from the API server.
type Reader struct {
	// Client reads Deployments and ReplicaSets, and Core pods.
	Client client.Reader
	Core   rest.Interface
	Key    client.ObjectKey

	group singleflight.Group
	mu    sync.Mutex
	last  *Rollout
	at    time.Time
}

// Read returns the roll-out, which is at most a second old.
func (r *Reader) Read(ctx context.Context) (*Rollout, error) {
	if fresh := r.fresh(); fresh != nil {
		return fresh, nil
	}
	result := r.group.DoChan("", func() (any, error) { return r.readAndKeep(ctx) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("reading Deployment %q: %w", r.Key, ctx.Err())
	case got := <-result:
		read, _ := got.Val.(*Rollout)
		return read, got.Err
	}
}

func (r *Reader) fresh() *Rollout {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) > maxAge {
		return nil
	}
	return r.last
}

// readAndKeep goes on if the caller that began it leaves: others may wait for it.
func (r *Reader) readAndKeep(ctx context.Context) (*Rollout, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	read, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.at = read, time.Now()
	return read, nil
}

func (r *Reader) read(ctx context.Context) (*Rollout, error) {
	var d appsv1.Deployment
	if err := r.Client.Get(ctx, r.Key, &d); err != nil {
		return nil, fmt.Errorf("reading Deployment %q: %w", r.Key, err)
	}
	var sets appsv1.ReplicaSetList
	if err := r.Client.List(ctx, &sets, client.InNamespace(d.Namespace), client.MatchingLabels(d.Spec.Selector.MatchLabels)); err != nil {
		return nil, fmt.Errorf("listing the ReplicaSets of Deployment %q: %w", r.Key, err)
	}
	pods, err := Pods(ctx, r.Core, &d)
	if err != nil {
		return nil, err
	}
	return &Rollout{
		Namespace: d.Namespace, Name: d.Name, State: StateOf(&d), Stalled: Stalled(&d),
		Version: d.Spec.Template.Labels[labelVersion], Image: d.Spec.Template.Spec.Containers[0].Image,
		Pods: pods, Revisions: Revisions(&d, sets.Items),
	}, nil
}
