// Package node runs a real Kubernetes cluster of one node: the control plane of package devcluster, and a kubelet, containerd, kube-proxy,
// an enforcer of NetworkPolicies and CoreDNS. Pods run, Services route, policies are enforced.
//
// The node has mounts, processes and a network of its own (unshare(2)), so nothing of the machine changes:
//
//	this process ── unix sockets ──┐
//	   └ supervisor                │  removes the cgroups when the node or this process has ended, however it ended
//	       └ init (PID 1)          │  new namespaces; when it ends, the kernel ends everything below it
//	           └ node ─────────────┤  mounts, network; containerd, kubelet, kube-proxy, networkpolicies
//	               └ world ────────┘  a network beside the node's: the API server's address, "the Internet", metadata servers
//
// The control plane runs beside it, on 127.0.0.1 of the machine. The world forwards the node's connections to it; the API server reaches
// kubelets and pods through an HTTP CONNECT proxy in the node's network.
//
// All of these are this program itself under other names, so main or TestMain must call [RunChild] first.
package node
