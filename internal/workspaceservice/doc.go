// Package workspaceservice is the client of the company's workspace service: it tells it what became of its workspaces, and reads
// its listing, so that events that never arrived still take effect.
//
// It guarantees that every change of a workspace's outcome is reported at least once, that a report is never sent after a
// newer one of the same workspace, and that nothing is ever deleted because the listing lacks it.
package workspaceservice
