package faultproxy

import (
	"bytes"
	"net/http"
	"time"
)

// delayedResponse delays every part of a response, such as a watch's event, by the same time.
type delayedResponse struct {
	http.ResponseWriter
	delay  time.Duration
	chunks chan chunk
	done   chan struct{}
}

type chunk struct {
	due  time.Time
	text []byte
}

func newDelayedResponse(w http.ResponseWriter, delay time.Duration) *delayedResponse {
	const buffered = 10_000
	d := &delayedResponse{ResponseWriter: w, delay: delay, chunks: make(chan chunk, buffered), done: make(chan struct{})}
	go d.forward()
	return d
}

// Write never fails: a client that has gone shows at the request's context.
func (d *delayedResponse) Write(text []byte) (int, error) {
	d.chunks <- chunk{time.Now().Add(d.delay), bytes.Clone(text)}
	return len(text), nil
}

// FlushError does nothing: forward flushes each chunk when it is due.
func (d *delayedResponse) FlushError() error { return nil }

func (d *delayedResponse) forward() {
	defer close(d.done)
	flusher := http.NewResponseController(d.ResponseWriter)
	for c := range d.chunks {
		<-time.After(time.Until(c.due))
		if _, err := d.ResponseWriter.Write(c.text); err == nil {
			_ = flusher.Flush() // fails only if the client has gone
		}
	}
}

// finish waits until every chunk has been forwarded.
func (d *delayedResponse) finish() {
	close(d.chunks)
	<-d.done
}
