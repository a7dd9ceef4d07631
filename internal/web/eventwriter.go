package web

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// eventWriter writes server-sent events. Each write has a deadline of its own, so the stream itself needs none.
type eventWriter struct {
	to      http.ResponseWriter
	control *http.ResponseController
}

// setStreamHeaders keeps caches, compressing proxies and their buffers out of the way of a stream.
func setStreamHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.Set("X-Content-Type-Options", "nosniff")
}

// newEventWriter begins a stream.
func newEventWriter(w http.ResponseWriter) (*eventWriter, error) {
	setStreamHeaders(w.Header())
	out := &eventWriter{to: w, control: http.NewResponseController(w)}
	// The server's read timeout is for requests. The connection of a stream must outlive it, to show when the client closes it.
	if err := out.control.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("beginning a stream: %w", err)
	}
	err := out.write(fmt.Sprintf("retry: %d\n\n", retryOf(streamRetry)))
	return out, err
}

// send writes an event. Without an id, the client keeps the last one.
func (out *eventWriter) send(event, id, data string) error {
	var text strings.Builder
	text.WriteString("event: " + event + "\n")
	if id != "" {
		text.WriteString("id: " + id + "\n")
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", ""), "\n") {
		text.WriteString("data: " + line + "\n")
	}
	text.WriteString("\n")
	return out.write(text.String())
}

// sendShutdownRetry makes the client reconnect soon, each client at another time.
func (out *eventWriter) sendShutdownRetry() error {
	return out.write(fmt.Sprintf("retry: %d\n\n", retryOf(shutdownRetry)))
}

func (out *eventWriter) write(text string) error {
	if err := out.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("writing to a stream: %w", err)
	}
	if _, err := out.to.Write([]byte(text)); err != nil {
		return fmt.Errorf("writing to a stream: %w", err)
	}
	return nil
}

// flush sends what was written to the client.
func (out *eventWriter) flush() error {
	if err := out.control.Flush(); err != nil {
		return fmt.Errorf("sending a stream: %w", err)
	}
	return nil
}

// retryOf returns milliseconds from d up to twice that.
func retryOf(d time.Duration) int64 {
	return (d + rand.N(d)).Milliseconds() //nolint:gosec // it only spreads load
}
