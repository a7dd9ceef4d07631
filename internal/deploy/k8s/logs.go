package k8s

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const (
	serviceContainer = "integration" // of the chart
	logsCheck        = 2 * time.Second
)

// Logs implements [deploy.Logger]. With Follow it reconnects when a connection ends, and follows pods that are created later.
func (t *Target) Logs(ctx context.Context, out io.Writer, o deploy.LogOptions) error {
	f := &follower{target: t, out: out, o: o, pause: logsCheck, streams: map[string]bool{}}
	if err := f.begin(ctx); err != nil {
		return err
	}
	if !o.Follow {
		f.running.Wait()
		return f.err
	}
	err := wait.PollUntilContextCancel(ctx, logsCheck, false, func(ctx context.Context) (bool, error) {
		_ = f.begin(ctx) // the API server may be away for a while
		return false, nil
	})
	f.running.Wait()
	return err
}

// follower copies the logs of pods, each in a goroutine.
type follower struct {
	target *Target
	out    io.Writer
	o      deploy.LogOptions
	// pause comes before a stream is opened again.
	pause   time.Duration
	running sync.WaitGroup

	mu      sync.Mutex
	streams map[string]bool // by pod, also after the stream has ended
	err     error
}

// begin starts a stream for each pod that has none.
func (f *follower) begin(ctx context.Context) error {
	pods, err := f.pods(ctx)
	if err != nil {
		return err
	}
	for i := range pods {
		pod, prefix := &pods[i], ""
		if len(pods) > 1 || f.o.Follow {
			prefix = "[" + pod.Name + "] "
		}
		if f.isNew(pod) {
			f.running.Go(func() { f.copy(ctx, pod.Name, prefix) })
		}
	}
	return nil
}

// isNew says whether a pod has started and has no stream yet. It says so of each pod once.
func (f *follower) isNew(pod *corev1.Pod) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams[pod.Name] || pod.Status.Phase == corev1.PodPending {
		return false
	}
	f.streams[pod.Name] = true
	return true
}

func (f *follower) pods(ctx context.Context) ([]corev1.Pod, error) {
	d, err := f.target.deployment(ctx)
	if err != nil {
		return nil, err
	}
	pods, err := f.target.pods(ctx, d)
	if err != nil || f.o.Instance == "" {
		return pods, err
	}
	for i := range pods {
		if pods[i].Name == f.o.Instance {
			return pods[i : i+1], nil
		}
	}
	return nil, fmt.Errorf("the service has no pod %q: `%s` lists them", f.o.Instance, f.target.command("status"))
}

// copy copies the log of a pod. It reconnects after the last line until the pod has ended.
func (f *follower) copy(ctx context.Context, pod, prefix string) {
	options := f.podLogOptions()
	last := ""
	for {
		err := f.stream(ctx, pod, prefix, options, &last)
		if !f.o.Follow {
			f.fail(err)
			return
		}
		if !f.awaitRunning(ctx, pod) {
			return
		}
		options.TailLines = nil
		if at, err := time.Parse(time.RFC3339Nano, last); err == nil {
			options.SinceTime = &metav1.Time{Time: at} // in whole seconds: lines that were copied are left out
		}
	}
}

func (f *follower) podLogOptions() *corev1.PodLogOptions {
	options := &corev1.PodLogOptions{
		Container: serviceContainer, Follow: f.o.Follow, Previous: f.o.Previous, Timestamps: true,
	}
	if f.o.Tail >= 0 {
		options.TailLines = &f.o.Tail
	}
	if f.o.Since > 0 {
		options.SinceTime = &metav1.Time{Time: time.Now().Add(-f.o.Since)}
	}
	return options
}

func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// awaitRunning pauses until the API server answers, and reports whether the pod still runs.
func (f *follower) awaitRunning(ctx context.Context, pod string) (running bool) {
	err := wait.PollUntilContextCancel(ctx, f.pause, false, func(ctx context.Context) (bool, error) {
		found, err := f.target.clientset.CoreV1().Pods(f.target.o.Namespace).Get(ctx, pod, metav1.GetOptions{})
		running = err == nil && found.Status.Phase == corev1.PodRunning
		return err == nil || apierrors.IsNotFound(err), nil
	})
	return err == nil && running
}

// stream copies lines whose time is after the last one's.
func (f *follower) stream(ctx context.Context, pod, prefix string, o *corev1.PodLogOptions, last *string) error {
	stream, err := f.target.clientset.CoreV1().Pods(f.target.o.Namespace).GetLogs(pod, o).Stream(ctx)
	if err != nil {
		return fmt.Errorf("reading the log of pod %q: %w", pod, err)
	}
	defer stream.Close()
	return deploy.CopyLog(stream, last, func(line string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, err := fmt.Fprintln(f.out, prefix+line)
		return err
	})
}
