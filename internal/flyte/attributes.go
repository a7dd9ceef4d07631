package flyte

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"google.golang.org/protobuf/proto"
)

// Kind is a kind of matchable attributes, with Flyte 1's name.
type Kind string

// The kinds that the client writes. It never touches others.
const (
	KindExecution        Kind = "WORKFLOW_EXECUTION_CONFIG"
	KindTaskResources    Kind = "TASK_RESOURCE"
	KindClusterResources Kind = "CLUSTER_RESOURCE"
)

// Kinds returns these kinds in the order in which they are written.
func Kinds() []Kind { return []Kind{KindExecution, KindTaskResources, KindClusterResources} }

// Attributes apply to the executions of one project in one domain. Kinds that are nil are absent.
type Attributes struct {
	Execution        *Execution
	TaskResources    *TaskResources
	ClusterResources map[string]string
}

// Execution has the defaults of an execution; its request and its launch plan override them.
type Execution struct {
	// ServiceAccount is that of the task pods.
	ServiceAccount string
	// Labels are set on the execution's pods, unless the request or the launch plan has labels.
	Labels map[string]string
	// RawOutputPrefix is where tasks store their data, such as s3://bucket/prefix.
	RawOutputPrefix string
	// MaxParallelism is how many nodes of a workflow run at once; 0 is Flyte's default.
	MaxParallelism int32
}

// TaskResources are the defaults and limits of one task. They replace FlyteAdmin's task_resources as a whole, so CPU and memory need
// defaults.
type TaskResources struct{ Defaults, Limits Resources }

// Resources are Kubernetes quantities. FlyteAdmin takes an empty one for zero: a zero limit is no limit, and a zero default of CPU or
// memory is written into every task that has none (flyteadmin/pkg/manager/impl/util/resources.go, execution_manager.go).
type Resources struct{ CPU, Memory, GPU, EphemeralStorage string }

// toProto returns the attributes of one kind, nil if they are absent.
func (a Attributes) toProto(kind Kind) *admin.MatchingAttributes {
	switch {
	case kind == KindExecution && a.Execution != nil:
		return &admin.MatchingAttributes{
			Target: &admin.MatchingAttributes_WorkflowExecutionConfig{WorkflowExecutionConfig: a.Execution.toProto()},
		}
	case kind == KindTaskResources && a.TaskResources != nil:
		return &admin.MatchingAttributes{Target: &admin.MatchingAttributes_TaskResourceAttributes{
			TaskResourceAttributes: &admin.TaskResourceAttributes{
				Defaults: a.TaskResources.Defaults.toProto(), Limits: a.TaskResources.Limits.toProto(),
			},
		}}
	case kind == KindClusterResources && a.ClusterResources != nil:
		return &admin.MatchingAttributes{Target: &admin.MatchingAttributes_ClusterResourceAttributes{
			ClusterResourceAttributes: &admin.ClusterResourceAttributes{Attributes: a.ClusterResources},
		}}
	}
	return nil
}

func (e *Execution) toProto() *admin.WorkflowExecutionConfig {
	config := &admin.WorkflowExecutionConfig{MaxParallelism: e.MaxParallelism}
	if e.ServiceAccount != "" {
		config.SecurityContext = &core.SecurityContext{RunAs: &core.Identity{K8SServiceAccount: e.ServiceAccount}}
	}
	if e.RawOutputPrefix != "" {
		config.RawOutputDataConfig = &admin.RawOutputDataConfig{OutputLocationPrefix: e.RawOutputPrefix}
	}
	if len(e.Labels) > 0 {
		config.Labels = &admin.Labels{Values: e.Labels}
	}
	return config
}

func (r Resources) toProto() *admin.TaskResourceSpec {
	return &admin.TaskResourceSpec{Cpu: r.CPU, Memory: r.Memory, Gpu: r.GPU, EphemeralStorage: r.EphemeralStorage}
}

// projectLevel is the domain of attributes that apply to every domain without its own.
const projectLevel = ""

// attributePlace is where attributes of one project are stored: in a domain, or at projectLevel.
type attributePlace struct {
	kind   Kind
	domain string
}

// attributesByPlace are attributes by where they are stored.
type attributesByPlace map[attributePlace]*admin.MatchingAttributes

// attributePlaces stores the desired attributes in as few places as possible: what most domains have in common is at project level.
func (p Project) attributePlaces() attributesByPlace {
	places := attributesByPlace{}
	for _, kind := range Kinds() {
		common := p.mostCommonAttributes(kind)
		if common != nil {
			places[attributePlace{kind, projectLevel}] = common
		}
		for _, domain := range p.domains() {
			if own := p.Attributes[domain].toProto(kind); own != nil && !proto.Equal(own, common) {
				places[attributePlace{kind, domain}] = own
			}
		}
	}
	return places
}

// mostCommonAttributes is nil if a domain is to have no attributes: it would inherit those of the project.
func (p Project) mostCommonAttributes(kind Kind) (mostCommon *admin.MatchingAttributes) {
	most := 0
	for _, domain := range p.domains() {
		candidate := p.Attributes[domain].toProto(kind)
		if candidate == nil {
			return nil
		}
		count := 0
		for _, other := range p.domains() {
			if proto.Equal(candidate, p.Attributes[other].toProto(kind)) {
				count++
			}
		}
		if count > most {
			most, mostCommon = count, candidate
		}
	}
	return mostCommon
}

func (p Project) domains() []string { return slices.Sorted(maps.Keys(p.Attributes)) }

// AttributeKinds are the kinds of attributes that some domain of the project has.
func (p Project) AttributeKinds() []Kind {
	return slices.DeleteFunc(Kinds(), func(kind Kind) bool {
		return !slices.ContainsFunc(p.domains(), func(domain string) bool { return p.Attributes[domain].toProto(kind) != nil })
	})
}

// managedKinds are the desired and the owned kinds; none for Flyte 2.
func (c *Client) managedKinds(p Project) []Kind {
	desired := p.AttributeKinds()
	return slices.DeleteFunc(Kinds(), func(kind Kind) bool {
		return c.attributes == nil || !slices.Contains(desired, kind) && !slices.Contains(p.OwnedKinds, kind)
	})
}

// attributeServer is a Flyte with matchable attributes, Flyte 1.
type attributeServer interface {
	getAttributes(ctx context.Context, project string, kind Kind, domains []string) (attributesByPlace, error)
	listAttributes(ctx context.Context, kind Kind, each func(*admin.MatchableAttributesConfiguration)) error
	setAttributes(ctx context.Context, project string, place attributePlace, attributes *admin.MatchingAttributes) error
	deleteAttributes(ctx context.Context, project string, place attributePlace) error
}

// ensureAttributes makes the attributes of an active project as desired.
func (c *Client) ensureAttributes(ctx context.Context, desired Project) (changed bool, err error) {
	actual := attributesByPlace{}
	for _, kind := range c.managedKinds(desired) {
		attributes, err := c.attributes.getAttributes(ctx, desired.ID, kind, desired.domains())
		if err != nil {
			return false, c.wrap(ctx, fmt.Sprintf("reading %s of project %s", kind, quoted(desired.ID)), err)
		}
		maps.Copy(actual, attributes)
	}
	return c.writeAttributes(ctx, desired, actual)
}

// writeAttributes writes the desired attributes that differ from the actual ones.
func (c *Client) writeAttributes(ctx context.Context, desired Project, actual attributesByPlace) (changed bool, err error) {
	places := desired.attributePlaces()
	for _, kind := range c.managedKinds(desired) {
		wrote, err := c.writeKind(ctx, desired, kind, actual, places)
		changed = changed || wrote
		if err != nil {
			return changed, c.wrap(ctx, fmt.Sprintf("writing %s of project %s", kind, quoted(desired.ID)), err)
		}
	}
	return changed, nil
}

// writeKind starts at project level, since deleting attributes there deletes those of the domains, too.
func (c *Client) writeKind(
	ctx context.Context, desired Project, kind Kind, actual, places attributesByPlace,
) (changed bool, err error) {
	domainsDeleted := false
	for _, domain := range append([]string{projectLevel}, desired.domains()...) {
		place := attributePlace{kind, domain}
		switch {
		case places[place] == nil && actual[place] == nil, !domainsDeleted && proto.Equal(places[place], actual[place]):
			continue
		case places[place] != nil:
			err = c.attributes.setAttributes(ctx, desired.ID, place, places[place])
		default:
			err = c.attributes.deleteAttributes(ctx, desired.ID, place)
			domainsDeleted = domainsDeleted || domain == projectLevel
		}
		if err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}
