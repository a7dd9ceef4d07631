package deploy_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// TestMain gives each run of -count a control plane of its own, so that tests may use fixed names.
func TestMain(m *testing.M) {
	os.Exit(clustertest.Runs(func() int {
		code := m.Run()
		if plane != nil {
			plane.Stop()
		}
		plane, errPlane, once, queuedOnce = nil, nil, sync.Once{}, &sync.Once{}
		return code
	}))
}

var (
	plane    *devcluster.Cluster
	errPlane error
	once     sync.Once
)

// installed is one real control plane for all tests, with the chart's default rendering applied to it; its
// configuration is an admin's.
func installed(t *testing.T) *rest.Config {
	t.Helper()
	once.Do(func() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // a build may be part of it
		defer cancel()
		if plane, errPlane = devcluster.Start(ctx, devcluster.Options{Progress: t.Output()}); errPlane == nil {
			errPlane = deploy.Apply(ctx, plane.Config(), rendered(t, ciValues(t, "default")))
		}
	})
	if errPlane != nil {
		t.Fatal(errPlane)
	}
	return plane.Config()
}

func clientFor(t *testing.T, cfg *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(cfg, client.Options{FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func createNamespace(t *testing.T, admin client.Client, labels map[string]string) string {
	t.Helper()
	created := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "flyte-test-", Labels: labels}}
	if err := admin.Create(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	return created.Name
}
