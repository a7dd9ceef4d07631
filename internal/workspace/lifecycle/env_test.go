package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"
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
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// labelTest is on the Workspaces of a test: its controllers see no others.
const labelTest = "test"

// stage is one controller in its manager, wired as in the service, and what a test needs around it.
type testEnv struct {
	t testing.TB
	envOptions
	// admin is the user.
	admin      client.Client
	mgr        manager.Manager
	controller *Controller
	requests   *requestLog
	reads      *readCounter
	// relisted is the caches' report of a list.
	relisted chan struct{}
	metrics  *prometheus.Registry
	stop     func()
}

// envOptions say how a stage differs from the usual one.
type envOptions struct {
	template   string
	account    string
	reserved   string
	consoleURL string
	flyte      *flytetest.Server
	api        flyte.API
	leadership *fakeLeadership
	deletion   Deletion
	// limits are far away unless they are set.
	limits       workspace.Limits
	clock        *clock
	flyteTimeout time.Duration
	// proxy stands between the controller and the API server.
	proxy *faultproxy.Proxy
	// noWorkspaceService: the service runs without a workspace service.
	noWorkspaceService bool
	// watchesAll lets the controller see the Workspaces of all tests: only for tests that run alone.
	watchesAll bool
}

// newTestEnv starts a controller that runs until the test ends or stop is called.
func newTestEnv(t testing.TB, o envOptions) *testEnv {
	t.Helper()
	env := &testEnv{t: t, envOptions: o, requests: &requestLog{}, relisted: make(chan struct{}, 1)}
	env.template = cmp.Or(o.template, "{prefix}{project}")
	env.deletion.Policy = cmp.Or(o.deletion.Policy, v1alpha1.DeletionArchive)
	env.account = cmp.Or(o.account, accounts[env.deletion.Policy])
	env.limits = cmp.Or(o.limits, workspace.NewLimits(9000))
	env.clock = cmp.Or(o.clock, &clock{})
	env.metrics = prometheus.NewRegistry()
	env.consoleURL = cmp.Or(o.consoleURL, "https://flyte.company.com")
	env.admin = adminClient(t)
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

func (env *testEnv) addManager() {
	env.t.Helper()
	scheme, err := k8s.NewScheme()
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
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	must(env.t, err)
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
	env.controller = New(Options{
		Applier: k8s.NewApplier(env.reads, env.mgr.GetAPIReader(), desired.Owns), Projects: projects, Leadership: env.leadership,
		Flyte: desired.Flyte{
			Server: env.flyteServer(), Domains: []string{"development", "staging", "production"}, PerDomain: naming.PerDomain(),
		},
		Naming: naming, Validator: workspace.NewValidator(naming), Cluster: &desired.Cluster{FlyteNamespace: "flyte-system"},
		ConsoleURL: func(id string) string { return flyte.ConsoleURL(flyte.V1, env.consoleURL, id, "") },
		Reporting:  !env.noWorkspaceService,
		Relisted:   env.relisted,
		Deletion:   env.deletion, Limits: env.limits,
		Events: env.mgr.GetEventRecorder("workspace-flyte-integration"), Metrics: env.metrics, Now: env.clock.now,
	})
	env.controller.flyteTimeout = cmp.Or(env.flyteTimeout, flyteTimeout)
	must(env.t, env.controller.Setup(env.t.Context(), env.mgr))
}

// flyteServer is the Flyte of the stage.
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
	env.t.Cleanup(func() { env.stop() })
	if !env.mgr.GetCache().WaitForCacheSync(env.t.Context()) {
		env.t.Fatal("the caches have not synced")
	}
}

// labels are what the Workspaces of this test carry. The tests within a test have their own.
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

// clock is the real time, moved ahead by a test.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// advance moves the clock and looks at these workspaces again, one after the other, before anything else sees the new time.
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

// reconcile looks at a workspace again, and returns when that has ended.
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

// reconcileUntilDone looks at a workspace again for as long as the controller itself would at once.
func (env *testEnv) reconcileUntilDone(id string) {
	env.t.Helper()
	env.leadership.exclusively(env.t.Context(), func(ctx context.Context) { env.reconcileRepeatedly(ctx, id) })
}

func (env *testEnv) reconcileRepeatedly(exclusive context.Context, id string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		result, err := env.controller.Reconcile(exclusive, reconcile.Request{NamespacedName: client.ObjectKey{Name: id}})
		if err == nil && result.RequeueAfter > 0 && result.RequeueAfter <= slotTimeout {
			err = errors.New("it is to be looked at again at once")
		}
		return err
	})
}

// withoutLeader does something that no Reconcile may see half done.
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
