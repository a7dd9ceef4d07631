package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
type stage struct {
	t testing.TB
	stageOptions
	// admin is the user.
	admin      client.Client
	mgr        manager.Manager
	controller *Controller
	requests   *requestLog
	looks      *looking
	// relisted is the caches' report of a list.
	relisted chan struct{}
	metrics  *prometheus.Registry
	stop     func()
}

// stageOptions say how a stage differs from the usual one.
type stageOptions struct {
	template   string
	account    string
	reserved   string
	consoleURL string
	flyte      *flytetest.Server
	api        flyte.API
	leadership *leadership
	deletion   Deletion
	// limits are far away unless they are set.
	limits       workspace.Limits
	clock        *clock
	flyteTimeout time.Duration
	// proxy stands between the controller and the API server.
	proxy *faultproxy.Proxy
	// alone: there is no workspace service.
	alone bool
	// seesAll lets the controller see the Workspaces of all tests: only for tests that run alone.
	seesAll bool
}

// newStage starts a controller that runs until the test ends or stop is called.
func newStage(t testing.TB, o stageOptions) *stage {
	t.Helper()
	s := &stage{t: t, stageOptions: o, requests: &requestLog{}, relisted: make(chan struct{}, 1)}
	s.template = cmp.Or(o.template, "{prefix}{project}")
	s.deletion.Policy = cmp.Or(o.deletion.Policy, v1alpha1.DeletionArchive)
	s.account = cmp.Or(o.account, accounts[s.deletion.Policy])
	s.limits = cmp.Or(o.limits, workspace.NewLimits(9000))
	s.clock = cmp.Or(o.clock, &clock{})
	s.metrics = prometheus.NewRegistry()
	s.consoleURL = cmp.Or(o.consoleURL, "https://flyte.company.com")
	s.admin = asAdmin(t)
	if s.flyte == nil {
		double, err := flytetest.Start()
		must(t, err)
		t.Cleanup(double.Stop)
		s.flyte = double
	}
	if s.leadership == nil {
		s.leadership = &leadership{}
		s.leadership.acquire()
	}
	s.addManager()
	s.addController()
	s.start()
	return s
}

func (s *stage) addManager() {
	s.t.Helper()
	scheme, err := k8s.NewScheme()
	must(s.t, err)
	caches, err := k8s.CacheOptions(scheme, s.relisted)
	must(s.t, err)
	for object, options := range caches.ByObject {
		if _, ok := object.(*v1alpha1.Workspace); ok && !s.seesAll {
			options.Label = labels.SelectorFromSet(s.labels())
			caches.ByObject[object] = options
		}
	}
	cfg := clustertest.As(s.t, shared.Cluster(s.t), s.account)
	if s.proxy != nil {
		cfg = s.proxy.Config(cfg)
	}
	cfg.Wrap(s.requests.around)
	s.mgr, err = manager.New(cfg, manager.Options{
		Scheme: scheme, Cache: caches, Logger: logr.Discard(),
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	must(s.t, err)
}

func (s *stage) addController() {
	s.t.Helper()
	own, err := client.New(s.mgr.GetConfig(), client.Options{
		Scheme: s.mgr.GetScheme(), Mapper: s.mgr.GetRESTMapper(), HTTPClient: s.mgr.GetHTTPClient(),
		Cache: &client.CacheOptions{Reader: s.mgr.GetCache(), EnableReadYourWritesConsistency: new(true)},
	})
	must(s.t, err)
	s.looks = &looking{Client: own}
	naming, err := workspace.NewNaming(
		s.template, "flyte-", []string{"development", "staging", "production"}, []string{"flyte-system", s.reserved},
	)
	must(s.t, err)
	projects, err := flyte.New(flyte.Options{Endpoint: s.flyte.Addr(), API: s.api, OwnerLabel: v1alpha1.LabelWorkspace})
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, projects.Close()) })
	s.controller = New(Options{
		Applier: k8s.NewApplier(s.looks, s.mgr.GetAPIReader(), desired.Owns), Projects: projects, Leadership: s.leadership,
		Flyte: desired.Flyte{
			Server: s.flyteServer(), Domains: []string{"development", "staging", "production"}, PerDomain: naming.PerDomain(),
		},
		Naming: naming, Validator: workspace.NewValidator(naming), Cluster: &desired.Cluster{FlyteNamespace: "flyte-system"},
		ConsoleURL: func(id string) string { return flyte.ConsoleURL(flyte.V1, s.consoleURL, id, "") },
		Reporting:  !s.alone,
		Relisted:   s.relisted,
		Deletion:   s.deletion, Limits: s.limits,
		Events: s.mgr.GetEventRecorder("workspace-flyte-integration"), Metrics: s.metrics, Now: s.clock.now,
	})
	s.controller.flyteTimeout = cmp.Or(s.flyteTimeout, flyteTimeout)
	must(s.t, s.controller.Setup(s.t.Context(), s.mgr))
}

// flyteServer is the Flyte of the stage.
func (s *stage) flyteServer() v1alpha1.FlyteServer {
	return v1alpha1.FlyteServer{Endpoint: s.flyte.Addr(), APIVersion: string(cmp.Or(s.api, flyte.V1))}
}

func (s *stage) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.mgr.Start(ctx) }()
	var stopped bool
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(func() { s.stop() })
	if !s.mgr.GetCache().WaitForCacheSync(s.t.Context()) {
		s.t.Fatal("the caches have not synced")
	}
}

// labels are what the Workspaces of this test carry. The tests within a test have their own.
func (s *stage) labels() map[string]string {
	name := strings.NewReplacer("/", "_").Replace(s.t.Name())
	return map[string]string{labelTest: strings.Trim(name[max(0, len(name)-63):], "_")}
}

// workspace is an Active Workspace with one member of each role but viewer.
func (s *stage) workspace(id string) *v1alpha1.Workspace {
	return &v1alpha1.Workspace{
		ObjectMeta: metav1.ObjectMeta{Name: id, Labels: s.labels()},
		Spec: v1alpha1.WorkspaceSpec{
			DisplayName: "Fraud detection", Description: "Card fraud models", Owner: "ana@company.com",
			Tier: v1alpha1.DefaultTier, State: v1alpha1.StateActive, Version: 1, StateVersion: 1,
			Members: []v1alpha1.Member{
				{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
				{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
			},
			Labels: map[string]v1alpha1.LabelValue{"cost-center": "42"},
		},
	}
}

// provisioned is a workspace that has become Ready.
func (s *stage) provisioned(id string) *v1alpha1.Workspace {
	s.t.Helper()
	create(s.t, s.admin, s.workspace(id))
	return s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// change edits a Workspace by hand.
func (s *stage) change(id string, edit func(*v1alpha1.Workspace)) {
	s.t.Helper()
	var w v1alpha1.Workspace
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: id}, &w))
	before := w.DeepCopy()
	edit(&w)
	must(s.t, s.admin.Patch(s.t.Context(), &w, client.MergeFrom(before)))
}

func (s *stage) setState(id string, state v1alpha1.State) {
	s.t.Helper()
	s.change(id, func(w *v1alpha1.Workspace) { w.Spec.State = state })
}

// await returns the Workspace as soon as the condition has the reason, for the present generation.
func (s *stage) await(id, condition, reason string) *v1alpha1.Workspace {
	s.t.Helper()
	var w v1alpha1.Workspace
	eventually(s.t, func(ctx context.Context) error {
		w = v1alpha1.Workspace{}
		if err := s.admin.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
			return err
		}
		have := meta.FindStatusCondition(w.Status.Conditions, condition)
		if have == nil || have.Reason != reason || have.ObservedGeneration != w.Generation {
			return fmt.Errorf("%s of %s is not %s in %+v", condition, id, reason, w.Status)
		}
		return nil
	})
	return &w
}

// reconcile looks at a workspace again, and returns when that has ended.
func (s *stage) reconcile(id string) {
	s.t.Helper()
	must(s.t, s.tryReconcile(id))
}

func (s *stage) tryReconcile(id string) (err error) {
	s.leadership.alone(s.t.Context(), func(ctx context.Context) {
		_, err = s.controller.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKey{Name: id}})
	})
	return err
}

// deleteNamespace returns when it is gone.
func (s *stage) deleteNamespace(name string) {
	s.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	must(s.t, s.admin.Delete(s.t.Context(), namespace))
	eventually(s.t, func(ctx context.Context) error {
		err := s.admin.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)
		if err == nil {
			return fmt.Errorf("the namespace %s is still there", name)
		}
		return client.IgnoreNotFound(err)
	})
}

// conditions are the conditions of w as lines of "type=status reason".
func conditions(w *v1alpha1.Workspace) []string {
	var lines []string
	for _, condition := range append(v1alpha1.StepConditions(), v1alpha1.ConditionReady) {
		if c := meta.FindStatusCondition(w.Status.Conditions, condition); c != nil {
			lines = append(lines, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
		}
	}
	return lines
}
