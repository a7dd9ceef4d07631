// Package workspaceservicetest is a small stand-in of the company's workspace service, for development and tests: it keeps
// workspaces, sends signed webhooks about them with the retries of Standard Webhooks, lists them, and takes reports.
//
// It is honest: what it has accepted it keeps, in a file if it is given one, and sends until it is taken or the retries
// end. It believes whoever reaches it, and is for loopback only.
package workspaceservicetest
