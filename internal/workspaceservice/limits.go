package workspaceservice

import "time"

// Every bound of the package is here.
const (
	// workers is how many reports are sent at a time, and maxRate how many per second: the load on a workspace service that
	// is back after an outage.
	workers = 8
	maxRate = 50

	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	requestTimeout   = 15 * time.Second
	idleTimeout      = 90 * time.Second
	// writeTimeout bounds one write to the API server. The result of a report is written even if the process is stopping.
	writeTimeout = 5 * time.Second
	// countTimeout bounds the read of the cache when metrics are collected.
	countTimeout = time.Second

	maxHeader = 64 << 10
	// maxAnswer is how much of an answer to a report is read, so that its connection can be reused.
	maxAnswer = 64 << 10
	// maxPage bounds a page of the listing, in bytes, and maxCursor a cursor, which becomes part of a URL.
	maxPage   = 8 << 20
	maxCursor = 4 << 10
	maxPages  = 10_000
	// pageAttempts is how often a page is requested.
	pageAttempts = 4
	// maxNewer bounds what is kept of all pages, in bytes, and maxItems the number of items: a cluster has far fewer workspaces.
	maxNewer = 64 << 20
	maxItems = 100_000
	// maxLogged is how many differences of one listing are logged.
	maxLogged = 1000

	// maxRetryAfter caps the Retry-After of the workspace service.
	maxRetryAfter = time.Hour
	// failureThreshold is how many failures in a row open the circuit, and openTimeout for how long. Then one report is sent,
	// and its success closes the circuit.
	failureThreshold = 3
	openTimeout      = 10 * time.Second
	// firstRetry and lastRetry bound the backoff of one report, and of the listing.
	firstRetry = time.Second
	lastRetry  = time.Minute

	// maxConflicts bounds how often a status is written again because another client has written it meanwhile.
	maxConflicts = 10
)
