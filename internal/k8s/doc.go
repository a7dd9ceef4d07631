// Package k8s is the Kubernetes side of a workspace: pure builders of its objects, the digest that tells whether an
// object is as it should be, the one apply, the caches, the lease, and the store that the edge writes to.
package k8s
