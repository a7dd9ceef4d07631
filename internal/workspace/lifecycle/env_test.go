package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// labelTest is the label of a test's Workspaces. Its controllers watch no others.
const labelTest = "test"

// testEnv is a controller in a manager, wired as in the service, with clients and fakes for tests.
type testEnv struct {
	t testing.TB
	envOptions
	// admin is another client, with all rights.
	admin      client.Client
	mgr        manager.Manager
	controller *Controller
	requests   *requestLog
	reads      *readCounter
	// relisted is Options.Relisted.
	relisted chan struct{}
	metrics  *prometheus.Registry
	stop     func()
}

// envOptions change the defaults of a testEnv.
type envOptions struct {
	template   string
	account    string
	reserved   string
	consoleURL string
	flyte      *flytetest.Server
	api        flyte.API
	leadership *fakeLeadership
	deletion   Deletion
	// limits default to 9000 workspaces.
	limits       workspace.Limits
	clock        *clock
	flyteTimeout time.Duration
	// tierStatusInterval is zero for tests that don't need the status of tiers: all tests share the tier standard.
	tierStatusInterval time.Duration
	// proxy injects faults into the controller's requests to the API server.
	proxy *faultproxy.Proxy
	// noWorkspaceService: the service runs without a workspace service.
	noWorkspaceService bool
	// networkNotEnforced is Options.NetworkNotEnforced.
	networkNotEnforced func() bool
	// late: kube-controller-manager writes no status of ResourceQuotas, as the controller sees it.
	late *atomic.Bool
	// queues: the service makes queues.
	queues bool
	// objectKinds are the kinds that objects of tiers may have. They need the account objectsAccount.
	objectKinds workspace.ObjectKinds
	// watchesAll: the controller watches the Workspaces of all tests. Only for tests that are not parallel.
	watchesAll bool
}

// newTestEnv starts a controller that runs until the test ends or stop is called.
func newTestEnv(t testing.TB, o envOptions) *testEnv {
	t.Helper()
	env := &testEnv{t: t, envOptions: o, requests: &requestLog{}, relisted: make(chan struct{}, 1)}
	env.template = cmp.Or(o.template, "{prefix}{project}")
	env.deletion.Policy = cmp.Or(o.deletion.Policy, v1alpha1.DeletionArchive)
	env.account = cmp.Or(o.account, accounts[env.deletion.Policy])
	if o.queues {
		env.account = queuesAccount
	}
	env.limits = cmp.Or(o.limits, workspace.NewLimits(9000))
	env.clock = cmp.Or(o.clock, &clock{})
	env.metrics = prometheus.NewRegistry()
	env.consoleURL = cmp.Or(o.consoleURL, "https://flyte.company.com")
	env.admin = shared.Admin(t)
	if env.flyte == nil {
		double, err := flytetest.Start()
		must(t, err)
		t.Cleanup(double.Stop)
		env.flyte = double
	}
	if env.leadership == nil {
		env.leadership = &fakeLeadership{}
		env.leadership.acquire()
	}
	env.addManager()
	env.addController()
	env.start()
	return env
}

// newScheme makes the service's scheme, once for all tests.
var newScheme = sync.OnceValues(k8s.NewScheme)

func (env *testEnv) addManager() {
	env.t.Helper()
	scheme, err := newScheme()
	must(env.t, err)
	caches, err := k8s.CacheOptions(scheme, env.relisted)
	must(env.t, err)
	for object, options := range caches.ByObject {
		if _, ok := object.(*v1alpha1.Workspace); ok && !env.watchesAll {
			options.Label = labels.SelectorFromSet(env.labels())
			caches.ByObject[object] = options
		}
	}
	cfg := clustertest.As(env.t, shared.Cluster(env.t), env.account)
	if env.proxy != nil {
		cfg = env.proxy.Config(cfg)
	}
	cfg.Wrap(env.requests.around)
	env.mgr, err = manager.New(cfg, manager.Options{
		Scheme: scheme, Cache: caches, Logger: logr.Discard(),
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Controller:     config.Controller{SkipNameValidation: new(true)},
		MapperProvider: env.mapper(),
	})
	must(env.t, err)
}

// mapper shares the admin's RESTMapper, which has discovered the kinds already. Tests that inject faults, or whose kinds come and go, have
// one of their own.
func (env *testEnv) mapper() func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	if env.proxy != nil || env.queues || env.objectKinds != nil {
		return nil // the default
	}
	return func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return env.admin.RESTMapper(), nil }
}

func (env *testEnv) addController() {
	env.t.Helper()
	own, err := client.New(env.mgr.GetConfig(), client.Options{
		Scheme: env.mgr.GetScheme(), Mapper: env.mgr.GetRESTMapper(), HTTPClient: env.mgr.GetHTTPClient(),
		Cache: &client.CacheOptions{Reader: env.mgr.GetCache(), EnableReadYourWritesConsistency: new(true)},
	})
	must(env.t, err)
	env.reads = &readCounter{Client: own}
	naming, err := workspace.NewNaming(
		env.template, "flyte-", []string{"development", "staging", "production"}, []string{"flyte-system", env.reserved},
	)
	must(env.t, err)
	projects, err := flyte.New(flyte.Options{Endpoint: env.flyte.Addr(), API: env.api, OwnerLabel: v1alpha1.LabelWorkspace})
	must(env.t, err)
	env.t.Cleanup(func() { must(env.t, projects.Close()) })
	var queues *k8s.Optional
	if env.queues {
		queues, err = k8s.NewOptional(env.mgr, kueue.GroupVersion, k8s.Queues()...)
		must(env.t, err)
	}
	env.controller = New(Options{
		Queues: queues, ObjectKinds: env.addObjectKinds(),
		Applier:  k8s.NewApplier(env.reads, &lateQuotas{env.mgr.GetAPIReader(), env.late}, desired.Owns),
		Projects: projects, Leadership: env.leadership,
		Flyte: desired.Flyte{
			Server: env.flyteServer(), Domains: []string{"development", "staging", "production"}, PerDomain: naming.PerDomain(),
		},
		Naming: naming, Validator: workspace.NewValidator(naming), Cluster: &desired.Cluster{FlyteNamespace: "flyte-system"},
		ConsoleURL:         func(id string) string { return flyte.ConsoleURL(flyte.V1, env.consoleURL, id, "") },
		Reporting:          !env.noWorkspaceService,
		TierStatusInterval: env.tierStatusInterval,
		Relisted:           env.relisted, NetworkNotEnforced: env.networkNotEnforced,
		Deletion: env.deletion, Limits: env.limits,
		Events: env.mgr.GetEventRecorder("workspace-flyte-integration"), Metrics: env.metrics, Now: env.clock.now,
	})
	env.controller.flyteTimeout = cmp.Or(env.flyteTimeout, flyteTimeout)
	must(env.t, env.controller.Setup(env.t.Context(), env.mgr))
}

// flyteServer is the Flyte of the environment, as the status names it.
func (env *testEnv) flyteServer() v1alpha1.FlyteServer {
	return v1alpha1.FlyteServer{Endpoint: env.flyte.Addr(), APIVersion: string(cmp.Or(env.api, flyte.V1))}
}

func (env *testEnv) start() {
	env.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(env.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- env.mgr.Start(ctx) }()
	var stopped bool
	env.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			env.t.Error(err)
		}
	}
	env.t.Cleanup(func() {
		env.stop()
		env.deleteNamespaces()
	})
	if !env.mgr.GetCache().WaitForCacheSync(env.t.Context()) {
		env.t.Fatal("the caches have not synced")
	}
}

// deleteNamespaces begins to delete the namespaces of the test's Workspaces, so that the caches of later tests don't list them.
func (env *testEnv) deleteNamespaces() {
	ctx := context.WithoutCancel(env.t.Context())
	var ws v1alpha1.WorkspaceList
	var namespaces corev1.NamespaceList
	must(env.t, env.admin.List(ctx, &ws, client.MatchingLabels(env.labels())))
	must(env.t, env.admin.List(ctx, &namespaces, client.HasLabels{v1alpha1.LabelWorkspace}))
	for i := range namespaces.Items {
		ns := &namespaces.Items[i]
		if slices.ContainsFunc(ws.Items, func(w v1alpha1.Workspace) bool { return w.Name == k8s.WorkspaceOf(ns) }) {
			must(env.t, client.IgnoreNotFound(env.admin.Delete(ctx, ns)))
		}
	}
}

// labels are the labels of this test's Workspaces. Each subtest has its own.
func (env *testEnv) labels() map[string]string {
	name := strings.NewReplacer("/", "_").Replace(env.t.Name())
	return map[string]string{labelTest: strings.Trim(name[max(0, len(name)-63):], "_")}
}

const (
	week  = 7 * 24 * time.Hour
	month = 30 * 24 * time.Hour
)

// deletes is the policy Delete with the contract's times.
var deletePolicy = Deletion{Policy: v1alpha1.DeletionDelete, GracePeriod: week, TombstoneTTL: month}

// clock is the real time plus an offset.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// advance moves the clock and reconciles these workspaces in order, before any other Reconcile runs at the new time.
func (env *testEnv) advance(by time.Duration, ids ...string) {
	env.t.Helper()
	env.leadership.exclusively(env.t.Context(), func(ctx context.Context) {
		env.clock.mu.Lock()
		env.clock.ahead += by
		env.clock.mu.Unlock()
		for _, id := range ids {
			env.reconcileRepeatedly(ctx, id)
		}
	})
}

// reconcile reconciles a workspace once, and fails the test on an error.
func (env *testEnv) reconcile(id string) {
	env.t.Helper()
	must(env.t, env.tryReconcile(id))
}

func (env *testEnv) tryReconcile(id string) (err error) {
	env.leadership.exclusively(env.t.Context(), func(ctx context.Context) {
		_, err = env.controller.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKey{Name: id}})
	})
	return err
}

// reconcileUntilDone reconciles a workspace until it is no longer requeued at once.
func (env *testEnv) reconcileUntilDone(id string) {
	env.t.Helper()
	env.leadership.exclusively(env.t.Context(), func(ctx context.Context) { env.reconcileRepeatedly(ctx, id) })
}

func (env *testEnv) reconcileRepeatedly(exclusive context.Context, id string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		result, err := env.controller.Reconcile(exclusive, reconcile.Request{NamespacedName: client.ObjectKey{Name: id}})
		if err == nil && result.RequeueAfter > 0 && result.RequeueAfter <= slotTimeout {
			err = errors.New("the workspace is requeued at once")
		}
		return err
	})
}

// withoutLeader calls do while no replica leads, so that no Reconcile observes an intermediate state.
func (env *testEnv) withoutLeader(do func()) {
	env.t.Helper()
	env.leadership.lose()
	env.awaitIdle()
	do()
	env.lead()
}

// awaitIdle waits until no Reconcile is under way.
func (env *testEnv) awaitIdle() {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		env.controller.progress.mu.Lock()
		defer env.controller.progress.mu.Unlock()
		if len(env.controller.progress.underWay) > 0 {
			return errors.New("a Reconcile is under way")
		}
		return nil
	})
}
