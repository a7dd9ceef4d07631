// Package webhook is the HTTP edge: it stores a signed event in a Workspace, and only then answers 2xx. What happens to a
// Workspace afterwards is up to package lifecycle. docs/webhook.md is the contract for senders.
package webhook
