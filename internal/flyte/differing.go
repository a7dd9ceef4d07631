package flyte

import (
	"context"
	"fmt"
	"slices"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/protobuf/proto"
)

const (
	// pageSize keeps a page of the largest projects that Flyte 1 accepts, 7 KB each, below maxPageBytes. Flyte itself sets no limit.
	pageSize = 200
	// matchAll is a filter that matches every project, since no id is a single dash. Without a filter, Flyte leaves out archived projects
	// (flyteadmin/pkg/repositories/gormimpl/project_repo.go, runs/service/project_service.go). Flyte 2 accepts only plain column names
	// (runs/repository/impl/string_filters.go).
	matchAll = "ne(identifier,-)"
	// byID is the sort key of the pages.
	byID = "identifier"
)

// The bounds of one listing. No Flyte that a cluster of workspaces could use reaches them.
const (
	maxPages       = 1000
	maxPageBytes   = 4 << 20
	maxListedBytes = 64 << 20
	// maxEntryBytes bounds one project or one set of attributes. A larger one is not decoded, and so always differs.
	maxEntryBytes = 64 << 10
)

// Differing lists all of Flyte's projects once and returns the ids of the desired ones that are missing or different. It writes
// nothing. If a project changes during the listing, its id may be returned in error; EnsureProject then changes nothing.
//
// Memory does not grow with the size of Flyte: no listed project is kept. More than maxPages pages or maxListedBytes bytes are an error.
func (c *Client) Differing(ctx context.Context, desired []Project) (ids []string, err error) {
	byID := make(map[string]*Project, len(desired))
	for i := range desired {
		byID[desired[i].ID] = &desired[i]
	}
	equal, err := c.compareProjects(ctx, byID)
	if err != nil {
		return nil, c.wrap(ctx, "listing projects", err)
	}
	attributesDiffer, err := c.compareAttributes(ctx, byID)
	if err != nil {
		return nil, c.wrap(ctx, "listing attributes", err)
	}
	for _, project := range desired {
		isEqual, exists := equal[project.ID]
		if !exists {
			isEqual = project.OnlyExisting
		}
		if !isEqual || attributesDiffer[project.ID] {
			ids = append(ids, project.ID)
		}
	}
	return ids, nil
}

// compareProjects returns, for each desired project that Flyte lists, whether it is as desired.
func (c *Client) compareProjects(ctx context.Context, desired map[string]*Project) (equal map[string]bool, err error) {
	equal = map[string]bool{}
	compare := func(actual *admin.Project) {
		if project, ok := desired[actual.GetId()]; ok {
			equal[actual.GetId()] = !c.withKeptText(*project, actual).differs(actual)
		}
	}
	return equal, forEachPage(func(token string) (*listResponse, error) { return c.active.listPage(ctx, token, compare) })
}

// forEachPage reads the pages up to the last. It fails rather than read without end, be it that a token repeats or that there are too
// many pages or bytes.
func forEachPage(read func(token string) (*listResponse, error)) error {
	seen := map[string]bool{"": true}
	token, bytes := "", 0
	for range maxPages {
		page, err := read(token)
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

// compareAttributes returns the ids of the active projects whose attributes differ. It lists only kinds that a project manages.
// Attributes of archived projects can't be changed and are not compared.
func (c *Client) compareAttributes(ctx context.Context, desired map[string]*Project) (differ map[string]bool, err error) {
	differ = map[string]bool{}
	for _, kind := range Kinds() {
		comparison := attributesComparison{kind: kind, desired: map[string]*Project{}, equal: map[string]int{}, differ: differ}
		for id, project := range desired {
			if !project.Archived && slices.Contains(c.managedKinds(*project), kind) {
				comparison.desired[id] = project
			}
		}
		if len(comparison.desired) == 0 {
			continue
		}
		if err := c.attributes.listAttributes(ctx, kind, comparison.add); err != nil {
			return nil, err
		}
		comparison.finish()
	}
	return differ, nil
}

// attributesComparison compares the listed attributes of one kind with the desired ones.
type attributesComparison struct {
	kind    Kind
	desired map[string]*Project
	// equal counts the attributes of each project that are as desired.
	equal  map[string]int
	differ map[string]bool
}

func (c *attributesComparison) add(actual *admin.MatchableAttributesConfiguration) {
	id := actual.GetProject()
	project, ok := c.desired[id]
	if !ok || actual.GetWorkflow() != "" || actual.GetLaunchPlan() != "" {
		return
	}
	desired := project.attributePlaces()[attributePlace{c.kind, actual.GetDomain()}]
	if desired == nil || !proto.Equal(desired, actual.GetAttributes()) {
		c.differ[id] = true
		return
	}
	c.equal[id]++
}

// finish finds the projects that lack desired attributes.
func (c *attributesComparison) finish() {
	for id, project := range c.desired {
		count := 0
		for place := range project.attributePlaces() {
			if place.kind == c.kind {
				count++
			}
		}
		if c.equal[id] != count {
			c.differ[id] = true
		}
	}
}
