// Package workspaceservice is the client of the company's workspace service. It reports the outcome of each workspace, and reads
// the listing of all workspaces, so that lost events still take effect.
//
// It guarantees that every change of an outcome is reported at least once, that no report is sent after a newer one of the same
// workspace, and that nothing is ever deleted because the listing lacks it.
package workspaceservice
