package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// agentPort is where a pod's agent takes requests of the tests, which come from the node.
const agentPort = "8080"

// agentPod runs an agent, which also accepts connections at more ports.
func agentPod(namespace, name string, ports ...string) *corev1.Pod {
	pod := harness.ToolPod(namespace, name, map[string]string{"app": name}, append([]string{"agent", agentPort}, ports...)...)
	pod.Spec.Containers[0].ReadinessProbe = agentProbe()
	return pod
}

func agentProbe() *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intOrString(8080)}}, PeriodSeconds: 1,
	}
}

func intOrString(port int32) intstr.IntOrString { return intstr.FromInt32(port) }

// running waits until the pod runs and is ready.
func running(t *testing.T, namespace, name string) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	err := harness.Poll(t.Context(), func(ctx context.Context) bool {
		err := env.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &pod)
		return err == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
	})
	if err != nil {
		t.Fatalf("waiting for the pod %s/%s to be ready: %v; its status is %+v", namespace, name, err, pod.Status)
	}
	return &pod
}

// address is a pod's IPv4 or IPv6 address with a port.
func address(pod *corev1.Pod, family int, port string) string {
	return net.JoinHostPort(pod.Status.PodIPs[family].IP, port)
}

// The families of a pod's addresses.
const (
	ipv4 = iota
	ipv6
)

// ask sends a request to the agent in a pod.
func ask(ctx context.Context, pod *corev1.Pod, path string, query url.Values) (string, error) {
	target := "http://" + address(pod, ipv4, agentPort) + path + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := env.http.Do(request)
	if err != nil {
		return "", fmt.Errorf("asking the agent in %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return string(text), err
}

// try asks the agent to do something, and returns the error that it met, or "".
func try(ctx context.Context, t testing.TB, pod *corev1.Pod, path string, query url.Values) (failure string) {
	t.Helper()
	text, err := ask(ctx, pod, path, query)
	if err == nil {
		err = json.Unmarshal([]byte(text), &failure)
	}
	if err != nil {
		t.Errorf("%s %v: %v", path, query, err)
	}
	return failure
}

// createWorkspace creates a workspace on a tier and waits until it is Ready.
func createWorkspace(t *testing.T, id, tier string) {
	t.Helper()
	data := harness.Data(id, 1)
	data.Tier, data.Quota = tier, v1alpha1.Quota{}
	deliver(t, created, data)
	awaitReason(t, id, v1alpha1.ReasonReady)
}

func awaitReason(t *testing.T, id, reason string) {
	t.Helper()
	var w v1alpha1.Workspace
	harness.Eventually(t, id+" to be "+reason, func(ctx context.Context) bool {
		return env.admin.Get(ctx, harness.Key(id), &w) == nil && harness.Ready(&w).Reason == reason
	})
}

// create creates the objects. Pods end with the test, since the node has room for few.
func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		harness.Must(t, env.admin.Create(t.Context(), o))
		if pod, ok := o.(*corev1.Pod); ok {
			t.Cleanup(func() {
				harness.Must(t, client.IgnoreNotFound(env.admin.Delete(context.WithoutCancel(t.Context()), pod)))
			})
		}
	}
}
