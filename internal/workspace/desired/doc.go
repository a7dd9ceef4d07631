// Package desired answers what a workspace must have: every object in its namespaces, by step, and its Flyte project with
// its attributes. It is pure: it reads nothing and writes nothing.
package desired
