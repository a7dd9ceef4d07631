package webhook

import "time"

// Every bound of the edge stands here, so that what one request may cost can be read in one place.
const (
	// maxBody is the largest body, in bytes. The rest of a larger one is not read.
	maxBody = 256 << 10
	// maxHeader bounds the request line and all headers, in bytes; net/http allows a few KiB more, and answers 431 itself.
	maxHeader = 16 << 10
	// maxDetail bounds the texts of an answer that repeat something of the request, in bytes.
	maxDetail = 256
	// maxFields bounds the field errors of an answer.
	maxFields = 100

	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// writeMargin is how long, after the longest wait of /provision, an answer may take.
	writeMargin = 10 * time.Second

	// storeTimeout is how long the Kubernetes API may take to store an event before the sender is told to come back.
	storeTimeout = 1500 * time.Millisecond
	// probeTimeout and probeInterval bound what /health costs the API server and Flyte, whoever asks how often.
	probeTimeout  = time.Second
	probeInterval = time.Second

	// retryUnavailable and retryLimited are the Retry-After of 503 and 429.
	retryUnavailable = 5 * time.Second
	retryLimited     = 5 * time.Minute
)
