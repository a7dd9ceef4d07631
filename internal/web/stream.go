package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Why a stream ends. The text goes to the client with the event "ended", except for a client that is gone.
var (
	errDraining  = errors.New("the service is restarting")
	errSignedOut = errors.New("the session was signed out")
	errGone      = errors.New("the client is gone")
)

// source is what a stream sends.
type source interface {
	// send writes what the client lacks.
	send(ctx context.Context, out *eventWriter) error
	// refresh is after how long send is called again without a change.
	refresh() time.Duration
}

// live serves streams.
type live struct {
	*Options

	streams *streams
}

// serve sends what the source has, and again after each change, until the client leaves, may read no more, or the service stops.
func (l *live) serve(c *echo.Context, r *http.Request, access Access, from source) error {
	if r.Method == http.MethodHead {
		setStreamHeaders(c.Response().Header())
		return c.NoContent(http.StatusOK)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	opened, err := l.streams.add(l.Client(r), sessionOf(r), func() { cancel(errSignedOut) })
	if err != nil {
		return err
	}
	defer l.streams.remove(opened)
	go l.watchEnd(ctx, r, cancel)
	out, err := newEventWriter(c.Response())
	if err != nil {
		return err
	}
	run := &streamRun{live: l, request: r.WithContext(ctx), access: access, source: from, out: out}
	return run.end(run.loop(ctx), context.Cause(ctx))
}

// watchEnd cancels a stream when the service drains or the client closes its connection.
func (l *live) watchEnd(ctx context.Context, r *http.Request, cancel context.CancelCauseFunc) {
	select {
	case <-l.Draining:
		cancel(errDraining)
	case <-l.Disconnected(r):
		cancel(errGone)
	case <-ctx.Done():
	}
}

// streamRun is one stream while it is served.
type streamRun struct {
	*live

	request *http.Request
	access  Access
	source  source
	out     *eventWriter
}

// loop returns when a write or the authorization fails, or ctx ends.
func (s *streamRun) loop(ctx context.Context) error {
	recheck, heartbeat, update := time.NewTicker(recheckInterval), time.NewTicker(heartbeatInterval), time.NewTimer(0)
	defer recheck.Stop()
	defer heartbeat.Stop()
	defer update.Stop()
	var changed <-chan struct{}
	var updated time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-recheck.C:
			err = s.Authorizer.Authorize(s.request, s.access)
		case <-heartbeat.C:
			err = s.out.send("heartbeat", "", "")
		case <-changed:
			changed = nil // until the update
			update.Reset(time.Until(updated.Add(s.pause())))
		case <-update.C:
			_, changed = s.Feed.next()
			err = s.source.send(ctx, s.out)
			updated = time.Now()
			update.Reset(s.source.refresh())
		}
		if err == nil {
			err = s.out.flush()
		}
		if err != nil {
			return err
		}
	}
}

// pause is how long changes are collected: longer the more streams there are, so that they take no more than their share of the
// processor.
func (s *streamRun) pause() time.Duration {
	return updatePause + time.Duration(s.streams.count())*updatePausePerStream
}

// end tells the client why the stream ends, if it can still be told. The status was sent long ago.
func (s *streamRun) end(err, cause error) error {
	switch {
	case errors.Is(cause, errDraining):
		_ = s.out.sendShutdownRetry()
	case errors.Is(cause, errSignedOut):
		_ = s.out.send("ended", "", errSignedOut.Error())
	case workspace.KindOf(err) != workspace.KindInternal:
		refused, _ := errors.AsType[*workspace.Error](err)
		_ = s.out.send("ended", "", refused.Detail)
	}
	_ = s.out.flush() // the client may be gone
	return nil
}

// sessionOf identifies the session of a request: the hash of its token.
func sessionOf(r *http.Request) tokenHash {
	token, _ := bearerToken(r.Header)
	return sha256.Sum256([]byte(token))
}
