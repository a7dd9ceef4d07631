package flyte_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// attributesContract is the effect of EnsureProject and Differing on the attributes of any Flyte 1.
func attributesContract(t *testing.T, f flyteServer) {
	t.Helper()
	domains := f.domains(t)
	everywhere := func(a flyte.Attributes) map[string]flyte.Attributes { return inAll(domains, a) }
	full := fullAttributes()
	t.Run("WritesCommonAttributesAtProjectLevel", func(t *testing.T) {
		want := f.newProject(t)
		want.Attributes = everywhere(full)
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		f.wantDiffering(t, want, false)
		for _, kind := range flyte.Kinds() {
			if diff := cmp.Diff([]string{""}, f.placesOf(t, want.ID, kind)); diff != "" {
				t.Errorf("%s is stored at (-want +got):\n%s", kind, diff)
			}
		}
		config := f.attributesIn(t, want.ID, domains[0], admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG).GetWorkflowExecutionConfig()
		if got := config.GetSecurityContext().GetRunAs().GetK8SServiceAccount(); got != "flyte-workload" {
			t.Errorf("executions run as %q", got)
		}
	})
	t.Run("WritesDifferingAttributesInTheDomain", func(t *testing.T) {
		want := f.newProject(t)
		want.Attributes = everywhere(full)
		large := full
		large.TaskResources = &flyte.TaskResources{Limits: flyte.Resources{CPU: "64"}}
		last := domains[len(domains)-1]
		want.Attributes[last] = large
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		f.wantDiffering(t, want, false)
		wantPlaces := []string{"", last}
		if len(domains) == 1 {
			wantPlaces = []string{""}
		}
		if diff := cmp.Diff(wantPlaces, f.placesOf(t, want.ID, flyte.KindTaskResources)); diff != "" {
			t.Errorf("TASK_RESOURCE is stored at (-want +got):\n%s", diff)
		}
		want.Attributes[last] = full
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		if diff := cmp.Diff([]string{""}, f.placesOf(t, want.ID, flyte.KindTaskResources)); diff != "" {
			t.Errorf("TASK_RESOURCE is stored at (-want +got):\n%s", diff)
		}
	})
	t.Run("RemovesOwnedKinds", func(t *testing.T) {
		want := f.newProject(t)
		want.Attributes = everywhere(full)
		f.ensure(t, want, true)
		want.Attributes = everywhere(flyte.Attributes{Execution: full.Execution})
		f.ensure(t, want, false) // it does not own the other kinds
		want.OwnedKinds = flyte.Kinds()
		f.wantDiffering(t, want, true)
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		f.wantDiffering(t, want, false)
		if places := f.placesOf(t, want.ID, flyte.KindTaskResources); len(places) > 0 {
			t.Errorf("TASK_RESOURCE is still stored at %q", places)
		}
		if places := f.placesOf(t, want.ID, flyte.KindExecution); len(places) != 1 {
			t.Errorf("WORKFLOW_EXECUTION_CONFIG is stored at %q", places)
		}
	})
}

// attributesLimits covers foreign attributes, domains without attributes, and archived projects.
func attributesLimits(t *testing.T, f flyteServer) {
	t.Helper()
	domains := f.domains(t)
	everywhere := func(a flyte.Attributes) map[string]flyte.Attributes { return inAll(domains, a) }
	full := fullAttributes()
	t.Run("LeavesADomainWithoutAttributes", func(t *testing.T) {
		want := f.newProject(t)
		want.Attributes = everywhere(full)
		want.OwnedKinds = flyte.Kinds()
		f.ensure(t, want, true)
		want.Attributes[domains[0]] = flyte.Attributes{}
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		f.wantDiffering(t, want, false)
		for _, kind := range flyte.Kinds() {
			if diff := cmp.Diff(domains[1:], append([]string{}, f.placesOf(t, want.ID, kind)...)); diff != "" {
				t.Errorf("%s is stored at (-want +got):\n%s", kind, diff)
			}
		}
	})
	t.Run("RestoresDomainsAfterDeletingAtProjectLevel", func(t *testing.T) {
		if len(domains) < 3 {
			t.Skip("this Flyte has too few domains")
		}
		want := f.newProject(t)
		want.Attributes, want.OwnedKinds = everywhere(full), flyte.Kinds()
		want.Attributes[domains[2]] = flyte.Attributes{ClusterResources: map[string]string{"projectQuotaCpu": "1"}}
		want.Attributes[domains[0]] = flyte.Attributes{ClusterResources: full.ClusterResources}
		f.ensure(t, want, true)
		want.Attributes[domains[0]] = flyte.Attributes{}
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		f.wantDiffering(t, want, false)
		if diff := cmp.Diff(domains[1:], f.placesOf(t, want.ID, flyte.KindClusterResources)); diff != "" {
			t.Errorf("CLUSTER_RESOURCE is stored at (-want +got):\n%s", diff)
		}
	})
	t.Run("RepairsDrift", func(t *testing.T) {
		want := f.newProject(t)
		want.Attributes = everywhere(full)
		f.ensure(t, want, true)
		before := f.attributesIn(t, want.ID, domains[0], admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG)
		f.putInDomain(t, want.ID, domains[0], &admin.MatchingAttributes{Target: &admin.MatchingAttributes_WorkflowExecutionConfig{
			WorkflowExecutionConfig: &admin.WorkflowExecutionConfig{MaxParallelism: 1},
		}})
		f.wantDiffering(t, want, true)
		f.ensure(t, want, true)
		f.wantDiffering(t, want, false)
		after := f.attributesIn(t, want.ID, domains[0], admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG)
		if diff := cmp.Diff(before, after, protocmp.Transform()); diff != "" {
			t.Errorf("attributes (-before +after):\n%s", diff)
		}
	})
	t.Run("LeavesOtherKindsAlone", func(t *testing.T) {
		want := f.newProject(t)
		want.Attributes = everywhere(full)
		f.ensure(t, want, true)
		label := &admin.MatchingAttributes{Target: &admin.MatchingAttributes_ExecutionClusterLabel{
			ExecutionClusterLabel: &admin.ExecutionClusterLabel{Value: "theirs"},
		}}
		f.putInDomain(t, want.ID, domains[0], label)
		want.OwnedKinds, want.Attributes = flyte.Kinds(), everywhere(flyte.Attributes{})
		f.ensure(t, want, true)
		got := f.attributesIn(t, want.ID, domains[0], admin.MatchableResource_EXECUTION_CLUSTER_LABEL)
		if diff := cmp.Diff(label, got, protocmp.Transform()); diff != "" {
			t.Errorf("foreign attributes (-want +got):\n%s", diff)
		}
	})
	t.Run("WaitsForAnActiveProject", func(t *testing.T) {
		want := f.newProject(t)
		want.Archived, want.Attributes = true, everywhere(full)
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		f.wantDiffering(t, want, false)
		want.Archived = false
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		small := full
		small.ClusterResources = map[string]string{"projectQuotaCpu": "1"}
		want.Attributes, want.Archived = everywhere(small), true
		f.ensure(t, want, true)
		want.Archived = false
		f.update(t, message(want)) // so that they can be read
		got := f.attributesIn(t, want.ID, domains[0], admin.MatchableResource_CLUSTER_RESOURCE).GetClusterResourceAttributes()
		if diff := cmp.Diff(small.ClusterResources, got.GetAttributes()); diff != "" {
			t.Errorf("attributes that were written before archiving (-want +got):\n%s", diff)
		}
	})
}

// attributesRefusals are refusals of the server that the client relies on.
func attributesRefusals(t *testing.T, f flyteServer) {
	t.Helper()
	domains := f.domains(t)
	t.Run("RefusesArchivedProjects", func(t *testing.T) {
		want := f.newProject(t)
		want.Archived = true
		f.ensure(t, want, true)
		attributes := &admin.MatchingAttributes{Target: &admin.MatchingAttributes_ClusterResourceAttributes{
			ClusterResourceAttributes: &admin.ClusterResourceAttributes{Attributes: map[string]string{"a": "b"}},
		}}
		_, err := f.v1.UpdateProjectAttributes(t.Context(), &admin.ProjectAttributesUpdateRequest{
			Attributes: &admin.ProjectAttributes{Project: want.ID, MatchingAttributes: attributes},
		})
		wantCode(t, codes.InvalidArgument, err)
		_, err = f.v1.GetProjectDomainAttributes(t.Context(), &admin.ProjectDomainAttributesGetRequest{
			Project: want.ID, Domain: domains[0], ResourceType: admin.MatchableResource_CLUSTER_RESOURCE,
		})
		wantCode(t, codes.InvalidArgument, err)
	})
	t.Run("RefusesUnknownDomains", func(t *testing.T) {
		want := f.newProject(t)
		f.ensure(t, want, true)
		_, err := f.v1.GetProjectDomainAttributes(t.Context(), &admin.ProjectDomainAttributesGetRequest{Project: want.ID, Domain: "nowhere"})
		wantCode(t, codes.InvalidArgument, err)
	})
}

func inAll(domains []string, a flyte.Attributes) map[string]flyte.Attributes {
	all := map[string]flyte.Attributes{}
	for _, domain := range domains {
		all[domain] = a
	}
	return all
}

func fullAttributes() flyte.Attributes {
	return flyte.Attributes{
		Execution: &flyte.Execution{
			ServiceAccount: "flyte-workload", Labels: map[string]string{"workspace": "ws-1"}, RawOutputPrefix: "s3://bucket/ws-1", MaxParallelism: 7,
		},
		TaskResources: &flyte.TaskResources{
			Defaults: flyte.Resources{CPU: "500m", Memory: "1Gi"}, Limits: flyte.Resources{CPU: "4", Memory: "16Gi", GPU: "1"},
		},
		ClusterResources: map[string]string{"projectQuotaCpu": "40"},
	}
}

func (f flyteServer) domains(t *testing.T) (ids []string) {
	t.Helper()
	response, err := f.v1.GetDomains(t.Context(), &admin.GetDomainRequest{})
	if err != nil || len(response.GetDomains()) == 0 {
		t.Fatalf("the domains are %v, %v", response, err)
	}
	for _, domain := range response.GetDomains() {
		ids = append(ids, domain.GetId())
	}
	return slices.Sorted(slices.Values(ids))
}

// placesOf are the domains that have attributes of the kind, "" for project level.
func (f flyteServer) placesOf(t *testing.T, project string, kind flyte.Kind) []string {
	t.Helper()
	response, err := f.v1.ListMatchableAttributes(t.Context(), &admin.ListMatchableAttributesRequest{
		ResourceType: admin.MatchableResource(admin.MatchableResource_value[string(kind)]),
	})
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]bool{}
	for _, one := range response.GetConfigurations() {
		if one.GetProject() == project {
			places[one.GetDomain()] = true
		}
	}
	return slices.Sorted(maps.Keys(places))
}

func (f flyteServer) attributesIn(t *testing.T, project, domain string, kind admin.MatchableResource) *admin.MatchingAttributes {
	t.Helper()
	response, err := f.v1.GetProjectDomainAttributes(t.Context(), &admin.ProjectDomainAttributesGetRequest{
		Project: project, Domain: domain, ResourceType: kind,
	})
	if err != nil {
		t.Fatal(err)
	}
	return response.GetAttributes().GetMatchingAttributes()
}

func (f flyteServer) putInDomain(t *testing.T, project, domain string, attributes *admin.MatchingAttributes) {
	t.Helper()
	_, err := f.v1.UpdateProjectDomainAttributes(t.Context(), &admin.ProjectDomainAttributesUpdateRequest{
		Attributes: &admin.ProjectDomainAttributes{Project: project, Domain: domain, MatchingAttributes: attributes},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (f flyteServer) wantDiffering(t *testing.T, project flyte.Project, want bool) {
	t.Helper()
	ids, err := f.client.Differing(t.Context(), []flyte.Project{project})
	if err != nil || slices.Contains(ids, project.ID) != want {
		t.Errorf("Differing(%+v) = %q, %v, want the id in it: %v", project, ids, err, want)
	}
}
