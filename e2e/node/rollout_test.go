package node

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// leaderKilled kills the leader's program. Another replica leads, and no webhook is lost meanwhile.
func leaderKilled(t *testing.T) {
	rolledOut(t)
	l := startLoad(t, &load{prefix: "kill", secret: func() string { return env.secret }, crash: true})
	leader := leaderPod(t)
	began := time.Now()
	id := strings.TrimPrefix(leader.Status.ContainerStatuses[0].ContainerID, "containerd://")
	harness.Must(t, env.cluster.KillContainer(t.Context(), id))
	createWorkspace(t, "after-the-leader", "small")
	t.Logf("a workspace was Ready %.1f s after the leader was killed", time.Since(began).Seconds())
	rolledOut(t)
	l.finish(t)
}

// leaderPod is the pod that holds the lease.
func leaderPod(t *testing.T) *corev1.Pod {
	t.Helper()
	var lease coordinationv1.Lease
	harness.Must(t, env.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: release}, &lease))
	var pod corev1.Pod
	harness.Must(t, env.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: *lease.Spec.HolderIdentity}, &pod))
	return &pod
}

// drained drains the node, which is the only one, as `kubectl drain` does: no new pod may start on it, and each pod is evicted. The
// disruption budget lets one go, and no other before the replacement runs. No webhook is lost.
func drained(t *testing.T) {
	rolledOut(t)
	pods, err := servicePods(t.Context())
	harness.Must(t, err)
	l := startLoad(t, &load{prefix: "drain", secret: func() string { return env.secret }})
	cordon(t, pods[0].Spec.NodeName, true)
	harness.Must(t, evict(t.Context(), &pods[0]))
	if err := evict(t.Context(), &pods[1]); !apierrors.IsTooManyRequests(err) {
		t.Errorf("evicting a second replica while the first has no replacement: %v", err)
	}
	cordon(t, pods[0].Spec.NodeName, false)
	for i := range pods[1:] {
		harness.Eventually(t, pods[1+i].Name+" to be evicted", func(ctx context.Context) bool { return evict(ctx, &pods[1+i]) == nil })
	}
	rolledOut(t)
	l.finish(t)
}

func evict(ctx context.Context, pod *corev1.Pod) error {
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	return env.admin.SubResource("eviction").Create(ctx, pod, eviction)
}

// cordon says whether new pods may start on the node.
func cordon(t *testing.T, name string, closed bool) {
	t.Helper()
	var node corev1.Node
	harness.Must(t, env.admin.Get(t.Context(), client.ObjectKey{Name: name}, &node))
	before := node.DeepCopy()
	node.Spec.Unschedulable = closed
	harness.Must(t, env.admin.Patch(t.Context(), &node, client.MergeFrom(before)))
}

// upgradeUnderLoad changes a setting, which replaces all pods, and opens private ranges to workspaces.
func upgradeUnderLoad(t *testing.T) {
	n := meet(t, "open", "standard", "open-other")
	l := startLoad(t, &load{prefix: "roll", secret: func() string { return env.secret }})
	text, err := env.helm(t.Context(), append([]string{
		"upgrade", release, chart, "--wait", "--timeout", "3m", "--set-json", "workspaces.egressExceptCIDRs=[]",
	}, values("networkPolicy.probe=true")...)...)
	if err != nil {
		t.Fatalf("helm upgrade: %v\n%s", err, text)
	}
	rolledOut(t)
	l.finish(t)
	t.Run("network probe", func(t *testing.T) { probed(t, "open") })
	t.Run("EGRESS_EXCEPT_CIDRS=none", func(t *testing.T) {
		pods, err := servicePods(t.Context())
		harness.Must(t, err)
		n.service = &pods[0]
		checkFlows(t, n.flows(), func(f flow) bool {
			// The database of Flyte has a private address, which is open now.
			return byDefault(f) || f.row == rowPrivate || f.row == rowDatabase
		})
	})
}

// probed deletes the policy that closes the pod of the network probe: workspaces say that policies are not enforced, until it is back.
func probed(t *testing.T, id string) {
	t.Helper()
	awaitReason(t, id, v1alpha1.ReasonReady)
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: release + "-network-probe"}}
	harness.Must(t, env.admin.Get(t.Context(), client.ObjectKeyFromObject(policy), policy))
	harness.Must(t, env.admin.Delete(t.Context(), policy))
	awaitReason(t, id, v1alpha1.ReasonNotEnforced)
	policy.ResourceVersion, policy.UID = "", ""
	create(t, policy)
	awaitReason(t, id, v1alpha1.ReasonReady)
}

// secretRotation adds a new secret beside the old one, uses it when every replica accepts it, and removes the old one: as
// docs/operations.md says. No webhook is refused meanwhile.
func secretRotation(t *testing.T) {
	t.Parallel()
	rolledOut(t)
	old, next := env.secret, signature.NewSecret()
	var current atomic.Pointer[string]
	current.Store(&old)
	l := startLoad(t, &load{prefix: "rotation", secret: func() string { return *current.Load() }})
	setSecret(t, old+" "+next)
	t.Logf("every replica accepts the new secret after %.0f s", awaitSecret(t, next).Seconds())
	current.Store(&next)
	setSecret(t, next+" "+old) // the others' tests still use the old one
	l.finish(t)
}

func setSecret(t *testing.T, value string) {
	t.Helper()
	secret := &corev1.Secret{}
	harness.Must(t, env.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: webhookSecret}, secret))
	before := secret.DeepCopy()
	secret.Data[secretKey] = []byte(value)
	harness.Must(t, env.admin.Patch(t.Context(), secret, client.MergeFrom(before)))
}

// secretTimeout is longer than docs/operations.md says that replicas take.
const secretTimeout = 2 * time.Minute

// awaitSecret waits until each pod accepts a ping that is signed with the secret.
func awaitSecret(t *testing.T, secret string) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), secretTimeout)
	defer cancel()
	pods, err := servicePods(ctx)
	harness.Must(t, err)
	for i := range pods {
		base := "http://" + net.JoinHostPort(pods[i].Status.PodIP, "8080")
		for {
			status, _, err := post(ctx, base, secret, harness.NewMessage(t, workspace.EventPing, harness.Data("unused", 1)))
			if err == nil && status == http.StatusOK {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("%s answers %d, %v to the new secret after %s", pods[i].Name, status, err, secretTimeout)
			}
			<-time.After(retryAfter)
		}
	}
	return time.Since(began)
}
