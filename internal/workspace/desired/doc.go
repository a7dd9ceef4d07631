// Package desired computes the desired state of a workspace: every object in its namespaces, by step, and its Flyte project with
// attributes. It is pure: it reads nothing and writes nothing.
package desired
