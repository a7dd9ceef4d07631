// Package workspaceservicetest is a small double of the company's workspace service, for development and tests. It stores
// workspaces, sends signed webhooks about them with the retries of Standard Webhooks, lists them, and accepts reports.
//
// It loses nothing that it has accepted: with a state file, not even at a restart. It authenticates only reports, and so answers on
// loopback only.
package workspaceservicetest
