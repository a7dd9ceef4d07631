package workspaceservice

import "time"

// Every bound of the client stands here.
const (
	// workers is how many reports are under way at a time, and maxRate how many are sent in a second: what a workspace
	// service gets that comes back after an outage.
	workers = 8
	maxRate = 50

	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	requestTimeout   = 15 * time.Second
	idleTimeout      = 90 * time.Second
	// recordTimeout is how long a report that was taken may need to be noted, also when the process is stopping.
	recordTimeout = 5 * time.Second

	maxHeader = 64 << 10
	// maxAnswer is how much of an answer to a report is read, so that its connection can be used again.
	maxAnswer = 64 << 10
	// maxPage bounds a page of the listing, maxListing what of all pages is kept at a time, in bytes, and maxItems the number
	// of items: a cluster has far fewer workspaces. Of what differed, maxLogged lines are logged.
	maxPage    = 8 << 20
	maxListing = 64 << 20
	maxItems   = 100_000
	maxLogged  = 1000
	maxPages   = 10_000

	// maxRetryAfter caps what the workspace service may ask for.
	maxRetryAfter = time.Hour
	// failureThreshold is how many failures in a row open the circuit, and openTimeout for how long. Then one report is sent,
	// and its success closes the circuit.
	failureThreshold = 3
	openTimeout      = 10 * time.Second
	// firstRetry and lastRetry bound when one report, or the listing, is retried.
	firstRetry = time.Second
	lastRetry  = time.Minute

	// maxRounds bounds how often a status is written anew because somebody else wrote it at the same time.
	maxRounds = 10
)
