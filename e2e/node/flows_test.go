package node

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	realnode "platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// world are addresses outside the cluster, by the row of the table in docs/security.md.
var world = map[string][]string{
	"private": {"10.99.0.10", "172.20.0.10", "192.168.77.10", "100.64.7.7", "fd99::10"},
	"metadata": {
		"169.254.169.254", "169.254.169.252", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200",
		"fd00:ec2::254", "64:ff9b::a9fe:a9fe",
	},
	"dns":   {"169.254.20.10"},
	"world": {"198.51.100.10", "2001:db8::10"},
}

// flow is one connection that a pod tries.
type flow struct {
	// row is the row of the table in docs/security.md.
	row     string
	from    *corev1.Pod
	network string
	to      string
}

func (f flow) String() string {
	return fmt.Sprintf("%s: %s/%s to %s %s", f.row, f.from.Namespace, f.from.Name, f.network, f.to)
}

// works tries it once.
func (f flow) works(ctx context.Context, t testing.TB) bool {
	t.Helper()
	if f.network == "resolve-udp" || f.network == "resolve-tcp" {
		query := url.Values{"network": {strings.TrimPrefix(f.network, "resolve-")}, "name": {f.to}}
		return try(ctx, t, f.from, "/resolve", query) == ""
	}
	return try(ctx, t, f.from, "/dial", url.Values{"network": {f.network}, "address": {f.to}}) == ""
}

// worldTimeout is long enough for a packet that is sent again after a second.
const worldTimeout = 2500 * time.Millisecond

// Rows of the table.
const (
	rowOwn        = "own namespace, DNS"
	rowFlyte      = "Flyte's namespace at FLYTE_PORTS"
	rowDatabase   = "Flyte's namespace at other ports"
	rowWorkspaces = "other workspaces"
	rowInto       = "from anywhere into it"
	rowPrivate    = "private addresses"
	rowMetadata   = "metadata addresses"
	rowWorld      = "the rest of the world"
)

// neighbours are the pods of the table.
type neighbours struct {
	from, sibling, other, bystander, flyte, blobStore, service *corev1.Pod
}

// meet starts the pods of two workspaces, and waits for the pods that are always there.
func meet(t *testing.T, id, tier, otherID string) *neighbours {
	t.Helper()
	createWorkspace(t, id, tier)
	createWorkspace(t, otherID, "standard")
	create(t, agentPod("flyte-"+id, "from", "5432", rayPort), agentPod("flyte-"+id, "sibling", "5432"))
	create(t, agentPod("flyte-"+otherID, "other", "5432"))
	n := &neighbours{
		from: running(t, "flyte-"+id, "from"), sibling: running(t, "flyte-"+id, "sibling"), other: running(t, "flyte-"+otherID, "other"),
		bystander: running(t, bystanders, "pod"), flyte: running(t, harness.FlyteNamespace, "flyte-admin"),
		blobStore: running(t, harness.FlyteNamespace, "blob-store"),
	}
	rolledOut(t) // so that each pod of the service has an address
	pods, err := servicePods(t.Context())
	harness.Must(t, err)
	n.service = &pods[0]
	return n
}

// flows are the rows of the table as connections.
func (n *neighbours) flows() (all []flow) {
	from := func(row string, pod *corev1.Pod, network string, targets ...string) {
		for _, to := range targets {
			all = append(all, flow{row, pod, network, to})
		}
	}
	both := func(pod *corev1.Pod, port string) []string {
		return []string{address(pod, ipv4, port), address(pod, ipv6, port)}
	}

	from(rowOwn, n.from, "tcp", slices.Concat(both(n.sibling, "5432"), both(n.sibling, agentPort))...)
	from(rowOwn, n.from, "resolve-udp", "kubernetes.default.svc.cluster.local.")
	from(rowOwn, n.from, "resolve-tcp", "kubernetes.default.svc.cluster.local.")
	for _, address := range world["dns"] {
		from(rowOwn, n.from, "udp", net.JoinHostPort(address, "53"))
		from(rowOwn, n.from, "tcp", net.JoinHostPort(address, "53"))
		from(rowPrivate, n.from, "tcp", net.JoinHostPort(address, "80"))
	}
	from(rowFlyte, n.from, "tcp",
		"flyte-admin.flyte-system.svc.cluster.local.:81", address(n.flyte, ipv4, "8089"), address(n.blobStore, ipv4, "9000"))
	from(rowDatabase, n.from, "tcp", both(n.blobStore, "5432")...)
	from(rowWorkspaces, n.from, "tcp", slices.Concat(both(n.other, "5432"), both(n.other, agentPort))...)
	for _, pod := range []*corev1.Pod{n.other, n.bystander, n.blobStore} {
		from(rowInto, pod, "tcp", slices.Concat(both(n.from, "5432"), both(n.from, agentPort), both(n.from, rayPort))...)
	}
	from(rowPrivate, n.from, "tcp", slices.Concat(both(n.bystander, "5432"), []string{
		address(n.service, ipv4, "8080"), address(n.service, ipv4, "9090"), // this service's ports
		strings.TrimPrefix(env.url, "http://"),
		"10.0.0.1:443", net.JoinHostPort(realnode.APIServer.String(), "6443"), // the API server by its Service, and itself
		net.JoinHostPort(realnode.Address.String(), "10250"), // the kubelet
	})...)
	for row, group := range map[string]string{rowPrivate: "private", rowMetadata: "metadata", rowWorld: "world"} {
		for _, address := range world[group] {
			for _, port := range []string{"80", "443", "988", "5432"} {
				from(row, n.from, "tcp", net.JoinHostPort(address, port))
			}
			from(row, n.from, "udp", net.JoinHostPort(address, "53"))
		}
	}
	return all
}

// checkFlows tries each flow. One that is closed must never work. One that is open must work in the end: a busy node may answer late.
func checkFlows(t *testing.T, flows []flow, open func(flow) bool) {
	t.Helper()
	var group sync.WaitGroup
	for _, f := range flows {
		group.Go(func() {
			works := f.works(t.Context(), t)
			if !open(f) && works {
				t.Errorf("%s works and should be closed", f)
			}
			if open(f) && !works && harness.Poll(t.Context(), func(ctx context.Context) bool { return f.works(ctx, t) }) != nil {
				t.Errorf("%s does not work", f)
			}
		})
	}
	group.Wait()
}

// byDefault is the column of docs/security.md for a tier that opens nothing.
func byDefault(f flow) bool {
	return slices.Contains([]string{rowOwn, rowFlyte, rowWorld}, f.row)
}

// tableOfFlows tries every row of the table of flows in docs/security.md. A flow that is closed is first shown to work from a pod that has
// no policy, so that nothing counts as closed because nothing answers.
func tableOfFlows(t *testing.T) {
	t.Parallel()
	n := meet(t, "flows", "standard", "flows-other")
	flows := n.flows()
	t.Run("answer where there is no policy", func(t *testing.T) {
		var control []flow
		for _, f := range flows {
			if f.from == n.from && f.row != rowWorkspaces && !strings.HasPrefix(f.to, n.sibling.Status.PodIPs[ipv4].IP) &&
				!strings.HasPrefix(f.to, "["+n.sibling.Status.PodIPs[ipv6].IP) {
				f.from = n.bystander
				control = append(control, f)
			}
		}
		checkFlows(t, control, func(flow) bool { return true })
	})
	t.Run("default", func(t *testing.T) { checkFlows(t, flows, byDefault) })
	t.Run("from outside", func(t *testing.T) {
		for _, pod := range []*corev1.Pod{n.from, n.bystander} {
			reached := dialedFromWorld(t, address(pod, ipv4, "5432"))
			if want := pod == n.bystander; reached != want {
				t.Errorf("%s/%s reached from outside: %t, want %t", pod.Namespace, pod.Name, reached, want)
			}
		}
	})
	t.Run("suspended", func(t *testing.T) {
		setState(t, suspended, "flows", 2)
		awaitReason(t, "flows", "Suspended")
		checkFlows(t, flows, byDefault)
	})
}

func dialedFromWorld(t *testing.T, address string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), worldTimeout)
	defer cancel()
	conn, err := env.cluster.DialFromWorld(ctx, address)
	if err != nil {
		return false
	}
	harness.Must(t, conn.Close())
	return true
}
