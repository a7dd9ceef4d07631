// Package workspace is the vocabulary that all entry points share: events and their validation, the two registers and the
// recorded deliveries of a Workspace, the names that follow from a workspace id, and the kinds of errors. It is pure: no network,
// no clock.
package workspace
