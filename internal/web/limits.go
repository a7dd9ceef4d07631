package web

import "time"

// The bounds of the read API.
const (
	// reviewTTL is how long an answer of the API server about a token or a right may be reused.
	reviewTTL = 10 * time.Second
	// maxCachedReviews bounds the cached users, and as many decisions about them.
	maxCachedReviews = 1024
	// maxReviews bounds the reviews under way.
	maxReviews = 64
	// reviewTimeout bounds both reviews of a request.
	reviewTimeout = 5 * time.Second

	// defaultLimit and maxLimit are the number of items of a page.
	defaultLimit, maxLimit = 100, 500
	// maxQuery bounds the values of the query's parameters together, in bytes.
	maxQuery = 4096

	// readTimeout bounds each read: from the caches, which may not have synced yet, and from the API server. maxLiveReads bounds the reads
	// from the API server under way.
	readTimeout  = 2 * time.Second
	maxLiveReads = 16
	// maxEventsRead bounds the Events of a workspace that are read, and maxEvents those of an answer.
	maxEventsRead, maxEvents = 500, 100
	// maxText bounds texts that other programs wrote, in bytes.
	maxText = 1024
)
