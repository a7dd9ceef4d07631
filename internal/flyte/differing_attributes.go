package flyte

import (
	"context"
	"slices"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/protobuf/proto"
)

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
