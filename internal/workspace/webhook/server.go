package webhook

import (
	"log/slog"
	"net/http"
	"time"
)

// Timeouts are the configurable timeouts of a server.
type Timeouts struct {
	// Provision is how long /provision waits, the longest time that a handler takes on purpose.
	Provision time.Duration
	// Idle is how long a connection without a request stays open. It must be longer than the proxy in front keeps idle
	// connections, or the proxy sends requests on connections that the server is closing.
	Idle time.Duration
}

// NewServer bounds an HTTP server by limits.go and the timeouts.
func NewServer(address string, handler http.Handler, timeouts Timeouts, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + timeouts.Provision + writeMargin,
		IdleTimeout:       timeouts.Idle,
		MaxHeaderBytes:    maxHeader,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReadFrameSize:              maxFrame,
			MaxReceiveBufferPerStream:     maxFrame,
			MaxReceiveBufferPerConnection: maxBody,
			WriteByteTimeout:              writeMargin,
		},
		// OPTIONS * is the router's to refuse, like any other path that there is not.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	boundConnections(s)
	return s
}
