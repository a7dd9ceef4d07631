// Package k8s deploys the chart to a Kubernetes cluster by Helm's own library, so that Helm 3 and Helm 4 understand the release.
package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Options say which release of the chart is deployed where, and how.
type Options struct {
	// Name is that of the target; empty means k8s.
	Name string
	// Cluster reaches the cluster, and Context is the name that people know it by.
	Cluster genericclioptions.RESTClientGetter
	Context string
	// Namespace and Release are those of the release.
	Namespace, Release string
	Values             ValueOptions
	// Wait waits until all replicas are ready, for at most Timeout, and rolls back if they are not.
	Wait    bool
	Timeout time.Duration
	// TakeOwnership adopts objects that another tool has installed.
	TakeOwnership bool
	// Reason is kept in the history.
	Reason string
	// Secret is the webhook secret that Setup stores, and Rotate adds it to an existing one.
	Secret string
	Rotate bool
	// Preflight are further checks that Setup makes. It may be nil.
	Preflight func(ctx context.Context) error
	// Lock are the times of the lock; the zero value means those of production.
	Lock deploy.LockTimes
}

// Target is a release of the chart in a cluster.
type Target struct {
	o         Options
	helm      *action.Configuration
	config    *rest.Config
	client    client.Client
	clientset kubernetes.Interface
	// scaled is the number of replicas that a Scale sets.
	scaled string
}

var _ interface {
	deploy.Target
	deploy.Planner
	deploy.Renderer
	deploy.Differ
	deploy.Logger
	deploy.Executor
	deploy.Meter
	deploy.Restarter
	deploy.Stopper
	deploy.Scaler
	deploy.Historian
} = (*Target)(nil)

// fieldManager is Helm's own: another one would make `helm upgrade` report conflicts.
const fieldManager = "helm"

var setFieldManager = sync.OnceFunc(func() { kube.ManagedFieldsManager = fieldManager })

// New makes a target. It does not reach the cluster.
func New(o Options) (*Target, error) {
	setFieldManager()
	o.Lock = cmp.Or(o.Lock, deploy.DefaultLockTimes)
	config, err := o.Cluster.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	t := &Target{o: o, config: config}
	if err := t.makeClients(); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	t.helm = action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	if err := t.helm.Init(o.Cluster, o.Namespace, "secrets"); err != nil {
		return nil, fmt.Errorf("preparing Helm: %w", err)
	}
	if helmClient, ok := t.helm.KubeClient.(*kube.Client); ok {
		helmClient.Namespace = o.Namespace
	}
	return t, nil
}

func (t *Target) makeClients() error {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	mapper, err := t.o.Cluster.ToRESTMapper()
	if err != nil {
		return err
	}
	if t.client, err = client.New(t.config, client.Options{Scheme: scheme, Mapper: mapper}); err != nil {
		return err
	}
	t.clientset, err = kubernetes.NewForConfig(t.config)
	return err
}

// command is a command line of the program for this target.
func (t *Target) command(verb string) string {
	text := fmt.Sprintf("integrationctl deploy %s %s --namespace %s", verb, cmp.Or(t.o.Name, "k8s"), t.o.Namespace)
	if t.o.Context != "" {
		text += " --context " + t.o.Context
	}
	return text
}

// requireNamespace fails before the first object is created in a namespace that does not exist.
func (t *Target) requireNamespace(ctx context.Context) error {
	err := t.client.Get(ctx, client.ObjectKey{Name: t.o.Namespace}, &corev1.Namespace{})
	if client.IgnoreNotFound(err) == nil && err != nil {
		return deploy.Failf(deploy.PreflightFailed, "namespace %q does not exist: run `%s` first", t.o.Namespace, t.command("setup"))
	}
	if err != nil {
		return fmt.Errorf("reading namespace %q: %w", t.o.Namespace, err)
	}
	return nil
}

// exclusive runs steps under the target's lock.
func (t *Target) exclusive(ctx context.Context, steps *progress.Steps, do func(ctx context.Context) error) error {
	if err := t.requireNamespace(ctx); err != nil {
		return err
	}
	locked, unlock, err := t.lock(ctx, steps)
	if err != nil {
		return err
	}
	err = do(locked)
	if deploy.IsLockLost(locked) {
		err = errors.Join(err, deploy.ErrLockLost)
	}
	unlock()
	return err
}
