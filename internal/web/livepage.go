package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// stream sends the content of a page, and again when it has changed.
func (p *Page) stream(view view) echo.HandlerFunc {
	return func(c *echo.Context) error {
		v := p.newVisit(c)
		if err := p.api.ChargeRead(c.Request()); err != nil {
			return err
		}
		access := view.access(v)
		c.SetRequest(v.Request)
		if err := p.api.authorize(c, access); err != nil {
			return err
		}
		return p.api.live.serve(c, v.Request, access, &livePage{page: p, view: view, visit: v})
	}
}

// livePage is the source of a page's stream. It sends the event page with the whole content, and nothing while that is the same.
type livePage struct {
	page  *Page
	view  view
	visit *visit
	sent  [sha256.Size]byte
	// shows reports whether a change may alter what was rendered last, at that time, after the change with the number last.
	shows    func(Change) bool
	rendered time.Time
	last     uint64
}

func (l *livePage) send(ctx context.Context, out *eventWriter) error {
	v := *l.visit
	v.Request = l.visit.WithContext(ctx)
	v.now = time.Now()
	if l.isCurrent(v.now) {
		return nil
	}
	loaded, err := l.page.load(ctx, &l.view, &v)
	if workspace.KindOf(err) == workspace.KindNotFound {
		loaded, err = content{body: failureBody(&v, failureOf(err))}, nil // it was deleted
	}
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := loaded.body.Render(ctx, &text); err != nil {
		return fmt.Errorf("rendering a page: %w", err)
	}
	l.shows, l.rendered = loaded.shows, v.now
	hash := sha256.Sum256(text.Bytes())
	if hash == l.sent {
		return nil
	}
	l.sent = hash
	return out.send("page", "", text.String())
}

func (l *livePage) refresh() time.Duration { return l.view.refresh }

// isCurrent reports whether nothing has changed that the page shows, and it need not be refreshed yet.
func (l *livePage) isCurrent(now time.Time) bool {
	newest, _ := l.page.api.Feed.next()
	changes, complete := l.page.api.Feed.between(l.last, newest)
	l.last = newest
	if l.shows == nil || !complete || now.Sub(l.rendered) >= l.view.refresh {
		return false
	}
	for change := range changes {
		if l.shows(change) {
			return false
		}
	}
	return true
}
