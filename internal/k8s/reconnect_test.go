package k8s

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// fakeListWatch fails with err until downUntil.
type fakeListWatch struct {
	err       error
	downUntil time.Time
	calls     int
}

func (s *fakeListWatch) respond() error {
	s.calls++
	if time.Now().Before(s.downUntil) {
		return s.err
	}
	return nil
}

func (s *fakeListWatch) ListWithContext(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return &v1alpha1.WorkspaceList{}, s.respond()
}

func (s *fakeListWatch) WatchWithContext(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), s.respond()
}

// A reflector alone would back off by up to a minute after an outage of ten minutes.
func TestReconnecting_RetriesUnavailableWithinSeconds(t *testing.T) {
	t.Parallel()
	for _, unavailable := range []error{
		fmt.Errorf("dialling: %w", syscall.ECONNREFUSED), syscall.ECONNRESET, apierrors.NewServiceUnavailable("etcd"),
		apierrors.NewInternalError(errors.New("etcd")), apierrors.NewTimeoutError("slow", 1), context.DeadlineExceeded,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &fakeListWatch{err: unavailable, downUntil: time.Now().Add(10 * time.Minute)}
			r := &reconnecting{with: s}
			if _, err := r.ListWithContext(t.Context(), metav1.ListOptions{}); err != nil {
				t.Errorf("%v: listing ends with %v", unavailable, err)
			}
			if delay := time.Since(s.downUntil); delay > 2*lastReconnect || s.calls > 200 {
				t.Errorf("%v: %v late, asked %d times", unavailable, delay, s.calls)
			}
			s.downUntil = time.Now().Add(time.Minute)
			if _, err := r.WatchWithContext(t.Context(), metav1.ListOptions{}); err != nil || time.Since(s.downUntil) > 2*lastReconnect {
				t.Errorf("%v: watching ends with %v, %v late", unavailable, err, time.Since(s.downUntil))
			}
		})
	}
}

func TestReconnecting_ReturnsOtherErrors(t *testing.T) {
	t.Parallel()
	resource := v1alpha1.GroupVersion.WithResource("workspaces").GroupResource()
	for _, err := range []error{
		apierrors.NewForbidden(resource, "", nil), apierrors.NewResourceExpired("too old"),
		apierrors.NewTooManyRequests("busy", 1), errors.New("unknown"),
	} {
		s := &fakeListWatch{err: err, downUntil: time.Now().Add(time.Hour)}
		if _, got := (&reconnecting{with: s}).ListWithContext(t.Context(), metav1.ListOptions{}); !errors.Is(got, err) || s.calls != 1 {
			t.Errorf("%v: got %v after %d requests", err, got, s.calls)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &fakeListWatch{err: syscall.ECONNREFUSED, downUntil: time.Now().Add(time.Hour)}
	if _, err := (&reconnecting{with: s}).WatchWithContext(ctx, metav1.ListOptions{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after its context was cancelled, watching ends with %v", err)
	}
}

func TestReconnecting_ReportsRelists(t *testing.T) {
	t.Parallel()
	relisted := make(chan struct{}, 1)
	r := &reconnecting{with: &fakeListWatch{}, relisted: relisted}
	list := func(o metav1.ListOptions) {
		t.Helper()
		_, err := r.ListWithContext(t.Context(), o)
		must(t, err)
	}
	watchFrom := func(o metav1.ListOptions) {
		t.Helper()
		_, err := r.WatchWithContext(t.Context(), o)
		must(t, err)
	}
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"the first list", func() { list(metav1.ListOptions{}) }, 0},
		{"its next page", func() { list(metav1.ListOptions{Continue: "more"}) }, 0},
		{"a watch", func() { watchFrom(metav1.ListOptions{}) }, 0},
		{"a second list", func() { list(metav1.ListOptions{}) }, 1},
		{"a watch that begins with a list", func() { watchFrom(metav1.ListOptions{SendInitialEvents: new(true)}) }, 1},
		{"two lists", func() { list(metav1.ListOptions{}); list(metav1.ListOptions{}) }, 1},
	} {
		step.do()
		if got := len(relisted); got != step.want {
			t.Errorf("%s: %d reports, want %d", step.name, got, step.want)
		}
		for len(relisted) > 0 {
			<-relisted
		}
	}
}
