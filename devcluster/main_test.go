package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		fmt.Fprintln(os.Stderr, startAndHang(os.Stdout))
		os.Exit(1)
	}
	code := m.Run()
	if shared != nil {
		shared.Stop()
	}
	os.Exit(code)
}

// helperVariable makes this test binary start a cluster
// without stopping it.
const helperVariable = "DEVCLUSTER_TEST_HELPER"

func startAndHang(out io.Writer) error {
	c, err := Start(context.Background(), Options{})
	if err != nil {
		return err
	}
	c.PauseAPIServer() // a stopped child must end, too
	for _, p := range c.processes() {
		fmt.Fprintln(out, p.cmd.Process.Pid)
	}
	fmt.Fprintln(out, c.state.dir)
	select {}
}

var (
	shared     *Cluster
	sharedOnce sync.Once
)

// sharedCluster is one cluster for all tests. Parallel tests must not disturb it; those that do
// run before them.
func sharedCluster(t *testing.T) *Cluster {
	t.Helper()
	sharedOnce.Do(func() { shared = startForTest(t, Options{AuditLog: true}, freePorts) })
	if shared == nil {
		t.Fatal("the shared cluster did not start")
	}
	return shared
}

func startForTest(t *testing.T, o Options, pick func() (ports, error)) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // a build may be part of it
	defer cancel()
	o.Progress = t.Output()
	c, err := start(ctx, o, pick)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func clientFor(t *testing.T, cfg *rest.Config) *corev1client.CoreV1Client {
	t.Helper()
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func createNamespace(t *testing.T, c *Cluster) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	created, err := clientFor(t, c.Config()).Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.Name
}

// eventually polls until condition returns nil.
func eventually(t *testing.T, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-ticker.C:
		}
	}
}

var errNotYet = errors.New("not yet")
