package flyte

import (
	"context"
	"fmt"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
)

const (
	// pageSize keeps a page of the largest projects that Flyte 1 accepts, 7 KB each, below maxAnswerBytes. Flyte itself sets no limit.
	pageSize = 200
	// maxPages bounds a listing that would never end.
	maxPages = 1000
	// anyState is a filter that matches every project: without any, archived ones would be left out
	// (flyteadmin/pkg/repositories/gormimpl/project_repo.go, runs/service/project_service.go). No id is a single dash. Flyte 2 accepts
	// only plain column names (runs/repository/impl/string_filters.go).
	anyState = "ne(identifier,-)"
	// byID is the order of the pages.
	byID = "identifier"
)

// Differing lists all of Flyte's projects once and tells the ids of those wanted that are missing or not as wanted. It writes
// nothing. A project that changes while it is listed may be told too often, which EnsureProject finds out.
func (c *Client) Differing(ctx context.Context, wanted []Project) (ids []string, err error) {
	have, err := c.list(ctx)
	if err != nil {
		return nil, c.failure(ctx, "listing projects", err)
	}
	attributes, err := c.listAttributes(ctx, wanted)
	if err != nil {
		return nil, c.failure(ctx, "listing attributes", err)
	}
	for _, want := range wanted {
		if c.differs(want, have[want.ID]) || attributes.differ(want) {
			ids = append(ids, want.ID)
		}
	}
	return ids, nil
}

func (c *Client) differs(want Project, have *admin.Project) bool {
	if have == nil {
		return !want.OnlyExisting
	}
	return c.completed(want, have).differs(have)
}

func (c *Client) list(ctx context.Context) (map[string]*admin.Project, error) {
	all := map[string]*admin.Project{}
	token := ""
	for range maxPages {
		projects, next, err := c.wanted.page(ctx, token)
		if err != nil {
			return nil, err
		}
		for _, project := range projects {
			all[project.GetId()] = project
		}
		if token = next; token == "" {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%w: it has more than %d pages", ErrUnavailable, maxPages)
}

// listed are the attributes of all projects, by kind and project; nil where there are none in this Flyte.
type listed map[Kind]map[string]map[row]*admin.MatchingAttributes

// listAttributes lists only the kinds that some project has to do with.
func (c *Client) listAttributes(ctx context.Context, wanted []Project) (listed, error) {
	flyte, ok := c.wanted.(v1)
	if !ok {
		return nil, nil
	}
	all := listed{}
	for _, want := range wanted {
		for _, kind := range want.managed() {
			if _, known := all[kind]; known {
				continue
			}
			rows, err := flyte.allRows(ctx, kind)
			if err != nil {
				return nil, err
			}
			all[kind] = rows
		}
	}
	return all, nil
}

// differ tells whether something could be put right: not on an archived project.
func (l listed) differ(want Project) bool {
	if l == nil || want.Archived {
		return false
	}
	rows := want.rows()
	for _, kind := range want.managed() {
		if !sameRows(kind, rows, l[kind][want.ID]) {
			return true
		}
	}
	return false
}
