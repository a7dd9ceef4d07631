// Package workspace is the vocabulary that every door shares: the payload and its rules, the two registers and the
// delivery record of a Workspace, the deterministic names that follow from a workspace id, and the kinds of errors.
// It is pure: no network, no clock.
package workspace
