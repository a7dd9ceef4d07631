package k8s

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

var shared = clustertest.Shared{Prepare: func(testing.TB, client.Client, *rest.Config) {}}

func TestMain(m *testing.M) { shared.Main(m) }

// short times of the lock: a test waits until it is dead.
var quick = deploy.LockTimes{Duration: 5 * time.Second, Renewal: 100 * time.Millisecond, Check: 50 * time.Millisecond}

// newTarget is a target in a namespace of its own, and the output of its steps.
func newTarget(t *testing.T, namespace string) (*Target, *progress.Steps, *strings.Builder) {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	path := shared.Cluster(t).Kubeconfig()
	flags.KubeConfig = &path
	target, err := New(Options{Cluster: flags, Namespace: namespace, Release: "r", Lock: quick, Timeout: time.Minute})
	clustertest.Must(t, err)
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	clustertest.Must(t, client.IgnoreAlreadyExists(target.client.Create(t.Context(), home)))
	out := &strings.Builder{}
	return target, progress.New(progress.Plain(out)), out
}

// TestLock_RefusesAnother: while one program holds the lock and renews it, another is refused. Once it is released, it is free at once.
func TestLock_RefusesAnother(t *testing.T) {
	t.Parallel()
	one, steps, _ := newTarget(t, "lock-held")
	two, others, _ := newTarget(t, "lock-held")
	err := one.exclusive(t.Context(), steps, func(ctx context.Context) error {
		err := two.exclusive(ctx, others, func(context.Context) error { return errors.New("it got the lock, too") })
		if deploy.OutcomeOf(err) != deploy.PreflightFailed || !strings.Contains(err.Error(), "has held the lock since") {
			t.Errorf("the second one: %v", err)
		}
		return nil
	})
	clustertest.Must(t, err)
	clustertest.Must(t, two.exclusive(t.Context(), others, func(context.Context) error { return nil }))
}

// TestLock_TakesOverFromTheDead: a lock that nobody renews is taken over after its duration, not before.
func TestLock_TakesOverFromTheDead(t *testing.T) {
	t.Parallel()
	target, steps, out := newTarget(t, "lock-dead")
	holder := "ana@laptop (process 1)"
	future := metav1.NewMicroTime(time.Now().Add(time.Hour)) // that machine's clock is wrong
	clustertest.Must(t, target.client.Create(t.Context(), &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "lock-dead", Name: "r-deploy"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, AcquireTime: &future, RenewTime: &future},
	}))
	begin := time.Now()
	clustertest.Must(t, target.exclusive(t.Context(), steps, func(context.Context) error { return nil }))
	if took := time.Since(begin); took < quick.Duration {
		t.Errorf("it was taken over after %s", took)
	}
	if !strings.Contains(out.String(), "taken over from "+holder) {
		t.Errorf("the steps say\n%s", out)
	}
}

// TestLock_EndsWhatLostIt: who loses the lock stops, and says so.
func TestLock_EndsWhatLostIt(t *testing.T) {
	t.Parallel()
	target, steps, _ := newTarget(t, "lock-lost")
	err := target.exclusive(t.Context(), steps, func(ctx context.Context) error {
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "lock-lost", Name: "r-deploy"}}
		clustertest.Must(t, target.client.Delete(t.Context(), lease)) // ctx may end before it has its answer
		<-ctx.Done()
		return nil
	})
	if !errors.Is(err, deploy.ErrLockLost) {
		t.Errorf("the error is %v", err)
	}
}
