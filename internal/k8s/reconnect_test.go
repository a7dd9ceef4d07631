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

// apiServer answers with an error for as long as it is away.
type apiServer struct {
	err   error
	until time.Time
	asked int
}

func (s *apiServer) answer() error {
	s.asked++
	if time.Now().Before(s.until) {
		return s.err
	}
	return nil
}

func (s *apiServer) ListWithContext(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return &v1alpha1.WorkspaceList{}, s.answer()
}

func (s *apiServer) WatchWithContext(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), s.answer()
}

// After ten minutes a reflector by itself would wait for up to another one.
func TestReconnecting_IsBackWithinSeconds(t *testing.T) {
	t.Parallel()
	for _, away := range []error{
		fmt.Errorf("dialling: %w", syscall.ECONNREFUSED), syscall.ECONNRESET, apierrors.NewServiceUnavailable("etcd"),
		apierrors.NewInternalError(errors.New("etcd")), apierrors.NewTimeoutError("slow", 1), context.DeadlineExceeded,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &apiServer{err: away, until: time.Now().Add(10 * time.Minute)}
			r := &reconnecting{with: s}
			if _, err := r.ListWithContext(t.Context(), metav1.ListOptions{}); err != nil {
				t.Errorf("%v: listing ends with %v", away, err)
			}
			if late := time.Since(s.until); late > 2*lastReconnect || s.asked > 200 {
				t.Errorf("%v: %v late, asked %d times", away, late, s.asked)
			}
			s.until = time.Now().Add(time.Minute)
			if _, err := r.WatchWithContext(t.Context(), metav1.ListOptions{}); err != nil || time.Since(s.until) > 2*lastReconnect {
				t.Errorf("%v: watching ends with %v, %v late", away, err, time.Since(s.until))
			}
		})
	}
}

func TestReconnecting_LeavesTheRestToTheReflector(t *testing.T) {
	t.Parallel()
	resource := v1alpha1.GroupVersion.WithResource("workspaces").GroupResource()
	for _, err := range []error{
		apierrors.NewForbidden(resource, "", nil), apierrors.NewResourceExpired("too old"),
		apierrors.NewTooManyRequests("busy", 1), errors.New("odd"),
	} {
		s := &apiServer{err: err, until: time.Now().Add(time.Hour)}
		if _, got := (&reconnecting{with: s}).ListWithContext(t.Context(), metav1.ListOptions{}); !errors.Is(got, err) || s.asked != 1 {
			t.Errorf("%v: got %v after %d requests", err, got, s.asked)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &apiServer{err: syscall.ECONNREFUSED, until: time.Now().Add(time.Hour)}
	if _, err := (&reconnecting{with: s}).WatchWithContext(ctx, metav1.ListOptions{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("told to end, it does with %v", err)
	}
}

func TestReconnecting_ReportsLaterLists(t *testing.T) {
	t.Parallel()
	relisted := make(chan struct{}, 1)
	r := &reconnecting{with: &apiServer{}, relisted: relisted}
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
