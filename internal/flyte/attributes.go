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

// Kind is a kind of matchable attributes, by the name that Flyte 1 gives it.
type Kind string

// The kinds that the client writes. Others are never touched.
const (
	KindExecution        Kind = "WORKFLOW_EXECUTION_CONFIG"
	KindTaskResources    Kind = "TASK_RESOURCE"
	KindClusterResources Kind = "CLUSTER_RESOURCE"
)

// Kinds are all of them, in the order in which they are written.
func Kinds() []Kind { return []Kind{KindExecution, KindTaskResources, KindClusterResources} }

// Attributes are what holds for the executions of one project in one domain. A kind that is nil is not there.
type Attributes struct {
	Execution        *Execution
	TaskResources    *TaskResources
	ClusterResources map[string]string
}

// Execution holds for an execution whose request and launch plan don't say otherwise.
type Execution struct {
	// ServiceAccount is what the pods of tasks run as.
	ServiceAccount string
	// Labels are on the execution's pods, unless request or launch plan have any.
	Labels map[string]string
	// RawOutputPrefix is where tasks put their data, such as s3://bucket/prefix.
	RawOutputPrefix string
	// MaxParallelism is how many nodes of a workflow run at once, Flyte's own default if 0.
	MaxParallelism int32
}

// TaskResources are of one task: what it gets that asks for nothing, and the most that it may ask for. They replace
// FlyteAdmin's own as a whole, so CPU and memory need defaults.
type TaskResources struct{ Defaults, Limits Resources }

// Resources are Kubernetes quantities. An empty one is zero for FlyteAdmin, whose own task_resources count for nothing once a
// project has TaskResources: a zero limit is no limit, and a zero default of CPU or memory is written into every task that names
// none (flyteadmin/pkg/manager/impl/util/resources.go, execution_manager.go).
type Resources struct{ CPU, Memory, GPU, EphemeralStorage string }

// message is what is written of one kind, nil where there is nothing.
func (a Attributes) message(kind Kind) *admin.MatchingAttributes {
	switch {
	case kind == KindExecution && a.Execution != nil:
		return &admin.MatchingAttributes{
			Target: &admin.MatchingAttributes_WorkflowExecutionConfig{WorkflowExecutionConfig: a.Execution.message()},
		}
	case kind == KindTaskResources && a.TaskResources != nil:
		return &admin.MatchingAttributes{Target: &admin.MatchingAttributes_TaskResourceAttributes{
			TaskResourceAttributes: &admin.TaskResourceAttributes{
				Defaults: a.TaskResources.Defaults.message(), Limits: a.TaskResources.Limits.message(),
			},
		}}
	case kind == KindClusterResources && a.ClusterResources != nil:
		return &admin.MatchingAttributes{Target: &admin.MatchingAttributes_ClusterResourceAttributes{
			ClusterResourceAttributes: &admin.ClusterResourceAttributes{Attributes: a.ClusterResources},
		}}
	}
	return nil
}

func (e *Execution) message() *admin.WorkflowExecutionConfig {
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

func (r Resources) message() *admin.TaskResourceSpec {
	return &admin.TaskResourceSpec{Cpu: r.CPU, Memory: r.Memory, Gpu: r.GPU, EphemeralStorage: r.EphemeralStorage}
}

// projectLevel is the place of attributes that hold in every domain without its own.
const projectLevel = ""

// row is where attributes of one project stand: in a domain, or projectLevel.
type row struct {
	kind   Kind
	domain string
}

// rows are the least that give every domain what it wants: what most domains have in common stands on the project.
func (p Project) rows() map[row]*admin.MatchingAttributes {
	all := map[row]*admin.MatchingAttributes{}
	for _, kind := range Kinds() {
		common := p.mostCommon(kind)
		if common != nil {
			all[row{kind, projectLevel}] = common
		}
		for _, domain := range p.domains() {
			if own := p.Attributes[domain].message(kind); own != nil && !proto.Equal(own, common) {
				all[row{kind, domain}] = own
			}
		}
	}
	return all
}

// mostCommon is what stands on the project. Nothing does where one domain is to have nothing: it would inherit it.
func (p Project) mostCommon(kind Kind) (common *admin.MatchingAttributes) {
	most := 0
	for _, domain := range p.domains() {
		candidate := p.Attributes[domain].message(kind)
		if candidate == nil {
			return nil
		}
		count := 0
		for _, other := range p.domains() {
			if proto.Equal(candidate, p.Attributes[other].message(kind)) {
				count++
			}
		}
		if count > most {
			most, common = count, candidate
		}
	}
	return common
}

func (p Project) domains() []string {
	domains := make([]string, 0, len(p.Attributes))
	for domain := range p.Attributes {
		domains = append(domains, domain)
	}
	slices.Sort(domains)
	return domains
}

// managed are the kinds that the project owns whole: those that it wants, and those that it once had.
func (p Project) managed() []Kind {
	return slices.DeleteFunc(Kinds(), func(kind Kind) bool {
		wanted := slices.ContainsFunc(p.domains(), func(domain string) bool { return p.Attributes[domain].message(kind) != nil })
		return !wanted && !slices.Contains(p.OwnedKinds, kind)
	})
}

// attributed is a Flyte that has matchable attributes. Flyte 2 has none.
type attributed interface {
	rows(ctx context.Context, project string, kind Kind, domains []string) (map[row]*admin.MatchingAttributes, error)
	put(ctx context.Context, project string, at row, attributes *admin.MatchingAttributes) error
	remove(ctx context.Context, project string, at row) error
}

// ensureAttributes makes the attributes of an active project as wanted.
func (c *Client) ensureAttributes(ctx context.Context, want Project) (changed bool, err error) {
	flyte, ok := c.wanted.(attributed)
	if !ok {
		return false, nil
	}
	have := map[row]*admin.MatchingAttributes{}
	for _, kind := range want.managed() {
		rows, err := flyte.rows(ctx, want.ID, kind, want.domains())
		if err != nil {
			return false, c.failure(ctx, fmt.Sprintf("reading %s of project %s", kind, quoted(want.ID)), err)
		}
		maps.Copy(have, rows)
	}
	return c.writeAttributes(ctx, want, have)
}

// writeAttributes writes where the project, which has these now, wants others.
func (c *Client) writeAttributes(ctx context.Context, want Project, have map[row]*admin.MatchingAttributes) (changed bool, err error) {
	flyte, ok := c.wanted.(attributed)
	if !ok {
		return false, nil
	}
	wanted := want.rows()
	for _, kind := range want.managed() {
		wrote, err := settle(ctx, flyte, want, kind, have, wanted)
		changed = changed || wrote
		if err != nil {
			return changed, c.failure(ctx, fmt.Sprintf("writing %s of project %s", kind, quoted(want.ID)), err)
		}
	}
	return changed, nil
}

// settle makes the rows of one kind as wanted: first that of the project, since removing it removes those of its domains too.
func settle(
	ctx context.Context, flyte attributed, want Project, kind Kind, have, wanted map[row]*admin.MatchingAttributes,
) (changed bool, err error) {
	emptied := false
	for _, domain := range append([]string{projectLevel}, want.domains()...) {
		at := row{kind, domain}
		switch {
		case wanted[at] == nil && have[at] == nil, !emptied && proto.Equal(wanted[at], have[at]):
			continue
		case wanted[at] != nil:
			err = flyte.put(ctx, want.ID, at, wanted[at])
		default:
			err = flyte.remove(ctx, want.ID, at)
			emptied = emptied || domain == projectLevel
		}
		if err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}
