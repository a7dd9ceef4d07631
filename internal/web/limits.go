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
	// maxListings bounds the reads of all workspaces under way, each of which takes megabytes beside thousands of workspaces, and
	// listingWait is how long one may wait until it begins.
	maxListings = 8
	listingWait = 10 * time.Second
	// maxEventsRead bounds the Events of a workspace that are read, and maxEvents those of an answer.
	maxEventsRead, maxEvents = 500, 100
	// maxText bounds texts that other programs wrote, in bytes.
	maxText = 1024
)

// The bounds of streams.
const (
	// maxStreams bounds the streams of all clients, and maxClientStreams those of one, which may be a proxy
	// for many people. A browser tab has one.
	maxStreams, maxClientStreams = 512, 256
	// maxJournal is after how many changes a client that comes back gets everything again.
	maxJournal = 4096
	// writeTimeout is how long a client may take to accept an event.
	writeTimeout = 10 * time.Second
	// heartbeatInterval is shorter than any proxy's idle timeout.
	heartbeatInterval = 10 * time.Second
	// recheckInterval is how soon a stream ends whose token has expired. A lost right ends it within reviewTTL and this.
	recheckInterval = 2 * time.Second
	// Changes are collected for updatePause, and updatePausePerStream more for each open stream.
	updatePause, updatePausePerStream = time.Second, 20 * time.Millisecond
	// refreshInterval is when a page is rendered again without a change: times and the health of components move on.
	refreshInterval = 15 * time.Second
	// rolloutRefresh is the refreshInterval of the roll-out, which is read from the API server.
	rolloutRefresh = 3 * time.Second
	// streamRetry and shutdownRetry are after how long clients connect again, after an error and after a shutdown; up to twice that.
	streamRetry, shutdownRetry = 2 * time.Second, time.Second
)

// The bounds of the page.
const (
	// maxSession is how long a browser keeps a session.
	maxSession = time.Hour
	// maxToken is the longest token that fits a cookie: browsers accept 4,096 bytes with the name.
	maxToken = 4000
	// maxForm bounds the body of a form.
	maxForm = 32 << 10
	// pageSize is the number of workspaces on a page of the list.
	pageSize = 50
	// maxNamed bounds the workspaces that the overview names of each reason, and maxRecent the recent changes that it shows.
	maxNamed, maxRecent = 8, 8
)
