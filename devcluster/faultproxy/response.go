package faultproxy

import (
	"context"
	"net/http"
	"time"
)

// interceptedResponse calls [Fault.After] when the API server has answered, and may drop the response.
type interceptedResponse struct {
	http.ResponseWriter
	fault Fault
}

// WriteHeader is called when the API server has answered.
func (i *interceptedResponse) WriteHeader(status int) {
	if i.fault.After != nil {
		i.fault.After()
	}
	if i.fault.LoseAnswer {
		panic(http.ErrAbortHandler)
	}
	i.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush the response.
func (i *interceptedResponse) Unwrap() http.ResponseWriter { return i.ResponseWriter }

// cutAfter passes the request on and breaks the response off after so long. The API server may end the response properly when its
// client goes away, and that end may still get here: so the handler panics even if the proxy saw a complete response.
func cutAfter(target http.Handler, duration time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), duration)
		defer cancel()
		target.ServeHTTP(w, r.WithContext(ctx))
		if ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
	})
}
