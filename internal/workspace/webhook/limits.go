package webhook

import "time"

// Every bound of the edge stands here, so that what one request may cost can be read in one place.
const (
	// maxBody is the largest body, in bytes. The rest of a larger one is not read.
	maxBody = 256 << 10
	// maxHeader bounds the request line and all headers, in bytes; net/http allows a few KiB more, and answers 431 itself.
	maxHeader = 16 << 10
	// maxStreams bounds the requests under way on one connection of HTTP/2, and maxFrame what is read of one at a time. All
	// of a connection together may have sent maxBody that nobody has read yet.
	maxStreams = 64
	maxFrame   = 64 << 10
	// maxDetail bounds the texts of an answer that repeat something of the request, in bytes.
	maxDetail = 256
	// maxFields bounds the field errors of an answer.
	maxFields = 100

	// Any source may send so many requests a second, and so many at once, with a valid signature. What bears none is
	// charged to a budget of its own, so that nobody spends the one of who signs.
	signedRate, signedBurst     = 1000, 2000
	unsignedRate, unsignedBurst = 20, 100
	// maxSources are told apart, in about 4 MiB; all others share one pair of budgets.
	maxSources = 8192
	// sourceMemory is longer than any budget takes to refill: forgetting a source after it changes nothing.
	sourceMemory = 10 * time.Second
	// sourceBits is how much of an IPv6 address tells sources apart: whoever has one address has all of its /64.
	sourceBits = 64

	// maxConnections bounds the connections that are open, and so their memory. One more, and the oldest is closed on which
	// no POST is under way.
	maxConnections = 2048
	// maxReading bounds the requests whose body is being read. One more, and the oldest is cut off: among so many that is a
	// slow one. Bodies up to smallBody so take at most 32 MiB.
	maxReading = 1024
	smallBody  = 32 << 10
	// maxLargeBodies bounds how many larger bodies are in memory, each in a buffer of maxBody until it is decoded: 32 MiB.
	// One more waits for largeTimeout at most; while it does, bodies that take longer than slowBody are cut off. So slow
	// senders of large bodies neither fill the memory nor keep others out for long, and no event of ordinary size waits.
	maxLargeBodies = 128
	largeTimeout   = 5 * time.Second
	slowBody       = time.Second
	// maxStoring bounds the signed requests that wait for their turn to be stored, or are being stored, and
	// maxStoringBytes the sum of their bodies.
	maxStoring      = 1024
	maxStoringBytes = 64 << 20
	// startWrites is how many writes are under way at a time at first; writeLimiter adapts it within the other two. An API
	// server serves about maxWrites at a time to one of its users before it makes them wait.
	startWrites, minWrites, maxWrites = 32, 8, 256
	// maxWaiting bounds the waits of /provision; whoever comes above it is told at once that the workspace is pending.
	maxWaiting = 256

	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// writeMargin is how long, after the longest wait of /provision, an answer may take.
	writeMargin = 10 * time.Second

	// storeTimeout is how long storing an event may take in all, and turnTimeout how much of it the event waits for its
	// turn, so that enough is left for the write. Senders wait 15 to 30 s for an answer.
	storeTimeout = 5 * time.Second
	turnTimeout  = 3 * time.Second
	// probeTimeout and probeInterval bound what /health costs the API server and Flyte, whoever asks how often.
	probeTimeout  = time.Second
	probeInterval = time.Second

	// retryUnavailable and retryLimited are the Retry-After of 503 and 429; that of a spent budget is retryBudget.
	retryUnavailable = 5 * time.Second
	retryBudget      = time.Second
	retryLimited     = 5 * time.Minute
)
