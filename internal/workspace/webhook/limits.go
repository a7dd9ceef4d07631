package webhook

import "time"

// The bounds of the HTTP edge. Those of a signature are in package signature, those of an event's content in package workspace.
const (
	// maxBody is the largest body, in bytes. The rest of a larger one is not read.
	maxBody = 256 << 10
	// maxHeader bounds the request line and all headers, in bytes. net/http allows a few KiB more, and answers 431 itself.
	maxHeader = 16 << 10
	// maxStreams bounds the requests under way on one HTTP/2 connection, and maxFrame what is read of one at a time. maxBody
	// bounds what all streams of a connection have sent and no handler has read.
	maxStreams = 64
	maxFrame   = 64 << 10
	// maxDetail bounds the texts of an answer that repeat a part of the request, in bytes.
	maxDetail = 256
	// maxFields bounds the field errors of an answer.
	maxFields = 100
	// maxLoggedID bounds what is logged of a workspace's id, in bytes: a valid one is shorter.
	maxLoggedID = 64
	// tracedUnsigned is how many requests without a valid signature have a span, per second.
	tracedUnsigned = 10
	// loggedRefusals and loggedRefusalsBurst are how many refused requests are logged, per second and at once.
	loggedRefusals, loggedRefusalsBurst = 1, 20

	// Requests per second and at once that a client may send with a valid signature, and without one. Unsigned requests have
	// a bucket of their own, so that they can't exhaust the limit of a signing sender.
	signedRate, signedBurst     = 1000, 2000
	unsignedRate, unsignedBurst = 20, 100
	// Requests per second and at once that a client may send to the read API, from a bucket of their own.
	readRate, readBurst = 20, 100
	// maxClients bounds the clients with buckets of their own, in about 4 MiB. All others share one pair of buckets.
	maxClients = 8192
	// idleTTL is longer than any bucket takes to refill, so that a client loses nothing when it is forgotten.
	idleTTL = 10 * time.Second
	// clientBits is how much of an IPv6 address identifies a client: the owner of one address owns its whole /64.
	clientBits = 64

	// maxConnections bounds the open connections, and so their memory. At the limit, a new connection evicts the one that has
	// been without a POST for longest.
	maxConnections = 2048
	// maxReading bounds the requests whose body is being read. At the limit, a new one aborts the oldest: among so many, that is
	// a slow one. Bodies up to smallBody so take at most 32 MiB.
	maxReading = 1024
	smallBody  = 32 << 10
	// maxLargeBodies bounds the larger bodies in memory, each in a buffer of maxBody until it is decoded: 32 MiB. A further
	// one waits for at most largeTimeout; meanwhile, bodies that take longer than slowBody are aborted. So slow senders of large
	// bodies can neither fill the memory nor block others for long, and no event of ordinary size waits.
	maxLargeBodies = 128
	largeTimeout   = 5 * time.Second
	slowBody       = time.Second
	// maxStoring bounds the signed requests that are being stored or queued for it, and maxStoringBytes the sum of their bodies.
	maxStoring      = 1024
	maxStoringBytes = 64 << 20
	// startWrites is how many writes may be under way at first; writeLimiter adapts it between the other two. An API server
	// serves about maxWrites requests of one user at a time before it queues them.
	startWrites, minWrites, maxWrites = 32, 8, 256
	// maxWaiting bounds the requests of /provision that wait. Above it, the answer is pending at once.
	maxWaiting = 256

	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// writeMargin is how long an answer may take after the longest wait of /provision.
	writeMargin = 10 * time.Second

	// storeTimeout is how long storing an event may take in all. At most queueTimeout of it is spent in the queue, so that
	// enough is left for the write. Senders wait 15 to 30 s for an answer.
	storeTimeout = 5 * time.Second
	queueTimeout = 3 * time.Second
	// probeTimeout and probeInterval bound what /health costs the API server and Flyte, however often it is asked.
	probeTimeout  = time.Second
	probeInterval = time.Second

	// The Retry-After of a 503, of an exhausted rate limit, and of MAX_WORKSPACES.
	retryUnavailable = 5 * time.Second
	retryBucket      = time.Second
	retryLimited     = 5 * time.Minute
)
