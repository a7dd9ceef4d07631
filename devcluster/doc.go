// Package devcluster runs a real Kubernetes control plane (etcd, kube-apiserver
// with RBAC, kube-controller-manager) as child processes, without containers
// and without nodes, or with nodes that are only played: enough for everything
// that is decided by the API server, the controllers and the scheduler, nothing
// that needs a pod to run.
//
// The binaries are built once from the pinned module in devcluster/controlplane
// and kept in a cache outside the checkout. Every component listens on
// 127.0.0.1 alone, on a port that was free. On Linux the children also end when
// the parent is killed and has no chance to stop them; elsewhere they end with
// [Cluster.Stop].
//
// It is a tool for development and tests: etcd does not sync to disk.
package devcluster
