package faultproxy

import (
	"context"
	"net/http"
	"time"
)

// lost is an answer that the API server gives and the client may not get.
type lost struct {
	http.ResponseWriter
	fault Fault
}

// WriteHeader is when the API server has answered.
func (l *lost) WriteHeader(status int) {
	if l.fault.After != nil {
		l.fault.After()
	}
	if l.fault.LoseAnswer {
		panic(http.ErrAbortHandler)
	}
	l.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush the answer.
func (l *lost) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// limited is the request with an end set to it.
func limited(r *http.Request, after time.Duration) (*http.Request, context.CancelFunc) {
	if after == 0 {
		return r, func() {}
	}
	ctx, cancel := context.WithTimeout(r.Context(), after)
	return r.WithContext(ctx), cancel
}
