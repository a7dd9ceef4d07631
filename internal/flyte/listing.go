package flyte

import (
	"context"
	"fmt"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
)

const (
	// pageSize keeps a page of the largest projects that Flyte 1 accepts, 7 KB each, below maxPageBytes. Flyte itself sets no limit.
	pageSize = 200
	// anyState is a filter that matches every project: without any, archived ones would be left out
	// (flyteadmin/pkg/repositories/gormimpl/project_repo.go, runs/service/project_service.go). No id is a single dash. Flyte 2 accepts
	// only plain column names (runs/repository/impl/string_filters.go).
	anyState = "ne(identifier,-)"
	// byID is the order of the pages.
	byID = "identifier"
)

// The bounds of one listing. What reaches one is no Flyte that a cluster of workspaces could use.
const (
	maxPages       = 1000
	maxPageBytes   = 4 << 20
	maxListedBytes = 64 << 20
	// maxEntryBytes is that of one project or one set of attributes. A larger one is not decoded, and so never as wanted.
	maxEntryBytes = 64 << 10
)

// Differing lists all of Flyte's projects once and tells the ids of those wanted that are missing or not as wanted. It writes
// nothing. A project that changes while it is listed may be told too often, which EnsureProject finds out.
//
// It keeps nothing of what Flyte lists, and fails where that is more than maxPages pages or maxListedBytes bytes.
func (c *Client) Differing(ctx context.Context, wanted []Project) (ids []string, err error) {
	byID := make(map[string]*Project, len(wanted))
	for i := range wanted {
		byID[wanted[i].ID] = &wanted[i]
	}
	same, err := c.sameProjects(ctx, byID)
	if err != nil {
		return nil, c.failure(ctx, "listing projects", err)
	}
	otherAttributes, err := c.otherAttributes(ctx, byID)
	if err != nil {
		return nil, c.failure(ctx, "listing attributes", err)
	}
	for _, want := range wanted {
		isSame, isListed := same[want.ID]
		if !isListed {
			isSame = want.OnlyExisting
		}
		if !isSame || otherAttributes[want.ID] {
			ids = append(ids, want.ID)
		}
	}
	return ids, nil
}

// sameProjects reports of each wanted project that Flyte lists whether it is as wanted.
func (c *Client) sameProjects(ctx context.Context, wanted map[string]*Project) (same map[string]bool, err error) {
	same = map[string]bool{}
	compare := func(have *admin.Project) {
		if want, ok := wanted[have.GetId()]; ok {
			same[have.GetId()] = !c.completed(*want, have).differs(have)
		}
	}
	return same, c.eachPage(ctx, func(ctx context.Context, token string) (*entries, error) { return c.wanted.page(ctx, token, compare) })
}

// eachPage reads pages to the last. A token that comes again would never end, and one page too many ends it too.
func (c *Client) eachPage(ctx context.Context, read func(ctx context.Context, token string) (*entries, error)) error {
	seen := map[string]bool{"": true}
	token, bytes := "", 0
	for range maxPages {
		page, err := read(ctx, token)
		if err != nil {
			return err
		}
		token, bytes = page.token, bytes+page.bytes
		switch {
		case token == "":
			return nil
		case seen[token]:
			return fmt.Errorf("%w: the listing repeats the page token %s", ErrUnavailable, quoted(token))
		case bytes > maxListedBytes:
			return fmt.Errorf("%w: the listing has more than %d bytes", ErrUnavailable, maxListedBytes)
		}
		seen[token] = true
	}
	return fmt.Errorf("%w: the listing has more than %d pages", ErrUnavailable, maxPages)
}
