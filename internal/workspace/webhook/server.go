package webhook

import (
	"log/slog"
	"net/http"
	"time"
)

// Timeouts are the configurable timeouts of a server.
type Timeouts struct {
	// Provision is how long /provision waits. No other handler takes as long.
	Provision time.Duration
	// Idle is how long a connection without a request stays open. It must be longer than the idle timeout of the proxy in front,
	// or the proxy sends requests on connections that the server is closing.
	Idle time.Duration
}

// NewServer returns an HTTP server with the bounds of limits.go and these timeouts.
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
		// The router refuses OPTIONS *, like any other unknown path.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	boundConnections(s)
	return s
}
