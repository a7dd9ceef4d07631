package node

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k8s"
)

// deployedPods reads logs and runs commands in the pods of the release, as `integrationctl deploy` does.
func deployedPods(t *testing.T) {
	t.Parallel()
	rolledOut(t)
	flags := genericclioptions.NewConfigFlags(false)
	kubeconfig := env.cluster.Kubeconfig()
	flags.KubeConfig = &kubeconfig
	target, err := k8s.New(k8s.Options{Cluster: flags, Namespace: namespace, Release: release, Timeout: time.Minute})
	harness.Must(t, err)

	var logs strings.Builder
	harness.Must(t, target.Logs(t.Context(), &logs, deploy.LogOptions{Tail: 5}))
	pods, err := servicePods(t.Context())
	harness.Must(t, err)
	for i := range pods {
		if got := strings.Count(logs.String(), "["+pods[i].Name+"] {"); got == 0 || got > 5 {
			t.Errorf("%d of the newest 5 log lines of pod %s:\n%s", got, pods[i].Name, logs.String())
		}
	}
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	harness.Must(t, target.Exec(t.Context(), deploy.ExecOptions{Streams: streams, Command: []string{"/ko-app/integration", "--version"}}))
	if !strings.Contains(out.String(), "go1.") || errOut.Len() > 0 {
		t.Errorf("exec printed %q and %q", out, errOut)
	}
	err = target.Exec(t.Context(), deploy.ExecOptions{Streams: streams, Command: []string{"/ko-app/integration", "--no-such-flag"}})
	if exited, ok := errors.AsType[interface {
		error
		ExitStatus() int
	}](err); !ok || exited.ExitStatus() != 2 {
		t.Errorf("a command that fails: %v", err)
	}
	if _, err := target.Stats(t.Context()); deploy.OutcomeOf(err) != deploy.Unsupported {
		t.Errorf("stats without a metrics API: %v", err)
	}
	status, err := target.Status(t.Context())
	harness.Must(t, err)
	if status.Replicas.Ready != len(pods) || len(status.Instances) != len(pods) || status.Instances[0].State != "Running" {
		t.Errorf("the status is %+v", status)
	}
}
