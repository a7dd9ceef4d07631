package webhook

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer bounds an HTTP server by limits.go. longest is the longest time that a handler takes on purpose.
func NewServer(address string, handler http.Handler, longest time.Duration, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + longest + writeMargin,
		IdleTimeout:       idleTimeout,
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
