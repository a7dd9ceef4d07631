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

// readListing passes each page of the listing to consume. It fails unless all pages could be read: nobody may act on a broken
// or partial listing.
func (c *Client) readListing(ctx context.Context, consume func(workspace.Page) error) error {
	cursor, seen := "", map[string]bool{}
	for range maxPages {
		seen[cursor] = true
		page, err := c.pageWithRetry(ctx, cursor)
		if err == nil {
			err = consume(page)
		}
		if err != nil {
			return fmt.Errorf("reading page %d of the listing: %w", len(seen), err)
		}
		if cursor = page.NextCursor; cursor == "" {
			return nil
		}
		if seen[cursor] || len(cursor) > maxCursor {
			return fmt.Errorf("reading the listing: the cursor after page %d is repeated, or longer than %d bytes", len(seen), maxCursor)
		}
	}
	return fmt.Errorf("reading the listing: it has more than %d pages", maxPages)
}

// pageWithRetry requests a page again unless the answer is final.
func (c *Client) pageWithRetry(ctx context.Context, cursor string) (page workspace.Page, err error) {
	for attempt := 1; ; attempt++ {
		page, err = c.page(ctx, cursor)
		if err == nil || refusal(err) != nil || errors.Is(err, errInvalidPage) || attempt == pageAttempts {
			return page, err
		}
		select {
		case <-time.After(max(backoff(attempt), askedToWait(err))):
		case <-ctx.Done():
			return page, ctx.Err()
		}
	}
}

var errInvalidPage = errors.New("the answer is not a page of a listing")

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
		return page, fmt.Errorf("%w: it is larger than %d MiB", errInvalidPage, maxPage>>20)
	}
	if page, err = workspace.DecodePage(body); err != nil {
		return page, fmt.Errorf("%w: %w", errInvalidPage, err)
	}
	return page, nil
}
