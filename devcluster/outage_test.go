package devcluster

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStartAPIServer_ComesBackWithItsState(t *testing.T) {
	c := sharedCluster(t)
	name := createNamespace(t, c)
	client := clientFor(t, c.Config())

	c.StopAPIServer()
	if _, err := client.Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err == nil {
		t.Error("a stopped API server answered")
	}
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	if err := c.StartAPIServer(t.Context()); err == nil {
		t.Error("starting a running API server did not fail")
	}
	later := createNamespace(t, c)
	eventually(t, func(ctx context.Context) error { // the controllers are back, too
		_, err := client.ServiceAccounts(later).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

func TestPauseAPIServer_Hangs(t *testing.T) {
	c := sharedCluster(t)
	client := clientFor(t, c.Config())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c.PauseAPIServer()
	_, err := client.Namespaces().Get(ctx, "default", metav1.GetOptions{})
	c.ResumeAPIServer()
	if err == nil || ctx.Err() == nil {
		t.Errorf("a paused API server did not hang: %v", err)
	}
	if _, err := client.Namespaces().Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestStartEtcd_ComesBackWithItsState(t *testing.T) {
	c := sharedCluster(t)
	name := createNamespace(t, c)
	client := clientFor(t, c.Config())
	c.StopEtcd()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	another := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name + "-during"}}
	if _, err := client.Namespaces().Create(ctx, another, metav1.CreateOptions{}); err == nil {
		t.Error("something was stored without etcd")
	}
	if err := c.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		_, err := client.Namespaces().Get(ctx, name, metav1.GetOptions{})
		return err
	})
}
