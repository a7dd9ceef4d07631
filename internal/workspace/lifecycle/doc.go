// Package lifecycle makes stored Workspaces true and keeps them true: namespaces, quota, access, isolation and the
// Flyte project. It is level-triggered: each Reconcile looks at what is wanted and what is there, never at what
// happened, so it may be ended between any two writes. Each aspect of a workspace is a step in a file of its own,
// with a condition of the same name.
package lifecycle
