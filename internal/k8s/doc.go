// Package k8s is the machinery for objects that the service owns: it applies and prunes them, compares a hash to know whether one is
// as desired, throttles repairs, and keeps the caches and the lease. It knows owned objects, not workspaces.
package k8s
