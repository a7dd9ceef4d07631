package flyte

import (
	"context"
	"slices"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/protobuf/proto"
)

// otherAttributes are the ids of active projects whose attributes are not as wanted. Only kinds that some project manages are listed.
// Those of an archived project can't be changed.
func (c *Client) otherAttributes(ctx context.Context, wanted map[string]*Project) (map[string]bool, error) {
	differ := map[string]bool{}
	flyte, ok := c.wanted.(v1)
	if !ok {
		return differ, nil
	}
	for _, kind := range Kinds() {
		comparison := attributesComparison{kind: kind, wanted: map[string]*Project{}, equal: map[string]int{}, differ: differ}
		for id, want := range wanted {
			if !want.Archived && slices.Contains(want.managed(), kind) {
				comparison.wanted[id] = want
			}
		}
		if len(comparison.wanted) == 0 {
			continue
		}
		if err := flyte.listAttributes(ctx, kind, comparison.add); err != nil {
			return nil, err
		}
		comparison.end()
	}
	return differ, nil
}

// attributesComparison compares the attributes of one kind with those wanted, one at a time.
type attributesComparison struct {
	kind   Kind
	wanted map[string]*Project
	// equal counts, by project, the attributes that are as wanted.
	equal  map[string]int
	differ map[string]bool
}

func (c *attributesComparison) add(have *admin.MatchableAttributesConfiguration) {
	id := have.GetProject()
	want, ok := c.wanted[id]
	if !ok || have.GetWorkflow() != "" || have.GetLaunchPlan() != "" {
		return
	}
	if attributes := want.rows()[row{c.kind, have.GetDomain()}]; attributes == nil || !proto.Equal(attributes, have.GetAttributes()) {
		c.differ[id] = true
		return
	}
	c.equal[id]++
}

// end finds the projects that lack some of their attributes.
func (c *attributesComparison) end() {
	for id, want := range c.wanted {
		count := 0
		for at := range want.rows() {
			if at.kind == c.kind {
				count++
			}
		}
		if c.equal[id] != count {
			c.differ[id] = true
		}
	}
}
