package workspaceservice

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// maxCursor bounds a cursor, in bytes; it goes into a URL.
const maxCursor = 4 << 10

// pageTries is how often a page is asked for.
const pageTries = 4

// pages reads the whole listing, page by page, and gives each to take. It fails unless all of it could be read: a
// listing that is broken or partial must not be acted on.
func (c *Client) pages(ctx context.Context, take func(workspace.Page) error) error {
	cursor, seen := "", map[string]bool{}
	for range maxPages {
		seen[cursor] = true
		page, err := c.patientPage(ctx, cursor)
		if err == nil {
			err = take(page)
		}
		if err != nil {
			return fmt.Errorf("reading page %d of the listing: %w", len(seen), err)
		}
		if cursor = page.NextCursor; cursor == "" {
			return nil
		}
		if seen[cursor] || len(cursor) > maxCursor {
			return fmt.Errorf("reading the listing: the cursor after page %d has been there before, or is too long", len(seen))
		}
	}
	return fmt.Errorf("reading the listing: it has more than %d pages", maxPages)
}

// patientPage asks again where that can help.
func (c *Client) patientPage(ctx context.Context, cursor string) (page workspace.Page, err error) {
	for try := 1; ; try++ {
		page, err = c.page(ctx, cursor)
		_, refused := errors.AsType[*RefusedError](err)
		if err == nil || refused || errors.Is(err, errNoPage) || try == pageTries {
			return page, err
		}
		wait := backoff(try)
		if unavailable, ok := errors.AsType[*UnavailableError](err); ok {
			wait = max(wait, unavailable.RetryAfter)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return page, ctx.Err()
		}
	}
}

// errNoPage: an answer that is no page of a listing.
var errNoPage = errors.New("the answer is no page of a listing")

func (c *Client) page(ctx context.Context, cursor string) (page workspace.Page, err error) {
	target := c.Endpoint.JoinPath("workspaces")
	target.RawQuery = url.Values{"cursor": {cursor}}.Encode()
	answer, err := c.do(ctx, http.MethodGet, target, "lst_"+rand.Text(), nil)
	if err != nil {
		return page, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage+1))
	switch {
	case err != nil:
		return page, err
	case len(body) > maxPage:
		return page, fmt.Errorf("%w: it is larger than %d MiB", errNoPage, maxPage>>20)
	}
	if page, err = workspace.DecodePage(body); err != nil {
		return page, fmt.Errorf("%w: %w", errNoPage, err)
	}
	return page, nil
}
