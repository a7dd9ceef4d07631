package faultproxy

import (
	"bytes"
	"net/http"
	"time"
)

// lagging is an answer whose every part, such as a watch's event, arrives late by the same time.
type lagging struct {
	http.ResponseWriter
	lag   time.Duration
	parts chan part
	done  chan struct{}
}

type part struct {
	due  time.Time
	text []byte
}

func newLagging(w http.ResponseWriter, lag time.Duration) *lagging {
	const buffered = 10_000
	l := &lagging{ResponseWriter: w, lag: lag, parts: make(chan part, buffered), done: make(chan struct{})}
	go l.pass()
	return l
}

// Write never fails: a client that is gone shows at the request's context.
func (l *lagging) Write(text []byte) (int, error) {
	l.parts <- part{time.Now().Add(l.lag), bytes.Clone(text)}
	return len(text), nil
}

// FlushError flushes nothing yet, since nothing has been written.
func (l *lagging) FlushError() error { return nil }

func (l *lagging) pass() {
	defer close(l.done)
	flusher := http.NewResponseController(l.ResponseWriter)
	for p := range l.parts {
		<-time.After(time.Until(p.due))
		if _, err := l.ResponseWriter.Write(p.text); err == nil {
			_ = flusher.Flush() // the same client that is gone
		}
	}
}

// end waits for what is still on its way.
func (l *lagging) end() {
	close(l.parts)
	<-l.done
}
