// Package webhook is the HTTP edge: a signed request becomes a stored Workspace, and only then an answer. It knows
// nothing of what happens to a Workspace afterwards; docs/webhook.md is its contract for senders.
package webhook
