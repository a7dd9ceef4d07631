// Package devcluster runs a real Kubernetes control plane (etcd, kube-apiserver with RBAC, kube-controller-manager) as child processes,
// without containers. There are no nodes, or only simulated ones: it serves to test the API server, the controllers and the scheduler,
// not pods.
//
// The binaries are built once from the pinned module in devcluster/controlplane and cached outside the checkout. Every component listens
// only on 127.0.0.1, on a free port. On Linux the children also end if the parent is killed; elsewhere they end with [Cluster.Stop].
//
// It is for development and tests: etcd does not sync to disk.
package devcluster
